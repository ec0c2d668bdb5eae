import assert from 'node:assert/strict'
import { createECDH, randomUUID } from 'node:crypto'
import { before, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type FcmMessage, openFcmService } from '@parley/infra/fcm-service'
import { openPushService, type PushService } from '@parley/infra/push-service'
import { startStack } from '@parley/infra/stack'
import { createClient } from '@parley/sdk'
import { memoryStorage } from '@parley/sdk/memory'
import type { ParleyClient, PushSource } from '@parley/sdk/types'
import { build } from 'vite'
import { openFirebase } from './browser/firebase.ts'
import { type Notified, type Shown, sitDownWithProfile } from './browser/notices.ts'
import { emailOf, logIn, PASSWORD, register, signOut, startChat, write } from './browser/person.ts'
import * as see from './browser/see.ts'
import { subscribesAt } from './browser/subscribing.ts'

before(() => build({ configFile: fileURLToPath(new URL('../web/vite.config.ts', import.meta.url)), logLevel: 'warn' }))

test('a message that one misses is pushed, shown by the closed browser, leads to its place, and goes when it is read', {
  timeout: 180_000,
}, async (t) => {
  const push = await openPushService(t)
  await using stack = await startStack({ shape: 'all-in-one', env: envOf(push) })
  await using alice = await sitDownWithProfile(stack.url, 'alice')
  const bob = await newClient(t, stack.url, 'bob')
  await alice.permission('granted')
  await register(alice)
  await turnOnAsFarAsItGoes(alice)
  const phone = await away(t, stack.url, 'alice', push)
  await alice.leave()

  // What the push service takes is what the browser's worker is given.
  const aliceId = (await bob.findUser('alice'))!.id
  await bob.send({ receiverId: aliceId }, 'Are you *there*?')
  const [first] = await push.until(1)
  await alice.deliver(first!.body)
  const direct = String(first!.body.conversationId)
  const one = { title: 'bob', body: 'Are you there?', tag: direct, data: { conversationId: direct, seq: 1, count: 1 } }
  assert.deepEqual(await alice.shown(), [one])
  await bob.send({ receiverId: aliceId }, 'Hello?')
  const [, second] = await push.until(2)
  await alice.deliver(second!.body)
  const two = { ...one, body: 'Hello?\nand 1 more', data: { conversationId: direct, seq: 2, count: 2 } }
  assert.deepEqual(await alice.shown(), [two])
  for (const again of [second!.body, first!.body]) await alice.deliver(again)
  assert.deepEqual(await alice.shown(), [two], 'neither a copy nor what comes late changes it')
  assert.equal(await alice.badge(), 2)

  const group = await bob.createGroup('Tea', [aliceId])
  await bob.send({ conversationId: group.id }, '@alice milk?')
  const [, , third] = await push.until(3)
  await alice.deliver(third!.body)
  const tea = (await alice.shown()).find(({ tag }) => tag === group.id)
  assert.deepEqual([tea?.title, tea?.body], ['Tea', 'bob mentioned you: @alice milk?'])
  assert.equal(await alice.badge(), 3)
  await alice.deliver('no JSON')
  assert.ok((await alice.shown()).some(({ body }) => body === 'There may be something new.'))

  const address = await alice.press(direct)
  assert.equal(address, `/c/${direct}#at=2`)
  assert.ok(!(await alice.shown()).some(({ tag }) => tag === direct), 'what was pressed is closed')
  await alice.deliver(second!.body)
  await alice.come(address)
  await see.message(alice, 'Hello?').waitFor()
  await untilShown(alice, (all) => !all.some(({ tag }) => tag === direct) && all.some(({ tag }) => tag === group.id))
  assert.equal(new URL(alice.page.url()).hash, '')

  await phone.logout()
  await reachesAPage(alice, bob, { direct, group: group.id })
  await isToldWhy(alice)
  await endsWithTheSession(alice)
  assert.deepEqual(alice.complaints, [])
})

