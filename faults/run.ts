import { setTimeout as pause } from 'node:timers/promises'
import { startStack } from '@parley/infra/stack'
import { openDevice, PASSWORD, type Person } from './actors.ts'
import { alertsAgreed, hearAlerts } from './alerts.ts'
import { readWatched, watchBus } from './bus-watch.ts'
import { check } from './check.ts'
import { chooseDigests, DIGEST_SETTINGS } from './digests.ts'
import { readFinal } from './final.ts'
import type { Anomaly, History } from './history.ts'
import { mailArrived } from './mail.ts'
import { openNemesis } from './nemesis.ts'
import { openOutside } from './outside.ts'
import { openOutstanding } from './outstanding.ts'
import { openProxy } from './proxy.ts'
import { openPushed, readTold } from './push.ts'
import { random } from './random.ts'
import { openRecorder } from './recorder.ts'
import { logIn, once } from './rest.ts'
import { watchProcesses, watchRevocation } from './witness.ts'
import { runWorkload, type Scene } from './workload.ts'

export type Shape = 'all-in-one' | 'scale-out'

export interface RunResult {
  history: History
  anomalies: Anomaly[]
}

const PEOPLE = ['ada', 'bob', 'cyd', 'dee']
const YOUNG_QUEUE_MS = 5_000
const DEVICES = ['phone', 'laptop', 'tablet']

/** One run: a whole system of real processes, people who chat on it for that long, and everything that may break breaking. */
export async function run(shape: Shape, seconds: number, seed: number): Promise<RunResult> {
  const recorder = openRecorder()
  const dice = random(seed)
  await using outside = await openOutside(recorder, seed)
  const env = {
    ...outside.env,
    PUSH_GRACE_MS: '300',
    PARLEY_LIMIT_READS_PER_SECOND: '1000',
    ...DIGEST_SETTINGS,
    MAIL_FROM: 'parley@example.org',
    PARLEY_BCRYPT_COST: '4',
    LOG_LEVEL: 'warn',
    PARLEY_LIMIT_SENDS_PER_SECOND: '200',
    PARLEY_LIMIT_SEND_BURST: '400',
  }
  await using stack = await startStack({ shape, chatNodes: 2, ownServers: true, env, beside: outside.servers })
  const broker = stack.names().includes('rabbitmq') ? stack.urlOf('rabbitmq') : undefined
  if (broker) await watchBus(broker)
  await using proxy = await openProxy(stack.url, dice)
  const scene = await setScene(proxy.url, stack.url, recorder, dice, openPushed(outside, recorder))
  await scene.pushed.register(scene.people)
  await chooseDigests(scene.people)
  using _ears = hearAlerts(proxy.url, scene.people, recorder)
  // RabbitMQ 3.10 can lose a quorum queue that is killed within seconds of its first declaration: not ours to prove.
  await pause(broker ? YOUNG_QUEUE_MS : 0)
  const nemesis = openNemesis(stack, proxy, recorder, dice)
  const time = AbortSignal.timeout(seconds * 1000)
  await Promise.all([
    runWorkload(scene, time),
    nemesis.run(time),
    watchProcesses(stack, nemesis, recorder, time),
    watchRevocation(stack.url, scene.people, nemesis, recorder, time),
  ])
  outside.mend()
  // Access tokens last 15 minutes; what reads the end must not depend on how long the run was.
  for (const person of scene.people) Object.assign(person, { rest: await logIn(stack.url, person.email, PASSWORD) })
  const final = await readFinal(scene, stack)
  // The short runs of every test do not wait until the last mail is due.
  final.mailAwaited = seconds >= 60
  final.told = await readTold(scene, final.conversations, final.mailAwaited)
  await alertsAgreed(scene, final)
  await mailArrived(recorder)
  if (broker) final.published = await readWatched(broker)
  for (const person of scene.people) for (const device of person.devices) await device.client.close()
  const history: History = { seed, shape, events: recorder.events(), final }
  return { history, anomalies: check(history) }
}

/** Registers people, logs their devices in, and starts a direct conversation of each pair and a group of all. */
async function setScene(
  deviceUrl: string,
  url: string,
  recorder: Scene['recorder'],
  dice: Scene['random'],
  pushed: Scene['pushed'],
): Promise<Scene> {
  const outstanding = openOutstanding()
  const people: Person[] = []
  for (const username of PEOPLE) {
    const email = `${username}@example.org`
    const reply = await once(url, undefined, 'POST', '/api/user/register', { username, email, password: PASSWORD })
    if (reply?.status !== 201)
      throw new Error(`registering ${username} answered ${reply?.status}: ${JSON.stringify(reply?.body)}`)
    const rest = await logIn(url, email, PASSWORD)
    const devices = await Promise.all(
      DEVICES.slice(0, username === 'ada' ? 3 : 2).map((kind) =>
        openDevice(deviceUrl, `${username}-${kind}`, { email, userId: rest.userId }, recorder, outstanding),
      ),
    )
    people.push({ username, email, rest, devices })
  }
  const conversations: Scene['conversations'] = []
  for (const [index, one] of people.entries()) {
    for (const other of people.slice(index + 1)) {
      const { body } = await one.rest.call('PUT', `/api/conversations/direct/${other.rest.userId}`)
      // Before anything was said it is there for those alone who have opened it.
      await other.rest.call('PUT', `/api/conversations/direct/${one.rest.userId}`)
      conversations.push({ id: (body as { id: string }).id, kind: 'direct', people: [one, other] })
    }
  }
  const [owner, ...others] = people
  const memberIds = others.map((person) => person.rest.userId)
  const { body } = await owner!.rest.call('POST', '/api/conversations', { title: 'Everyone', memberIds })
  conversations.push({ id: (body as { id: string }).id, kind: 'group', people })
  const own = (person: Person): string[] => conversations.filter((c) => c.people.includes(person)).map((c) => c.id)
  await Promise.all(people.flatMap((person) => person.devices.map((device) => device.open(own(person)))))
  return { url: deviceUrl, people, conversations, recorder, outstanding, random: dice, pushed }
}
