import { type Behaviour, openPushService, type Subscription } from '@parley/infra/push-service'
import { openNotes } from './notes.ts'

/** A browser has subscribed, or its subscription is over. */
export type PushTold = { subscribed: Subscription } | { gone: string }

/** The push service of browsers, which notes what it has taken, and now and then is busy or slow, or takes a push and never says so. */
const notes = openNotes<PushTold>((line) => {
  if ('gone' in line) service.unsubscribe({ id: line.gone })
  else service.admit(line.subscribed)
})
const service = await openPushService({ after: () => {} }, notes)
const under = new WeakMap<object, string>()
service.asked = notes.listen
service.behave = () => (notes.breaks() ? behaviour(notes.dice.next()) : { status: 201 })
service.taken = (pushed, answered) => {
  const { tag, conversationId, seq, count, text } = pushed.body as Said
  const n = notes.note({
    ...{ type: 'pushed', by: 'push', address: pushed.browser.id, conversationId, seq, count, text, answered },
    place: `${pushed.headers.topic} ${tag}`,
  })
  if (answered) under.set(pushed, n)
}
service.answered = (pushed) => notes.answered(under.get(pushed))
service.turnedAway = (address) =>
  notes.answered(notes.note({ type: 'turned.away', by: 'push', address, answered: true }))

/** What a push says, as `PUSH_CONTENT` is by itself. */
type Said = { tag: string; conversationId: string; seq: number; count: number; text: string }

function behaviour(dice: number): Behaviour {
  if (dice < 0.05) return { status: 500 }
  if (dice < 0.08) return { status: 429, headers: { 'retry-after': '1' } }
  if (dice < 0.12) return 'cut'
  if (dice < 0.13) return 'hang'
  return { status: 201, ...(dice < 0.18 && { slowMs: dice * 10_000 }) }
}