test('through Nginx, whichever process does it, a browser is pushed what it misses, and shows it until it is read', {
  timeout: 180_000,
}, async (t) => {
  const push = await openPushService(t)
  const subscribing = subscribesAt(push)
  await using stack = await startStack({ shape: 'scale-out', env: envOf(push) })
  await using alice = await sitDownWithProfile(stack.url, 'alice', subscribing.serve)
  const bob = await newClient(t, stack.url, 'bob')
  await alice.permission('granted')
  await register(alice)
  const dialog = await settings(alice)
  await dialog.getByRole('button', { name: 'Turn on' }).click()
  await dialog.getByText('Notifications are on in this browser.').waitFor()
  await alice.leave()

  await bob.send({ receiverId: (await bob.findUser('alice'))!.id }, 'Are you *there*?')
  const [first] = await push.until(1)
  assert.equal(first?.browser.id, subscribing.browser?.id)
  await alice.deliver(first?.body)
  const tag = String(first?.body.conversationId)
  const one = { title: 'bob', body: 'Are you there?', tag, data: { conversationId: tag, seq: 1, count: 1 } }
  assert.deepEqual(await alice.shown(), [one])
  const address = await alice.press(tag)
  await alice.deliver(first?.body)
  await alice.come(address!)
  await see.message(alice, 'Are you there?').waitFor()
  await untilShown(alice, (all) => all.length === 0)
  await signOut(alice)
  assert.equal(subscribing.browser, undefined)
  assert.deepEqual(alice.complaints, [])
})

test('one is asked once, after one has sent something, and told what the browser blocks', {
  timeout: 120_000,
}, async (t) => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await newClient(t, stack.url, 'bob')
  await using alice = await sitDownWithProfile(stack.url, 'alice')
  await alice.permission('granted')
  await register(alice)
  await isInstallable(stack.url)
  const bar = alice.page.getByRole('region', { name: 'Turn on notifications' })
  await startChat(alice, 'bob')
  assert.equal(await bar.count(), 0, 'not before')
  await write(alice, 'Hello Bob')
  await bar.waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await bar.getByRole('button', { name: 'Not now' }).click()
  await bar.waitFor({ state: 'detached' })
  await alice.page.reload()
  await write(alice, 'Hello again')
  await see.message(alice, 'Hello again').and(alice.page.locator('[data-seq]')).waitFor()
  assert.equal(await bar.count(), 0, 'and not again')

  await alice.permission('denied')
  const dialog = await settings(alice)
  await dialog.getByText(/^This browser blocks notifications/).waitFor()
  assert.equal(await dialog.getByRole('button', { name: 'Turn on' }).count(), 0)
  assert.deepEqual(alice.complaints, [])
})

