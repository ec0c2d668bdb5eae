import assert from 'node:assert/strict'
import { createECDH } from 'node:crypto'
import test, { type TestContext } from 'node:test'
import { type FcmService, openFcmService } from '@parley/infra/fcm-service'
import { type Browser, openPushService, type PushService } from '@parley/infra/push-service'
import { openHttp } from './http.ts'
import { memoryStorage } from './memory.ts'
import { device, openParley, PASSWORD, register, settled, signIn, until } from './parley.fixture.ts'
import { PushRefused, registerFromWorker } from './push.ts'
import { KEY } from './session.ts'
import type { AppAddress, DeviceStorage, ParleyClient, PushAddress, PushSource } from './types.ts'

test('a device that is turned on is pushed what it misses, and says why', async (t) => {
  const { push, ann, bob, source, client } = await two(t)
  assert.deepEqual(client.notifications.here.get(), { state: 'off' })
  await client.notifications.turnOn()
  const [listed] = await client.notifications.devices()
  assert.deepEqual(client.notifications.here.get(), { state: 'on', deviceId: listed?.id })
  assert.deepEqual([listed?.name, listed?.current], ['Firefox on Linux', true])
  client.setActive(false)
  client.disconnect()
  await until(client, 'offline', () => client.connection.get() === 'offline')
  await bob.send({ receiverId: ann.id }, 'Hello, Ann')
  const [pushed] = await push.until(1)
  assert.equal(pushed?.browser.id, source.browser?.id)
  assert.deepEqual([pushed?.body.text, pushed?.body.sender, pushed?.body.seq], ['Hello, Ann', 'bob', 1])
  const why = await client.notifications.why(String(pushed?.body.conversationId), 1)
  assert.deepEqual([why.outcome, why.text], ['push', 'It is new in a conversation that you are told of.'])
  const { steps } = await client.notifications.test()
  assert.deepEqual(
    steps.map(({ step, state }) => `${step} ${state}`),
    ['settings good', 'devices good', 'push good', 'mail held'],
  )
  await client.notifications.turnOff()
  assert.deepEqual([source.browser, await client.notifications.devices()], [undefined, []])
  assert.deepEqual(client.notifications.here.get(), { state: 'off' })
})

test('an app is registered with its token of FCM: again with each start, with a new one for whoever signs in next', async (t) => {
  const google = await openFcmService(t)
  const env = { FCM_SERVICE_ACCOUNT: google.account, FCM_PROXY: google.proxy, PUSH_GRACE_MS: '1', PUSH_HOSTS: 'none' }
  const parley = await openParley(t, env)
  const ann = await register(t, parley, 'ann')
  await register(t, parley, 'bob')
  const [source, storage] = [appAt(google), memoryStorage()]
  const client = await signIn(t, parley, ann, { storage, push: source, deviceName: 'Phone' })
  await client.notifications.turnOn()
  const { token } = source
  const [listed] = await client.notifications.devices()
  assert.deepEqual([listed?.kind, listed?.name, listed?.current], ['fcm', 'Phone', true])
  const { steps, id } = await client.notifications.test()
  assert.deepEqual(steps.findLast(({ step }) => step === 'push')?.state, 'good')
  const [message] = await google.until(1)
  assert.deepEqual([message?.token, message?.data.test, message?.apns.payload.aps.alert.title], [token, id, 'Parley'])
  await client.notifications.turnOn()
  await client.close()

  const again = await start(t, parley, { storage, source })
  await isOn(again)
  assert.deepEqual([source.token, (await again.notifications.devices())[0]?.id], [token, listed?.id])
  // As Firebase does now and then.
  source.token = google.register()
  await again.notifications.look()
  const moved = await again.notifications.devices()
  assert.deepEqual([moved.length, moved[0]?.id === listed?.id], [1, false])
  assert.deepEqual((await again.notifications.test()).steps.findLast(({ step }) => step === 'push')?.state, 'good')
  await again.logout()
  assert.equal(source.token, undefined, 'what was on its way to ann never arrives at whoever is next')
  await again.login({ email: 'bob@example.org', password: PASSWORD })
  again.connect()
  await settled(again)
  await again.notifications.turnOn()
  assert.deepEqual((await again.notifications.test()).steps.findLast(({ step }) => step === 'push')?.state, 'good')
  assert.equal((await google.until(3))[2]?.token, source.token)
})

