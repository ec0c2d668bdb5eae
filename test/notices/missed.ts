import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { PushService } from '@parley/infra/push-service'
import type { ParleyClient } from '@parley/sdk/types'
import { logIn, register, signOut } from '../browser/person.ts'
import * as see from '../browser/see.ts'
import { type Notified, sitDownWithProfile } from './person.ts'
import { newClient, type Site, turnOn, untilShown } from './site.ts'
import { subscribesAt } from './subscribing.ts'

/** What the push service takes is what the browser's worker is given: shown, pressed, and gone with the reading. */
export async function missesAndReads(t: TestContext, { url, push }: Site): Promise<void> {
  const subscribing = subscribesAt(push)
  await using alice = await sitDownWithProfile(url, 'alice', subscribing.serve)
  const bob = await newClient(t, url, 'bob')
  await alice.permission('granted')
  await register(alice)
  await turnOn(alice)
  await alice.leave()

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

  await reachesAPage(alice, bob, { direct, group: group.id })
  await isToldWhy(alice, '@alice milk?', ['You were notified.', 'It mentions you.', 'The push service took it.'])
  await isToldLess(alice, bob, push, group.id)
  await endsWithTheSession(alice)
  assert.equal(subscribing.browser, undefined, 'with the session it ends at the push service')
  assert.deepEqual(alice.complaints, [])
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

async function isToldWhy(alice: Notified, text: string, lines: readonly string[]): Promise<void> {
  const message = alice.page.locator('[data-message]').filter({ hasText: text })
  await message.getByRole('button', { name: /^Actions for/ }).click()
  await alice.page.getByRole('menuitem', { name: 'Why was I notified, or not?' }).click()
  const dialog = alice.page.getByRole('dialog', { name: 'Why was I notified, or not?' })
  for (const line of lines) await dialog.getByText(line).waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await dialog.getByRole('button', { name: 'Close' }).first().click()
}

/** Of one conversation one may ask to be told less: so it is, and that is why. */
async function isToldLess(
  alice: Notified,
  bob: ParleyClient,
  push: PushService,
  conversationId: string,
): Promise<void> {
  await alice.page.getByRole('button', { name: 'Settings of Tea' }).click()
  await alice.page.getByRole('menuitemradio', { name: 'Mentions only' }).click()
  await alice.page.getByRole('button', { name: 'Settings of Tea' }).click()
  await alice.page.getByRole('menuitemradio', { name: 'Mentions only', checked: true }).waitFor()
  await alice.page.keyboard.press('Escape')
  await alice.leave()
  await bob.send({ conversationId }, 'No sugar')
  await bob.send({ conversationId }, '@alice it is ready')
  const tells = (text: string) => push.pushed.some(({ body }) => String(body.text).includes(text))
  while (!tells('it is ready')) await push.until(push.pushed.length + 1)
  assert.ok(!tells('No sugar'))
  await alice.come(`/c/${conversationId}`)
  const reason = 'In this conversation you are told of mentions and replies only, and it was neither.'
  await isToldWhy(alice, 'No sugar', ['You were not notified.', reason])
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
