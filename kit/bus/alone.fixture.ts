import { SUBSCRIPTIONS, type SubscriptionName } from '@parley/protocol/events'
import type { Bus } from './bus.ts'
import { type EmbeddedOptions, embeddedBus } from './embedded.ts'

/**
 * An embedded bus for the tests of a part that is without the others. What the others would take is taken, and nothing is made of it: else
 * it would wait, and with it whoever publishes. A subscription belongs to the first who takes it in the test, also when they are gone
 * again, so that a new one needs no word here. Of those that are `left`, events wait for that first one.
 */
export function aloneBus({
  left = () => false,
  ...options
}: EmbeddedOptions & { left?: (name: SubscriptionName) => boolean }): Bus {
  const bus = embeddedBus(options)
  const absent = (Object.keys(SUBSCRIPTIONS) as SubscriptionName[]).filter((name) => !left(name))
  const standIns = new Map(absent.map((name) => [name, bus.subscribe(name, async () => {})]))
  return {
    ...bus,
    async subscribe(name, handle) {
      const standIn = await standIns.get(name)
      standIns.delete(name)
      // One right after the other, so that no event is refused in between.
      const gone = standIn?.[Symbol.asyncDispose]()
      const subscription = bus.subscribe(name, handle)
      await gone
      return subscription
    },
  }
}
