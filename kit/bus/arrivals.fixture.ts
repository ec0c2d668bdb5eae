import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { BusEvent } from '@parley/protocol/events'
import { Fault } from '../fault.ts'
import type { Bus } from './bus.ts'

export type Registered = Extract<BusEvent, { type: 'user.registered' }>

/** What has arrived so far, in order, and a wait for what is still to come. */
export interface Arrivals<T> {
  readonly items: readonly T[]
  add(item: T): void
  /** Resolves once `enough` says so; rejects after `withinMs`, telling what had arrived. */
  until(what: string, enough: (items: readonly T[]) => boolean, withinMs?: number): Promise<void>
}

export function arrivals<T>(): Arrivals<T> {
  const items: T[] = []
  const checks = new Set<() => void>()
  return {
    items,
    add(item) {
      items.push(item)
      for (const check of checks) check()
    },
    until(what, enough, withinMs = 10_000) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const late = () =>
        reject(new Error(`Waited ${withinMs} ms for ${what}; arrived: ${JSON.stringify(items).slice(0, 500)}`))
      const timer = setTimeout(late, withinMs)
      const check = () => void (enough(items) && resolve())
      checks.add(check)
      check()
      return promise.finally(() => {
        checks.delete(check)
        clearTimeout(timer)
      })
    },
  }
}

/** Publishes as an outbox does: again and again until the bus has it, at most 30 s. */
export async function publishForSure(bus: Bus, event: BusEvent): Promise<void> {
  const deadline = Date.now() + 30_000
  for (;;) {
    try {
      return await bus.publish(event)
    } catch (error) {
      if (!(error instanceof Fault && error.code === 'unavailable') || Date.now() > deadline) throw error
      await delay(20)
    }
  }
}

/** Resolves when the bus is in that state, at most 30 s from now. */
export async function reached(bus: Bus, state: 'up' | 'down'): Promise<void> {
  const states = arrivals<string>()
  using _watch = bus.onState((now) => states.add(now))
  if (bus.state !== state) await states.until(`the bus to be ${state}`, (seen) => seen.at(-1) === state, 30_000)
}

/** A new event that a durable subscription takes. */
export function registered(username = 'ann'): Registered {
  const id = randomUUID()
  return { ...envelope(id), type: 'user.registered', data: { id, username } }
}

/** A new event that no durable subscription takes. */
export function controlAppended(n: number): BusEvent {
  return { ...envelope('control'), type: 'control.appended', data: { n } }
}

function envelope(key: string) {
  return { id: randomUUID(), version: 1 as const, occurredAt: new Date().toISOString(), key, rev: 1 }
}
