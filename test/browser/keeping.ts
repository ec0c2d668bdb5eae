import assert from 'node:assert/strict'
import { createClient } from '@parley/sdk'
import { memoryStorage } from '@parley/sdk/memory'
import { emailOf, PASSWORD, type Person, write } from './person.ts'
import * as see from './see.ts'

/** What people keep and let go of: each step ends when all who should see it do, and nobody else. */

async function act(person: Person, text: string, item: string): Promise<void> {
  await see.message(person, text).hover()
  await see
    .message(person, text)
    .getByRole('button', { name: /^Actions for/ })
    .click()
  await person.page.getByRole('menuitem', { name: item, exact: true }).click()
}

/** Alice stars a message and finds it under her account; bob knows nothing of it. */
export async function star(alice: Person, bob: Person): Promise<void> {
  const mark = (person: Person) => see.message(person, 'The code is 4711').getByRole('img', { name: 'Starred' })
  await act(alice, 'The code is 4711', 'Star')
  await mark(alice).waitFor()
  assert.equal(await mark(bob).count(), 0)
  await alice.page.getByRole('button', { name: 'Account: alice' }).click()
  await alice.page.getByRole('button', { name: 'Starred messages' }).click()
  const dialog = alice.page.getByRole('dialog', { name: 'Starred messages' })
  await dialog.getByText('The code is 4711').waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await dialog.getByRole('button', { name: /^alice .*The code is 4711$/ }).click()
  await dialog.waitFor({ state: 'detached' })
  await alice.page.locator('[data-led-to]', { hasText: 'The code is 4711' }).waitFor()
  await alice.page.getByRole('button', { name: 'Account: alice' }).click()
  await alice.page.getByRole('button', { name: 'Starred messages' }).click()
  await dialog.getByRole('button', { name: /^Remove the star/ }).click()
  await dialog.getByText('Nothing is starred').waitFor()
  await dialog.getByRole('button', { name: 'Close' }).click()
  await mark(alice).waitFor({ state: 'detached' })
}

/** Bob pins what alice said; the bar is there for both, with a list of all that leads to each, until alice unpins it. */
export async function pin(alice: Person, bob: Person): Promise<void> {
  const bar = (person: Person) => person.page.getByRole('button', { name: /^Pinned message .*The code is 4711/ })
  await act(bob, 'The code is 4711', 'Pin for everybody')
  for (const person of [alice, bob]) await bar(person).waitFor()
  await bar(alice).click()
  assert.deepEqual([await see.barriers(alice), await see.barriers(bob)], [[], []])
  const all = alice.page.getByRole('button', { name: 'Show all 2 pinned messages' })
  assert.equal(await all.count(), 0)
  await bob.context.setOffline(true)
  await act(bob, 'Oh dear', 'Pin for everybody')
  await bob.page.getByRole('button', { name: 'Show all 2 pinned messages' }).waitFor()
  assert.equal(await all.count(), 0)
  await bob.context.setOffline(false)
  await all.click()
  const list = alice.page.getByRole('dialog', { name: 'Pinned messages' })
  const entries = list.getByRole('listitem')
  await entries.nth(0).getByText('Oh dear').waitFor()
  await entries.nth(1).getByText('The code is 4711').waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await entries.nth(1).getByRole('button').click()
  await list.waitFor({ state: 'detached' })
  await alice.page.locator('[data-led-to]', { hasText: 'The code is 4711' }).waitFor()
  await act(bob, 'Oh dear', 'Unpin')
  await all.waitFor({ state: 'detached' })
  await act(alice, 'The code is 4711', 'Unpin')
  for (const person of [alice, bob]) await bar(person).waitFor({ state: 'detached' })
}

/** Alice deletes a message for herself, has it back, and deletes it again; bob keeps it. */
export async function deleteForOneself(alice: Person, bob: Person): Promise<void> {
  const forMe = async () => {
    await act(alice, 'Oh dear', 'Delete')
    await alice.page.getByRole('alertdialog').getByRole('button', { name: 'Delete for me' }).click()
    await see.message(alice, 'Oh dear').waitFor({ state: 'detached' })
  }
  await forMe()
  assert.deepEqual(await see.barriers(alice), [])
  await alice.page.getByRole('button', { name: 'Undo' }).click()
  await see.message(alice, 'Oh dear').waitFor()
  await forMe()
  await alice.page.reload()
  await see.message(alice, 'The code is 4711').waitFor()
  assert.equal(await see.message(alice, 'Oh dear').count(), 0)
  await see.message(bob, 'Oh dear').waitFor()
}

/** What is sent from then on goes by itself on both screens, and does not come back when the page is loaded anew. */
export async function disappear(url: string, alice: Person, bob: Person): Promise<void> {
  await shortTimer(url, alice)
  for (const person of [alice, bob])
    await person.page.getByText(/let new messages disappear after 4 seconds$/).waitFor()
  await alice.page.getByRole('button', { name: 'Disappearing messages' }).click()
  const dialog = alice.page.getByRole('dialog', { name: 'Disappearing messages' })
  assert.ok(await dialog.getByLabel('After 4 seconds').isChecked())
  await dialog.getByLabel('After 1 hour').waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await dialog.getByRole('button', { name: 'Close' }).click()
  await write(alice, 'Gone in a moment')
  await see.message(bob, 'Gone in a moment').getByRole('img', { name: 'Disappears' }).waitFor()
  for (const person of [alice, bob]) {
    await see.message(person, 'This message has disappeared').waitFor()
    await person.page.getByText('Gone in a moment').waitFor({ state: 'detached' })
  }
  await bob.page.reload()
  await see.message(bob, 'This message has disappeared').waitFor()
  await see.message(bob, 'The code is 4711').waitFor()
}

/** Shorter than the page offers, so that a test need not wait for an hour: set by another device of the same person. */
async function shortTimer(url: string, { name }: Person): Promise<void> {
  const client = createClient({ url, storage: memoryStorage(), tokens: 'body' })
  await client.login({ email: emailOf(name), password: PASSWORD })
  client.connect()
  await client.settled(AbortSignal.timeout(10_000))
  await client.setTimer(client.conversations.get()[0]!.id, 4_000)
  await client.close()
}
