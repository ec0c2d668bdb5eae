import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { FcmMessage, FcmService } from '@parley/infra/fcm-service'
import { register, signOut } from '../browser/person.ts'
import * as see from '../browser/see.ts'
import type { Firebase } from './google.ts'
import { sitDownWithProfile } from './person.ts'
import { newClient, type Site, settings, turnOn, untilShown } from './site.ts'

/** Where the operator has a web app at Firebase browsers register there, and show what comes from there as ever. */
export async function registersAtFirebase(
  t: TestContext,
  { url, push, google, firebase }: Site & { google: FcmService; firebase: Firebase },
): Promise<void> {
  await using alice = await sitDownWithProfile(url, 'alice', firebase.serve)
  const bob = await newClient(t, url, 'bob')
  await alice.permission('granted')
  await register(alice)
  await turnOn(alice)
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
}

/** A message of data as FCM has it delivered to a browser's worker. */
const fcmOf = ({ data }: FcmMessage): object => ({
  ...{ data, from: '123456789012', priority: 'high', fcmMessageId: randomUUID() },
})
