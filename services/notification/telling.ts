import { LIMITS } from '@parley/protocol/limits'
import type { ChatDirectory, Standing, StandingMember } from '@parley/protocol/standing'
import type { Watch } from './store/watches.ts'

/** Questions that are asked of what waits. What lies before the messages that they give has waited among so many that it is told as a number. */
const MOST_PAGES = 5
const NOTHING: Standing = { kind: 'group', title: '', headSeq: 0, messages: [], members: [] }

/** The conversation and those members, with what is to be told, ascending and without a gap up to the last: of very many messages the last ones. */
export async function tellingOf(
  chat: ChatDirectory,
  { conversationId, fromSeq, toSeq }: Watch,
  userIds: readonly string[],
): Promise<Standing> {
  const page = (upTo: number) => standingOfAll(chat, { conversationId, fromSeq, toSeq: upTo }, userIds)
  // Whoever restored an older chat store than this one is told nothing of what is gone.
  let told = (await page(toSeq)) ?? NOTHING
  for (let pages = 1; pages < MOST_PAGES && told.messages[0] && told.messages[0].seq > fromSeq; pages++) {
    const older = await page(told.messages[0].seq - 1)
    if (!older) break
    told = {
      ...told,
      messages: [...older.messages, ...told.messages],
      members: withApart(told.members, older.members),
    }
  }
  return told
}

/** As many at once as may be asked about. */
async function standingOfAll(
  chat: ChatDirectory,
  range: { conversationId: string; fromSeq: number; toSeq: number },
  userIds: readonly string[],
): Promise<Standing | undefined> {
  const first = await chat.standing({ ...range, userIds: userIds.slice(0, LIMITS.idsPerCall) })
  if (!first) return undefined
  const members = [...first.members]
  for (let from = LIMITS.idsPerCall; from < userIds.length; from += LIMITS.idsPerCall) {
    const next = await chat.standing({ ...range, userIds: userIds.slice(from, from + LIMITS.idsPerCall) })
    members.push(...(next?.members ?? []))
  }
  return { ...first, members }
}

/** Each page says of the senders on it alone whom they are kept apart from. */
function withApart(members: readonly StandingMember[], others: readonly StandingMember[]): StandingMember[] {
  const apart = new Map(others.map(({ userId, apart = [] }) => [userId, apart]))
  return members.map((member) => {
    const more = apart.get(member.userId) ?? []
    return more.length === 0 ? member : { ...member, apart: [...new Set([...(member.apart ?? []), ...more])] }
  })
}
