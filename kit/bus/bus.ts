import type { BusEvent, BusEventType, SUBSCRIPTIONS, SubscriptionName } from '@parley/protocol/events'

/**
 * The event bus: what services tell each other (`publish`, `subscribe`), and what chat nodes pass to each other's sockets
 * (`openDeliveries`). At least once, in no promised order. Two implementations, one contract suite (`bus.contract.ts`).
 */
export interface Bus extends AsyncDisposable {
  /**
   * Resolves when the event is as durable as the bus makes it: RabbitMQ has confirmed it and routed it to each declared
   * subscription, or every embedded subscriber has committed it. Rejects with `unavailable` when it could not be, or when
   * that is not known within a bounded time: the caller (an outbox) publishes it again.
   */
  publish(event: BusEvent): Promise<void>

  /** False where surely nobody takes or hears events of this type: to publish one would do nothing. */
  hears(type: BusEventType): boolean

  /**
   * Consumes a durable subscription, shared by all processes of the service: each event goes to one of them.
   * It counts as consumed when `handle` resolves. A handler that rejects sees the event again later (a ladder of growing
   * delays; embedded, when its outbox repeats it), until it is a dead letter, and never holds up other events. One that rejects with
   * `validation.failed` does not see it again: it is no event of its kind, however often it comes, and a dead letter at once. Prefetch is
   * bounded. Resolves when it consumes, or at once while the bus is down: it then begins upon reconnection.
   */
  subscribe<N extends SubscriptionName>(
    name: N,
    handle: (event: Extract<BusEvent, { type: (typeof SUBSCRIPTIONS)[N][number] }>) => Promise<void>,
  ): Promise<AsyncDisposable>

  /** Hears events of these types as they pass, from now on, on every process that listens; nothing is kept while it is away. */
  listen(types: readonly BusEventType[], handle: (event: BusEvent) => void): Promise<AsyncDisposable>

  /** Opens this node's mailbox for deliveries to sockets. `receive` must not throw. */
  openDeliveries(receive: (delivery: Delivery) => void): Promise<Deliveries>

  /** `up` while connected to a broker that takes what is published. An embedded bus is always up. */
  readonly state: 'up' | 'down'

  /** Called at each change of `state`, and with `up` again when a node has lost deliveries. After `up`, transient news (listen, deliveries) may have been missed. */
  onState(handle: (state: 'up' | 'down') => void): Disposable
}

/** Bytes for the sockets of some partitions; the bus does not look inside. */
export interface Delivery {
  partitions: readonly number[]
  body: Buffer
}

/** A node's own mailbox. Transient: gone with the node, and what passes while it is away is lost (sync heals it). */
export interface Deliveries extends AsyncDisposable {
  /** From when it resolves, deliveries to that partition arrive here. While the bus is down it resolves at once, and binds upon reconnection, before the state is `up`. */
  bind(partition: number): Promise<void>
  /** Stops soon after. */
  unbind(partition: number): void
  /**
   * One publish whatever the number of partitions (more than 32: all nodes). Never comes back to the node that sent it.
   * Fire and forget: dropped while the bus is down, and `lost` while its buffer is full.
   */
  publish(delivery: Delivery): void
  /** Says that something could not be delivered: `onState` tells all nodes, this one too, of `up` again in 2 s, at most every 10 s. */
  lost(): void
  /** True while there is surely no other mailbox: whoever would publish may spare itself the work. */
  alone(): boolean
}
