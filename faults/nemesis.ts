import { setTimeout as pause } from 'node:timers/promises'
import type { Stack } from '@parley/infra/stack'
import { CRASH_POINTS } from '@parley/kit/crash'
import type { NetworkLink } from './proxy.ts'
import type { Random } from './random.ts'
import type { Recorder } from './recorder.ts'

/** What breaks things during a run. */
export interface Nemesis {
  /** Breaks and mends until the signal aborts; everything is mended when it resolves. */
  run(signal: AbortSignal): Promise<void>
  /** Whether it is breaking that process now. */
  breaks(name: string): boolean
  /**
   * Lets nothing that messages go through break while `act` runs, and begins when what was broken has had time to settle; with `brokerAway`, the
   * broker alone is dead for as long, where there is one. Resolves without `act` when the signal aborted before its turn.
   */
  interlude(brokerAway: boolean, signal: AbortSignal, act: () => Promise<void>): Promise<void>
}

/** Processes of ours: they must come back by themselves and quickly. The others are the outside world's. */
export const isOurs = (name: string): boolean => /^(parley|user|(chat|notification)-\d+)$/.test(name)

/** What stands in for servers that notices leave by, and that are nobody's of ours. */
const OUTSIDE = /^(push|fcm|smtp)$/
export const isOutside = (name: string): boolean => OUTSIDE.test(name)

/** How long after a fault things may still be settling. */
const CALM_MS = 2_000

export function openNemesis(
  stack: Stack,
  proxy: NetworkLink,
  recorder: Recorder,
  { below, chance, pick, next }: Random,
): Nemesis {
  /** Turns: the next fault, or an interlude, begins when the one before is over. */
  let turns: Promise<void> = Promise.resolve()

  const broken = new Set<string>()

  async function during(what: string, target: string, act: () => Promise<void>): Promise<void> {
    recorder.note({ type: 'fault', what, target, phase: 'begin' })
    broken.add(target)
    try {
      await act()
    } finally {
      broken.delete(target)
      recorder.note({ type: 'fault', what, target, phase: 'end' })
    }
  }

  function inTurn(act: () => Promise<void>): Promise<void> {
    turns = turns.then(act)
    return turns
  }

  async function start(name: string, env?: Record<string, string>): Promise<void> {
    const begun = recorder.now()
    await stack.start(name, env)
    if (isOurs(name)) recorder.note({ type: 'ready', target: name, tookMs: recorder.now() - begun })
  }

  const kill = (name: string): Promise<void> =>
    during('kill', name, async () => {
      await stack.kill(name)
      // Most come back at once; some stay away long enough for others to notice.
      if (chance(0.3)) await pause(1_000 + below(name === 'rabbitmq' ? 9_000 : 3_000))
      await start(name)
    })

  const freeze = (name: string): Promise<void> =>
    during('freeze', name, async () => {
      stack.freeze(name)
      await pause(500 + below(6_000))
      stack.resume(name)
    })

  /** The process kills itself at a line that matters, once it gets there; if it does not in time, it is killed. */
  const crash = (name: string): Promise<void> => {
    const own = isOutside(name) ? /^stand-in/ : /^(?!stand-in|migration)/
    const point = pick(CRASH_POINTS.filter((at) => own.test(at)))
    return during(`crash at ${point}`, name, async () => {
      await stack.kill(name)
      await start(name, { PARLEY_CRASH_AT: `${point}:${1 + below(isOutside(name) ? 6 : 30)}` }).catch(() => undefined)
      const until = Date.now() + 6_000
      while (stack.alive(name) && Date.now() < until) await pause(20)
      if (stack.alive(name)) await stack.kill(name)
      await start(name)
    })
  }

  const cut = (): Promise<void> => during('cut', 'network', async () => proxy.cut(0.2 + next() * 0.8))

  const silence = (): Promise<void> =>
    during('silence', 'network', async () => {
      proxy.silent = true
      await pause(500 + below(3_000))
      proxy.silent = false
      proxy.cut(1)
    })

  function choose(): () => Promise<void> {
    const names = stack.names().filter((name) => !isOutside(name))
    const dice = next()
    if (dice < 0.2) return cut
    if (dice < 0.27) return silence
    const name = pick(names)
    if (dice < 0.42 && name !== 'nginx') return () => freeze(name)
    if (dice < 0.7) return () => crash(pick(names.filter(isOurs)))
    return () => kill(name)
  }

  /** Beside all that, one after the other: nobody among people may feel it, so that it waits for no turn. */
  async function breakOutside(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(1_000 + below(7_000), undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await pick([kill, freeze, crash])(pick(stack.names().filter(isOutside)))
    }
  }

  const brokerAway = (act: () => Promise<void>): Promise<void> =>
    during('kill', 'rabbitmq', async () => {
      await stack.kill('rabbitmq')
      await act()
      await stack.start('rabbitmq')
    })

  return {
    breaks: (name) => broken.has(name),
    interlude: (away, signal, act) =>
      inTurn(async () => {
        await pause(CALM_MS, undefined, { signal }).catch(() => undefined)
        if (signal.aborted) return
        await (away && stack.names().includes('rabbitmq') ? brokerAway(act) : act())
      }),
    async run(signal) {
      const outside = breakOutside(signal)
      while (!signal.aborted) {
        await pause(200 + below(1_500), undefined, { signal }).catch(() => undefined)
        if (signal.aborted) break
        // Now and then two things break at once.
        const both = chance(0.15) && stack.names().includes('rabbitmq')
        await inTurn(both ? () => Promise.all([cut(), kill('rabbitmq')]).then(() => undefined) : choose())
      }
      await Promise.all([turns, outside])
    },
  }
}