test('what one sets for all conversations holds on every device; devices are listed, tested and removed', {
  timeout: 120_000,
}, async (t) => {
  const push = await openPushService(t)
  await using stack = await startStack({ shape: 'all-in-one', env: envOf(push) })
  await using alice = await sitDownWithProfile(stack.url, 'alice')
  await register(alice)
  const phone = await away(t, stack.url, 'alice', push)
  const dialog = await settings(alice)
  // It shows what the server has, which takes a moment.
  await dialog.getByRole('checkbox', { name: 'Quiet hours' }).click()
  await dialog.getByLabel('From').fill('21:30')
  await dialog.getByLabel('To').fill('06:45')
  await dialog.getByLabel('Time zone').selectOption('Europe/Berlin')
  await dialog.getByLabel('Tell me of').selectOption({ label: 'Direct messages, mentions and replies' })
  await dialog.getByLabel('Do not disturb').selectOption({ label: 'For an hour' })
  await dialog
    .getByLabel('Do not disturb')
    .locator('option', { hasText: 'Until today' })
    .or(dialog.getByLabel('Do not disturb').locator('option', { hasText: 'Until tomorrow at' }))
    .first()
    .waitFor({ state: 'attached' })
  assert.deepEqual(await see.barriers(alice), [])
  const set = await phone.notifications.preferences.load()
  assert.equal(set.level, 'mentions')
  assert.deepEqual(set.quietHours, { from: '21:30', to: '06:45', timeZone: 'Europe/Berlin' })
  const restMs = Date.parse(set.doNotDisturbUntil ?? '') - Date.now()
  assert.ok(restMs > 3_500_000 && restMs <= 3_600_000, String(restMs))

  await dialog.getByRole('button', { name: 'Send a test notification' }).click()
  const steps = dialog.getByRole('list', { name: 'What became of the test' })
  await steps.getByText('Held back: You asked not to be disturbed for now').waitFor()
  await steps.getByText('Good: To Phone: The push service took it.').waitFor()
  assert.equal(push.pushed[0]?.body.tag, 'test')
  assert.ok(await steps.evaluate(isWhole), 'what became of it is in sight, all of it')
  assert.ok(await dialog.getByRole('button', { name: 'Send a test notification' }).evaluate(isFocused))
  assert.deepEqual(await see.barriers(alice), [])
  await dialog.getByRole('button', { name: 'Remove Phone' }).click()
  await dialog.getByText('None is registered for notifications.').waitFor()
  assert.deepEqual(await phone.notifications.devices(), [])
  assert.deepEqual(alice.complaints, [])
})

test('where the operator has a web app at Firebase, browsers register there, and show what comes from there as ever', {
  timeout: 180_000,
}, async (t) => {
  const push = await openPushService(t)
  const google = await openFcmService(t, [push.certificate])
  const firebase = openFirebase(google, push, createECDH('prime256v1').generateKeys('base64url'))
  const fcm = { FCM_SERVICE_ACCOUNT: google.account, FCM_PROXY: google.proxy }
  const env = { ...envOf(push), ...fcm, NODE_EXTRA_CA_CERTS: google.certificate }
  await using stack = await startStack({
    ...{ shape: 'all-in-one', env: { ...env, FCM_WEB_CONFIG: JSON.stringify(firebase.config) } },
  })
  await using alice = await sitDownWithProfile(stack.url, 'alice', firebase.serve)
  const bob = await newClient(t, stack.url, 'bob')
  await alice.permission('granted')
  await register(alice)
  const dialog = await settings(alice)
  await dialog.getByRole('button', { name: 'Turn on' }).click()
  await dialog.getByText('Notifications are on in this browser.').waitFor()
  const { token } = firebase
  assert.ok(token)
  await alice.leave()

  const aliceId = (await bob.findUser('alice'))!.id
  await bob.send({ receiverId: aliceId }, 'Are you *there*?')
  const [first] = await google.until(1)
  assert.deepEqual([first?.token, first?.notification, first?.webpush.notification], [token, undefined, undefined])
  const direct = first!.data.conversationId!
  await alice.deliver(fcmOf(first!))
  const one = { title: 'bob', body: 'Are you there?', tag: direct, data: { conversationId: direct, seq: 1, count: 1 } }
  assert.deepEqual(await alice.shown(), [one])
  await bob.send({ receiverId: aliceId }, 'Hello?')
  const [, second] = await google.until(2)
  await alice.deliver(fcmOf(second!))
  const two = { ...one, body: 'Hello?\nand 1 more', data: { conversationId: direct, seq: 2, count: 2 } }
  for (const again of [undefined, second!, first!]) {
    if (again) await alice.deliver(fcmOf(again))
    assert.deepEqual(await alice.shown(), [two], 'neither a copy nor what comes late changes it')
  }
  const address = await alice.press(direct)
  assert.equal(address, `/c/${direct}#at=2`)
  await alice.come(address)
  await see.message(alice, 'Hello?').waitFor()

  const again = await settings(alice)
  await again.getByText('Notifications are on in this browser.').waitFor()
  await again.getByRole('button', { name: 'Send a test notification' }).click()
  const steps = again.getByRole('list', { name: 'What became of the test' })
  await steps.getByText(/The push service took it\. It has not arrived/).waitFor()
  const [, , test] = await google.until(3)
  assert.equal(test?.token, token, 'the next start goes on with it')
  await alice.deliver(fcmOf(test!))
  await steps.getByText(/The push service took it\. It arrived/).waitFor()
  await again.getByRole('button', { name: 'Close' }).first().click()
  await signOut(alice)
  await untilShown(alice, (all) => all.length === 0)
  assert.equal(firebase.token, undefined, 'with the session it ends at Google too')
  assert.deepEqual(firebase.asked, [
    'POST firebaseinstallations.googleapis.com/v1/projects/parley-demo/installations',
    'POST fcmregistrations.googleapis.com/v1/projects/parley-demo/registrations',
    'DELETE fcmregistrations.googleapis.com/v1/projects/parley-demo/registrations',
  ])
  assert.deepEqual(await alice.page.evaluate(() => Object.keys(localStorage)), [])
  assert.equal(push.pushed.length, 0)
  assert.deepEqual(alice.complaints, [])
})

