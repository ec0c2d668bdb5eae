import { missingMail } from './check/mail.ts'
import { NOBODY_THERE } from './digests.ts'
import type { Recorder } from './recorder.ts'
import { once } from './rest.ts'
import type { Scene } from './workload.ts'

/** A letter takes the place of one for the same account that was asked for before and not told yet: so far apart, each is told. */
const APART_MS = 20_000
const asked = new WeakMap<Scene, Map<string, number>>()

/** Somebody has forgotten their password, and asks for a link, once. */
export async function forgetPassword(scene: Scene): Promise<void> {
  const { url, people, recorder, random } = scene
  const { email: to } = random.pick(people.filter(({ email }) => email !== NOBODY_THERE))
  const times = asked.get(scene) ?? new Map<string, number>()
  asked.set(scene, times)
  const askedAt = Date.now()
  if (askedAt - (times.get(to) ?? Number.NEGATIVE_INFINITY) < APART_MS) return
  times.set(to, askedAt)
  const reply = await once(url, undefined, 'POST', '/api/user/password/forgot', { email: to })
  recorder.note({ type: 'forgot', to, askedAt, status: reply?.status })
}

const ARRIVE_MS = 60_000

/** Waits until the last link that each was promised has arrived, at most a minute. */
export async function mailArrived(recorder: Recorder): Promise<void> {
  const until = Date.now() + ARRIVE_MS
  while (missingMail(recorder.events()).length > 0 && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 200))
}
