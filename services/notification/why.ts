import type { Cause, Reason } from './decision.ts'
import type { Told } from './store/deliveries.ts'

/** What is told to whoever asks why a push came or did not: one sentence for each answer of `decide`. */
export function whyNot(reason: Reason): string {
  return NOT[reason]
}

export function whyPushed(cause: Cause): string {
  return PUSHED[cause]
}

/** What became of a push to one device. `reason` and `detail` are the ledger's. */
export function whyPush(state: Told['state'], reason?: string, detail?: string): string {
  if (state === 'sent') return 'The push service took it.'
  if (state === 'planned' || state === 'sending')
    return reason === undefined
      ? 'It is on its way.'
      : `The push service could not take it, and is tried again (${detail ?? reason}).`
  if (reason !== undefined && reason in NOT) return `It was not sent any more. ${NOT[reason as Reason]}`
  switch (reason) {
    case 'device.gone':
      return 'The device is not registered any more.'
    case 'overtaken':
      return 'It was not sent any more, since a newer message of the conversation is shown in its place.'
    case 'push.off':
      return 'This server does not push to devices of that kind any more.'
    case 'too.late':
      return 'The push service could not take it for hours, then it was not worth sending.'
    case 'account.deleted':
      return 'The account was deleted.'
    default:
      return `The push service refused it (${detail ?? reason ?? 'without a reason'}).`
  }
}

const NOT: Record<Reason, string> = {
  'own.message': 'You sent it yourself.',
  'not.member': 'You were not in the conversation any more.',
  'before.joining': 'It was sent before you joined.',
  'message.gone': 'It was deleted, or had disappeared, before you were told.',
  blocked: 'You have blocked who sent it, or they have blocked you.',
  read: 'You had read it already.',
  'too.old': 'It was more than a day old when it could be told: the notifications had been away.',
  muted: 'The conversation was muted.',
  'level.none': 'You have turned notifications off for this conversation.',
  'level.mentions': 'In this conversation you are told of mentions and replies only, and it was neither.',
  'all.none': 'You have turned notifications off for all conversations.',
  'all.mentions': 'In groups you are told of mentions and replies only, and it was neither.',
  'active.device': 'You were using Parley on one of your devices, which showed it.',
  'channel.off': 'You have turned push notifications off.',
  'do.not.disturb': 'You had asked not to be disturbed at that time.',
  'quiet.hours': 'It came in your quiet hours.',
  'no.device': 'None of your devices was registered for push notifications.',
}

const PUSHED: Record<Cause, string> = {
  mention: 'It mentions you.',
  reply: 'It answers a message of yours.',
  'mention.all': 'It mentions everybody.',
  message: 'It is new in a conversation that you are told of.',
}
