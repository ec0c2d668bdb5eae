import type { StandingMessage } from '@parley/protocol/standing'
import { CAUSES, type Cause, type Decision, type Reason } from './decision.ts'
import type { Device } from './store/devices.ts'
import type { Answer } from './store/watches.ts'

/** What was decided for one user, and the devices that are told. */
export interface Verdict {
  userId: string
  devices: readonly Device[]
  /** Of each message. */
  decisions: readonly Decision[]
}

/** What that user was answered of that message; undefined where nothing is kept. */
export function answerFor(answers: readonly Answer[], userId: string, seq: number): Cause | Reason | undefined {
  return answers.find((one) => one.fromSeq <= seq && seq <= one.toSeq && one.userIds.includes(userId))?.answer
}

/** The decision that was kept as that answer. */
export const decisionOf = (answer: Cause | Reason): Decision =>
  isCause(answer) ? { outcome: 'push', because: answer } : { outcome: 'none', reason: answer }

export const isCause = (answer: Cause | Reason): answer is Cause => (CAUSES as readonly string[]).includes(answer)

/** The verdicts as they are kept: one line for all users who were given the same answer of the same run of messages. */
export function answersOf(
  messages: readonly StandingMessage[],
  verdicts: readonly Verdict[],
  fromSeq: number,
): Answer[] {
  const answers = new Map<string, Answer>()
  for (const { userId, decisions } of verdicts) {
    for (let at = 0; at < messages.length; ) {
      const answer = answerOf(decisions[at]!)
      let end = at
      while (end + 1 < messages.length && answerOf(decisions[end + 1]!) === answer) end++
      // Of very many messages the first were not looked at: they have the answer of those that follow.
      const run = { fromSeq: at === 0 ? fromSeq : messages[at]!.seq, toSeq: messages[end]!.seq }
      const key = `${run.fromSeq}/${run.toSeq}/${answer}`
      const same = answers.get(key) ?? { ...run, answer, userIds: [] }
      same.userIds.push(userId)
      answers.set(key, same)
      at = end + 1
    }
  }
  return [...answers.values()]
}

const answerOf = (decision: Decision): Cause | Reason =>
  decision.outcome === 'push' ? decision.because : decision.reason
