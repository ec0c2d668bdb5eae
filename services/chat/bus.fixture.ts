import type { Bus } from '@parley/kit/bus/bus'
import { Fault } from '@parley/kit/fault'

/** A bus whose link can be cut: then nothing passes, and who asks for the state is told. */
export interface FragileBus extends Bus {
  cut(): void
  mend(): void
}

/** Puts a link that can be cut between a node and its bus. */
export function fragileBus(bus: Bus): FragileBus {
  const watchers = new Set<(state: 'up' | 'down') => void>()
  let state: 'up' | 'down' = 'up'
  function turn(now: 'up' | 'down'): void {
    state = now
    for (const watcher of watchers) watcher(now)
  }
  bus.onState((now) => state === 'up' && turn(now))

  return {
    cut: () => turn('down'),
    mend: () => turn('up'),
    get state() {
      return state
    },
    onState(handle) {
      watchers.add(handle)
      return { [Symbol.dispose]: () => void watchers.delete(handle) }
    },
    async publish(event) {
      if (state === 'down') throw new Fault('unavailable', 'The link is cut')
      await bus.publish(event)
    },
    hears: () => true,
    subscribe: (name, handle) => bus.subscribe(name, handle),
    listen: (types, handle) => bus.listen(types, (event) => state === 'up' && handle(event)),
    async openDeliveries(receive) {
      const own = await bus.openDeliveries((delivery) => state === 'up' && receive(delivery))
      return { ...own, publish: (delivery) => state === 'up' && own.publish(delivery) }
    },
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  }
}
