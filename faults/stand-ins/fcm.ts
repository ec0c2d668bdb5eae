import { type FcmBehaviour, type FcmMessage, openFcmService } from '@parley/infra/fcm-service'
import { openNotes } from './notes.ts'

/** An app has registered, or was removed from its device. */
export type FcmTold = { registered: string } | { gone: string }

/** Google, which notes what it has taken for apps, and now and then is busy or slow, ends the access that it gave, or takes a message and never says so. */
const notes = openNotes<FcmTold>((line) => {
  if ('gone' in line) service.unregister(line.gone)
  else service.register(line.registered)
})
const service = await openFcmService({ after: () => {} }, [], notes)
const under = new WeakMap<FcmMessage, string>()
service.before = () => {
  const breaks = notes.breaks()
  if (breaks && notes.dice.chance(0.01)) service.endAccess()
  service.refusesAccess = breaks && notes.dice.chance(0.1) ? 'temporarily_unavailable' : undefined
}
service.answering = () => (notes.breaks() ? behaviour(notes.dice.next()) : undefined)
service.taken = (message, answered) => {
  const { conversationId = '', seq, count } = message.data
  const n = notes.note({
    ...{
      type: 'pushed',
      by: 'fcm',
      address: message.token,
      conversationId,
      seq: Number(seq),
      count: Number(count),
      answered,
    },
    ...{ text: textOf(message), place: placeOf(message) },
  })
  if (answered) under.set(message, n)
}
service.answered = (message) => notes.answered(under.get(message))
service.turnedAway = (address) =>
  notes.answered(notes.note({ type: 'turned.away', by: 'fcm', address, answered: true }))

/** What the message said: the app reads it, or the system shows it, in a group behind who said it. */
function textOf({ data, android, apns, webpush }: FcmMessage): string {
  const shown: string =
    android?.notification?.body ?? apns?.payload.aps.alert?.body ?? webpush?.notification?.body ?? data.text ?? ''
  const by = `${data.sender}: `
  return data.kind === 'group' && data.text === undefined && shown.startsWith(by) ? shown.slice(by.length) : shown
}

/** What has two messages take one place on a device: the system's names for it, and the one that an app goes by. */
function placeOf({ data, android, apns, webpush }: FcmMessage): string {
  const names = [
    ...[android?.collapse_key ?? android?.collapseKey, android?.notification?.tag],
    ...[apns?.headers['apns-collapse-id'], webpush?.headers.Topic, webpush?.notification?.tag],
  ]
  return [...names, data.tag].filter((name) => name !== undefined).join(' ')
}

function behaviour(dice: number): FcmBehaviour | undefined {
  if (dice < 0.05) return { status: 500, code: 'INTERNAL' }
  if (dice < 0.08) return { status: 429, code: 'QUOTA_EXCEEDED', headers: { 'retry-after': '1' } }
  if (dice < 0.1) return { status: 503, code: 'UNAVAILABLE', headers: { 'retry-after': '1' } }
  if (dice < 0.14) return 'cut'
  if (dice < 0.15) return 'hang'
  return dice < 0.2 ? { slowMs: dice * 10_000 } : undefined
}