/** A message of data as FCM has it delivered to a browser's worker. */
const fcmOf = ({ data }: FcmMessage): object => ({
  ...{ data, from: '123456789012', priority: 'high', fcmMessageId: randomUUID() },
})

const envOf = (push: PushService): Record<string, string> => ({
  PUSH_HOSTS: push.host,
  PUSH_GRACE_MS: '200',
  NODE_EXTRA_CA_CERTS: push.certificate,
})

async function settings({ page }: Notified) {
  await page.getByRole('button', { name: /^Account:/ }).click()
  await page.getByRole('dialog', { name: 'Account' }).getByRole('button', { name: 'Notifications' }).click()
  return page.getByRole('dialog', { name: 'Notifications' })
}

/** This browser has a worker and a permission, and no push service to subscribe to: which it says. */
async function turnOnAsFarAsItGoes(alice: Notified): Promise<void> {
  const dialog = await settings(alice)
  await dialog.getByRole('button', { name: 'Turn on' }).click()
  await dialog
    .getByRole('alert')
    .filter({ hasText: 'The push service of this browser could not be reached' })
    .waitFor({ timeout: 30_000 })
  assert.deepEqual(await see.barriers(alice), [])
  await dialog.getByRole('button', { name: 'Close' }).first().click()
}

/** With a page open: what one has before one needs no notice, and what one has not leads there when it is pressed. */
async function reachesAPage(alice: Notified, bob: ParleyClient, at: { direct: string; group: string }): Promise<void> {
  const before = await alice.shown()
  const body = { v: 1, tag: at.direct, conversationId: at.direct, seq: 99, count: 1, kind: 'direct', sender: 'bob' }
  await alice.deliver({ ...body, text: 'Now' })
  assert.deepEqual(await alice.shown(), before, 'the conversation is in sight')
  await bob.send({ conversationId: at.group }, 'or lemon?')
  await alice.deliver({
    ...body,
    tag: at.group,
    conversationId: at.group,
    seq: 2,
    kind: 'group',
    title: 'Tea',
    text: 'or lemon?',
  })
  assert.ok((await alice.shown()).some(({ tag }) => tag === at.group))
  assert.equal(await alice.press(at.group), undefined, 'no other page')
  await see.message(alice, 'or lemon?').waitFor()
  assert.equal(new URL(alice.page.url()).pathname, `/c/${at.group}`)
  await untilShown(alice, (all) => !all.some(({ tag }) => tag === at.group))
}

/** It ends above the lower edge of the dialog that it is in, and begins below the upper one. */
function isWhole(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect()
  const dialog = element.closest('[role=dialog]')!.getBoundingClientRect()
  return top > dialog.top && bottom < dialog.bottom
}