test('a browser moves to FCM where the operator has a web app there, and back where there is none any more', async (t) => {
  const [push, google] = [await openPushService(t), await openFcmService(t)]
  const vapidKey = createECDH('prime256v1').generateKeys('base64url')
  const web = {
    ...{
      apiKey: 'AIzaSyD-0123456789_abcdefghijklmnopqrstu',
      projectId: 'parley-demo',
      messagingSenderId: '123456789012',
    },
    ...{ appId: '1:123456789012:web:0123456789abcdef', vapidKey },
  }
  const account = { FCM_SERVICE_ACCOUNT: google.account, FCM_PROXY: google.proxy }
  const parley = await openParley(t, { ...account, PUSH_HOSTS: push.host, PUSH_GRACE_MS: '1' })
  const ann = await register(t, parley, 'ann')
  const [browser, app, storage] = [sourceAt(push), appAt(google, 'web'), memoryStorage()]
  const keys: unknown[] = []
  const source: PushSource = {
    current: async () => {
      const found = await app.current()
      return found ? { ...found, publicKey: vapidKey } : browser.current()
    },
    async subscribe(publicKey, fcmWeb) {
      keys.push(fcmWeb)
      return fcmWeb ? { ...(await app.subscribe(publicKey)), publicKey: vapidKey } : browser.subscribe(publicKey)
    },
    unsubscribe: async () => void (await Promise.all([app.unsubscribe(), browser.unsubscribe()])),
  }
  let client = await signIn(t, parley, ann, { storage, push: source })
  await client.notifications.turnOn()
  for (const [set, kind] of [
    [{ FCM_WEB_CONFIG: JSON.stringify(web) }, 'fcm'],
    [{ FCM_WEB_CONFIG: JSON.stringify(web) }, 'fcm'],
    [{}, 'webpush'],
  ] as const) {
    await client.close()
    await parley.stop()
    await parley.start(set)
    client = await start(t, parley, { storage, source })
    await isOn(client)
    await client.notifications.look()
    assert.deepEqual(
      (await client.notifications.devices()).map((one) => one.kind),
      [kind],
    )
    assert.deepEqual((await client.notifications.test()).steps.findLast(({ step }) => step === 'push')?.state, 'good')
  }
  assert.deepEqual(keys, [undefined, web, undefined], 'the second start under FCM goes on with its token')
  const [first, second] = await google.until(2)
  assert.equal(first?.token, second?.token)
})

test('each start registers it again: under the same address, and under another where key or address changed', async (t) => {
  const { parley, push, source, storage, client } = await two(t)
  await client.notifications.turnOn()
  const [first] = await client.notifications.devices()
  await client.close()

  const again = await start(t, parley, { storage, source })
  await isOn(again)
  const [same] = await again.notifications.devices()
  assert.equal(same?.id, first?.id)
  assert.ok(same && first && same.registeredAt > first.registeredAt)

  const before = source.browser!
  source.browser = push.subscribe(source.publicKey!)
  await again.notifications.look()
  const moved = await again.notifications.devices()
  assert.equal(moved.length, 1, 'the address before is not registered any more')
  assert.notEqual(moved[0]?.id, first?.id)
  push.unsubscribe(before)
  await again.close()

  await parley.stop()
  const keys = createECDH('prime256v1')
  const pair = [keys.generateKeys('base64url'), keys.getPrivateKey('base64url')]
  await parley.start({ VAPID_PUBLIC_KEY: pair[0]!, VAPID_PRIVATE_KEY: pair[1]! })
  const anew = await start(t, parley, { storage, source })
  await isOn(anew)
  assert.equal(source.publicKey, pair[0])
  const sent = await anew.notifications.test()
  assert.deepEqual(sent.steps.findLast(({ step }) => step === 'push')?.state, 'good')
})

