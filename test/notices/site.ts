import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { PushService } from '@parley/infra/push-service'
import { createClient } from '@parley/sdk'
import { memoryStorage } from '@parley/sdk/memory'
import type { ParleyClient, PushSource } from '@parley/sdk/types'
import { emailOf, PASSWORD } from '../browser/person.ts'
import type { Notified, Shown } from './person.ts'

/** A Parley that pushes to browsers at `push`. */
export interface Site {
  url: string
  push: PushService
}

/** What its processes are told. */
export const envOf = (push: PushService): Record<string, string> => ({
  PUSH_HOSTS: push.host,
  PUSH_GRACE_MS: '200',
  NODE_EXTRA_CA_CERTS: push.certificate,
})

/** Opens the notification settings. */
export async function settings({ page }: Notified) {
  await page.getByRole('button', { name: /^Account:/ }).click()
  await page.getByRole('dialog', { name: 'Account' }).getByRole('button', { name: 'Notifications' }).click()
  return page.getByRole('dialog', { name: 'Notifications' })
}

/** Has this browser notify, as a person does. */
export async function turnOn(person: Notified) {
  const dialog = await settings(person)
  await dialog.getByRole('button', { name: 'Turn on' }).click()
  await dialog.getByText('Notifications are on in this browser.').waitFor()
}

export async function untilShown(alice: Notified, holds: (all: Shown[]) => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  for (let all = await alice.shown(); !holds(all); all = await alice.shown())
    assert.ok(Date.now() < deadline, JSON.stringify(all))
}

/** Someone with an account, here. */
export async function newClient(t: TestContext, url: string, name: string): Promise<ParleyClient> {
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
export async function away(t: TestContext, url: string, name: string, push: PushService): Promise<ParleyClient> {
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