const isFocused = (element: Element): boolean => element === document.activeElement

interface Manifest {
  name: string
  display: string
  scope: string
  icons: { src: string; type: string }[]
}

/** An iPhone notifies of what is on its home screen only, and puts there as an app what has a manifest that says so. */
async function isInstallable(url: string): Promise<void> {
  const page = await fetch(url)
  assert.match(page.headers.get('content-security-policy')!, /manifest-src 'self'/)
  const [, path] = /<link rel="manifest" href="([^"]+)"/.exec(await page.text()) ?? []
  const manifest = await fetch(new URL(path!, url))
  assert.match(manifest.headers.get('content-type')!, /^application\/manifest\+json/)
  const { name, display, scope, icons } = (await manifest.json()) as Manifest
  assert.deepEqual([name, display, scope], ['Parley', 'standalone', '/'])
  for (const { src, type } of icons) assert.equal((await fetch(new URL(src, url))).headers.get('content-type'), type)
}

async function isToldWhy(alice: Notified): Promise<void> {
  const message = alice.page.locator('[data-message]').filter({ hasText: 'milk?' })
  await message.getByRole('button', { name: /^Actions for/ }).click()
  await alice.page.getByRole('menuitem', { name: 'Why was I notified, or not?' }).click()
  const dialog = alice.page.getByRole('dialog', { name: 'Why was I notified, or not?' })
  await dialog.getByText('You were notified.').waitFor()
  await dialog.getByText('It mentions you.').waitFor()
  await dialog.getByText('The push service took it.').waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await dialog.getByRole('button', { name: 'Close' }).first().click()
}

/** Whoever uses the browser next is shown nothing of who used it before. */
async function endsWithTheSession(alice: Notified): Promise<void> {
  await alice.deliver({
    v: 1,
    tag: 'x',
    conversationId: 'x',
    seq: 1,
    count: 1,
    kind: 'direct',
    sender: 'bob',
    text: 'For alice',
  })
  assert.ok((await alice.shown()).length > 0)
  await signOut(alice)
  await untilShown(alice, (all) => all.length === 0)
  await logIn({ ...alice, name: 'bob' })
  assert.deepEqual(await alice.shown(), [])
}

async function untilShown(alice: Notified, holds: (all: Shown[]) => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  for (let all = await alice.shown(); !holds(all); all = await alice.shown())
    assert.ok(Date.now() < deadline, JSON.stringify(all))
}

/** Someone with an account, here. */
async function newClient(t: TestContext, url: string, name: string): Promise<ParleyClient> {
  const client = createClient({ url, storage: memoryStorage(), tokens: 'body' })
  t.after(() => client.close())
  await client.register({ username: name, email: emailOf(name), password: PASSWORD })
  return signedIn(client, name)
}

async function signedIn(client: ParleyClient, name: string): Promise<ParleyClient> {
  await client.login({ email: emailOf(name), password: PASSWORD })
  client.connect()
  await client.settled(AbortSignal.timeout(20_000))
  return client
}

/** Another device of that person, turned on and not in use. */
async function away(t: TestContext, url: string, name: string, push: PushService): Promise<ParleyClient> {
  const client = createClient({
    url,
    storage: memoryStorage(),
    tokens: 'body',
    deviceName: 'Phone',
    push: sourceAt(push),
  })
  t.after(() => client.close())
  await signedIn(client, name)
  await client.notifications.turnOn()
  client.disconnect()
  return client
}

/** A browser's side of pushes, with keys of its own, at a push service on this machine. */
function sourceAt(push: PushService): PushSource {
  let browser: ReturnType<PushService['subscribe']> | undefined
  return {
    current: async () => browser?.subscription,
    subscribe: async (publicKey) => {
      browser = push.subscribe(publicKey)
      return browser.subscription
    },
    unsubscribe: async () => {
      if (browser) push.unsubscribe(browser)
      browser = undefined
    },
  }
}