test('what the push service has lost is found with the next start, under a new address', async (t) => {
  const { parley, push, source, storage, client } = await two(t)
  await client.notifications.turnOn()
  push.unsubscribe(source.browser!)
  const lost = await client.notifications.test()
  assert.equal(lost.steps.findLast(({ step }) => step === 'push')?.text, 'The device is not registered any more.')
  await client.close()
  const again = await start(t, parley, { storage, source })
  await isOn(again)
  assert.equal((await again.notifications.test()).steps.findLast(({ step }) => step === 'push')?.state, 'good')
  assert.equal((await again.notifications.devices()).length, 1)
})

test('with the session it ends; who signs in over it takes it, and is shown nothing of who was here before', async (t) => {
  const { parley, push, ann, source, storage, client } = await two(t)
  await client.notifications.turnOn()
  const [annsAddress, annsKey] = [source.browser!, source.publicKey!]
  await client.login({ email: 'bob@example.org', password: PASSWORD })
  await settled(client)
  await isOn(client)
  assert.notEqual(source.browser?.id, annsAddress.id, 'nothing that waits for ann arrives any more')
  assert.equal(source.publicKey, annsKey)
  assert.deepEqual(
    (await client.notifications.devices()).map(({ current }) => current),
    [true],
  )
  const elsewhere = await signIn(t, parley, ann)
  assert.equal(
    (await elsewhere.notifications.test()).steps.findLast(({ step }) => step === 'push')?.text,
    'The device is not registered any more.',
  )
  await client.logout()
  assert.deepEqual([source.browser, client.notifications.here.get()], [undefined, { state: 'off' }])
  await client.login({ email: ann.email, password: PASSWORD })
  await settled(client)
  await client.notifications.look()
  assert.deepEqual([source.browser, client.notifications.here.get()], [undefined, { state: 'off' }])
  assert.equal(push.pushed.length, 0)
  assert.deepEqual(await storage.list(KEY).then((found) => found.length), 1)
})

test('a log-out without a network ends it in the browser all the same', async (t) => {
  const { parley, source, client } = await two(t)
  await client.notifications.turnOn()
  parley.reachable(false)
  await assert.rejects(client.logout())
  assert.equal(source.browser, undefined)
})

test('a tab that was left behind takes nothing from who has signed in since', async (t) => {
  const { parley, source, storage, client } = await two(t)
  await client.notifications.turnOn()
  const next = device(t, parley, { storage, push: source })
  await next.login({ email: 'bob@example.org', password: PASSWORD })
  next.connect()
  await settled(next)
  await isOn(next)
  const { id } = source.browser!
  await client.logout()
  assert.equal(source.browser?.id, id)
})

test('where the permission was taken back it is off, here and on the server', async (t) => {
  const { parley, source, storage, client } = await two(t)
  await client.notifications.turnOn()
  await client.close()
  source.browser = undefined
  source.refuses = 'NotAllowedError'
  const again = await start(t, parley, { storage, source })
  await again.notifications.look()
  assert.deepEqual(again.notifications.here.get(), { state: 'off' })
  assert.deepEqual(await again.notifications.devices(), [])
  await assert.rejects(
    again.notifications.turnOn(),
    (error) => error instanceof PushRefused && error.reason === 'NotAllowedError',
  )
})

test('what could not be reached is tried again with the next connection', async (t) => {
  const { parley, source, storage, client } = await two(t)
  await client.notifications.turnOn()
  await client.close()
  source.browser = undefined
  source.refuses = 'AbortError'
  const again = await start(t, parley, { storage, source })
  await again.notifications.look()
  assert.deepEqual(again.notifications.here.get(), { state: 'waiting' })
  source.refuses = undefined
  parley.cut()
  await settled(again)
  await isOn(again)
})

