import type { BusEvent, BusEventType } from '@parley/protocol/events'
import { z } from 'zod'

/** The event as bytes. */
export function encodeEvent(event: BusEvent): Buffer {
  return Buffer.from(JSON.stringify(event))
}

/** Reads bytes from the bus. Throws when they are no event of version 1 and one of these types. `data` is taken as its publisher made it. */
export function decodeEvent<T extends BusEventType>(
  bytes: Buffer,
  types: readonly T[],
): Extract<BusEvent, { type: T }> {
  const event = Envelope.extend({ type: z.enum(types) }).parse(JSON.parse(bytes.toString('utf8')))
  // Publishers are our own services, and share the type with us.
  return event as unknown as Extract<BusEvent, { type: T }>
}

const Envelope = z.looseObject({
  id: z.string().min(1),
  version: z.literal(1),
  occurredAt: z.string(),
  key: z.string(),
  rev: z.number(),
  data: z.looseObject({}),
})
