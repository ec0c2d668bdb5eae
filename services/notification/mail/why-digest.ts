import type { Told } from '../store/deliveries.ts'
import type { DigestReason } from './digest-parts.ts'

/** Why a mail about unread messages was not sent, or not yet: one sentence for each reason of `digest-parts.ts`. */
export function whyNoDigest(reason: DigestReason): string {
  return NOT[reason]
}

/** Why a mail that was sent did not tell of a message of a conversation that it was about. */
export function whyNotInDigest(reason: string): string {
  const said = 'The mail that was sent did not tell of it.'
  return reason in NOT ? `${said} ${NOT[reason as DigestReason]}` : said
}

/** What became of such a mail. `reason` is the ledger's. */
export function whyDigest(state: Told['state'], reason?: string): string {
  if (state === 'sent') return 'A mail about it was sent.'
  if (state === 'planned' || state === 'sending')
    return reason === undefined || !(reason in NOT)
      ? 'A mail about it is on its way.'
      : `A mail about it waits. ${NOT[reason as DigestReason]}`
  if (reason !== undefined && reason in NOT) return `No mail was sent. ${NOT[reason as DigestReason]}`
  switch (reason) {
    case 'address.suspended':
    case 'address.refused':
      return 'No mail was sent: your address cannot be reached.'
    case 'too.late':
      return 'No mail was sent: the mail server could not take it for a day.'
    default:
      return 'No mail was sent: the mail server refused it.'
  }
}

const NOT: Record<DigestReason, string> = {
  'digest.off': 'You have turned mail about unread messages off.',
  'do.not.disturb': 'You had asked not to be disturbed at that time.',
  'quiet.hours': 'It was in your quiet hours.',
  'own.message': 'What was new there you sent yourself.',
  'not.member': 'You were not in the conversation any more.',
  'before.joining': 'It was sent before you joined.',
  'message.gone': 'What was new there was deleted, or had disappeared.',
  blocked: 'You have blocked who sent it, or they have blocked you.',
  read: 'You had read it by then.',
  muted: 'The conversation was muted.',
  'level.none': 'You have turned notifications off for this conversation.',
  'level.mentions': 'In this conversation you are told of mentions and replies only, and it was neither.',
  'all.none': 'You have turned notifications off for all conversations.',
  'all.mentions': 'In groups you are told of mentions and replies only, and it was neither.',
  'active.device': 'You were using Parley on one of your devices, which showed it.',
}