test('a browser’s worker registers a new address while no page is open', async (t) => {
  const { parley, push, ann, source, storage, client } = await two(t)
  await client.notifications.turnOn()
  const [kept] = await storage.list(KEY)
  const session = kept?.[1] as { user: { id: string }; refreshToken: string }
  await client.close()
  const refreshes = openHttp(parley.url, fetch)
  const send: typeof refreshes = (request) =>
    // A browser sends the cookie with it.
    refreshes(
      request.path === '/api/user/refresh' ? { ...request, body: { refreshToken: session.refreshToken } } : request,
    )
  push.unsubscribe(source.browser!)
  source.browser = push.subscribe(source.publicKey!)
  const address = await source.current()
  const deviceName = 'Firefox on Linux'
  await registerFromWorker({ send, storage, address: address!, deviceName })
  const elsewhere = await signIn(t, parley, ann)
  const devices = await elsewhere.notifications.devices()
  assert.equal((await elsewhere.notifications.test()).steps.filter(({ state }) => state === 'good').length, 3)
  assert.ok(devices.length >= 1)
  await storage.clear()
  await registerFromWorker({ send, storage, address: address!, deviceName })
  assert.deepEqual(await storage.list(''), [], 'where nobody is signed in nothing is registered')
})

test('what is set for all conversations is read and changed', async (t) => {
  const { client } = await two(t)
  const { preferences } = client.notifications
  assert.equal(preferences.get(), undefined)
  await preferences.load()
  const quietHours = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' }
  const changed = await preferences.change({ quietHours })
  assert.deepEqual([preferences.get(), changed.quietHours, changed.push], [changed, quietHours, true])
  await client.logout()
  assert.equal(preferences.get(), undefined)
})

/** A browser’s side of pushes, at a push service on this machine. */
interface Source extends PushSource {
  browser: Browser | undefined
  publicKey: string | undefined
  refuses: string | undefined
}

function sourceAt(push: PushService): Source {
  const source: Source = {
    browser: undefined,
    publicKey: undefined,
    refuses: undefined,
    current: async () => source.browser && addressOf(source.browser, source.publicKey!),
    async subscribe(publicKey) {
      if (source.refuses) throw new PushRefused(source.refuses)
      source.browser = push.subscribe(publicKey)
      source.publicKey = publicKey
      return addressOf(source.browser, publicKey)
    },
    async unsubscribe() {
      if (source.browser) push.unsubscribe(source.browser)
      source.browser = undefined
    },
  }
  return source
}

/** An app's side, as Firebase's client for it has it. */
interface App extends PushSource {
  current(): Promise<AppAddress | undefined>
  subscribe(publicKey: string): Promise<AppAddress>
  token: string | undefined
}

function appAt(google: FcmService, platform: AppAddress['platform'] = 'ios'): App {
  const addressOf = (token: string): AppAddress => ({ kind: 'fcm', token, platform })
  const app: App = {
    token: undefined,
    current: async () => (app.token === undefined ? undefined : addressOf(app.token)),
    async subscribe() {
      app.token = google.register()
      return addressOf(app.token)
    },
    async unsubscribe() {
      if (app.token !== undefined) google.unregister(app.token)
      app.token = undefined
    },
  }
  return app
}

const addressOf = ({ subscription }: Browser, publicKey: string): PushAddress => ({ ...subscription, publicKey })

async function two(t: TestContext) {
  const push = await openPushService(t)
  const parley = await openParley(t, { PUSH_HOSTS: push.host, PUSH_GRACE_MS: '1' })
  const [ann, bobs] = [await register(t, parley, 'ann'), await register(t, parley, 'bob')]
  const [source, storage] = [sourceAt(push), memoryStorage()]
  const options = { storage, push: source, deviceName: 'Firefox on Linux' }
  return {
    parley,
    push,
    ann,
    source,
    storage,
    bob: await signIn(t, parley, bobs),
    client: await signIn(t, parley, ann, options),
  }
}

/** The next start of a device. */
async function start(
  t: TestContext,
  parley: Parameters<typeof device>[1],
  { storage, source }: { storage: DeviceStorage; source: PushSource },
): Promise<ParleyClient> {
  const client = device(t, parley, { storage, push: source, deviceName: 'Firefox on Linux' })
  await client.resume()
  client.connect()
  await settled(client)
  return client
}

function isOn({ notifications: { here } }: ParleyClient): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (here.get().state === 'on') resolve()
    }
    here.subscribe(check)
    check()
  })
}
