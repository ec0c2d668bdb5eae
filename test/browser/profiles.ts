import assert from 'node:assert/strict'
import type { Locator } from 'playwright-core'
import { PASSWORD, type Person, startChat, startGroup, write } from './person.ts'
import * as see from './see.ts'

async function account({ page }: Person, button: string, title: string): Promise<Locator> {
  await page.getByRole('button', { name: /^Account:/ }).click()
  await page.getByRole('dialog', { name: 'Account' }).getByRole('button', { name: button, exact: true }).click()
  return page.getByRole('dialog', { name: title })
}
const close = async (dialog: Locator): Promise<void> => {
  await dialog.getByRole('button', { name: 'Close' }).first().click()
  await dialog.waitFor({ state: 'detached' })
}

/** Alice says who she is, sees it as others will, and bob sees it at once, her user name beside it. */
export async function sayWhoOneIs(alice: Person, bob: Person): Promise<void> {
  await startChat(bob, 'alice')
  await write(bob, 'Is that you?')
  await see.inList(alice, 'Is that you?').click()
  await see.message(alice, 'Is that you?').waitFor()
  const dialog = await account(alice, 'Profile', 'Your profile')
  const preview = dialog.getByRole('region', { name: 'How others see you' })
  await dialog.getByLabel('Display name').fill('Alice Liddell')
  await dialog.getByLabel('Status', { exact: true }).fill('Down the rabbit hole')
  await dialog.getByLabel('Clear it').selectOption({ label: 'In an hour' })
  await dialog.getByLabel('About you').fill('Curiouser and curiouser')
  await dialog.getByRole('radio', { name: 'Teal' }).check({ force: true })
  await preview.getByText('Alice Liddell').waitFor()
  await preview.getByText('@alice').waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
  await alice.page.getByRole('button', { name: 'Account: Alice Liddell' }).waitFor()

  await bob.page.getByRole('heading', { name: 'Alice Liddell @alice' }).waitFor()
  await bob.page.getByText('Down the rabbit hole').waitFor()
  await bob.page.getByRole('button', { name: 'Profile', exact: true }).click()
  const hers = bob.page.getByRole('dialog', { name: 'Profile of Alice Liddell' })
  await hers.getByText('Curiouser and curiouser').waitFor()
  assert.deepEqual(await see.barriers(bob), [])
  await close(hers)
}

/** What she keeps back bob does not see any more, and it stays so on her other page; his ticks show nothing new. */
export async function keepItBack(alice: Person, bob: Person): Promise<void> {
  await see.tick(bob, 'Is that you?', 'Read').waitFor()
  const dialog = await account(alice, 'Privacy', 'Privacy')
  await dialog.getByLabel('Who sees what you say about yourself').selectOption({ label: 'My contacts' })
  const receipts = dialog.getByRole('checkbox', { name: 'Private receipts' })
  await receipts.click()
  await dialog.getByRole('checkbox', { name: 'Private receipts', checked: true }).waitFor()
  await dialog.getByRole('checkbox', { name: 'Private presence' }).click()
  await dialog.getByRole('checkbox', { name: 'Private presence', checked: true }).waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await close(dialog)
  await bob.page.getByText('Online', { exact: true }).waitFor({ state: 'detached' })
  await write(bob, 'Where are you?')
  await see.message(alice, 'Where are you?').waitFor()
  await write(alice, 'I read that')
  await see.message(bob, 'I read that').waitFor()
  assert.equal(await see.tick(bob, 'Where are you?', 'Sent').count(), 1)
  await bob.page.getByRole('button', { name: 'Profile', exact: true }).click()
  const hers = bob.page.getByRole('dialog', { name: 'Profile of Alice Liddell' })
  await hers.getByText('Down the rabbit hole').waitFor()
  await hers.getByText('Curiouser and curiouser').waitFor({ state: 'detached' })
  await close(hers)
}

/** In a group a name leads to the profile, from what was said and from the list of members. */
export async function metInAGroup(alice: Person, bob: Person): Promise<void> {
  await startGroup(alice, 'Tea', 'bob')
  await write(alice, 'No room!')
  await see.inList(bob, 'Tea').click()
  await bob.page.getByRole('button', { name: 'Alice Liddell @alice' }).click()
  await close(bob.page.getByRole('dialog', { name: 'Profile of Alice Liddell' }))
  await bob.page.getByRole('button', { name: 'Group details' }).click()
  const details = bob.page.getByRole('dialog', { name: 'Group details' })
  await details.getByRole('button', { name: 'Alice Liddell @alice' }).click()
  const hers = bob.page.getByRole('dialog', { name: 'Profile of Alice Liddell' })
  await hers.getByText('Down the rabbit hole').waitFor()
  await close(hers)
}

/** Two who share a group alone: her new name shows in it at once, and so it does that she has deleted the account, also on a page that is loaded later. */
export async function watchedInAGroup(alice: Person, bob: Person): Promise<void> {
  await startGroup(alice, 'Tea', 'bob')
  await write(alice, 'No room!')
  await see.inList(bob, 'Tea').click()
  await see.message(bob, 'No room!').waitFor()
  const dialog = await account(alice, 'Profile', 'Your profile')
  await dialog.getByLabel('Display name').fill('Alice Liddell')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await bob.page.getByRole('log').getByRole('button', { name: 'Alice Liddell @alice' }).waitFor()
  await see.inList(bob, 'Alice Liddell: No room!').waitFor()
  const leaving = await account(alice, 'Delete account', 'Delete account')
  await leaving.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await leaving.getByLabel(/^They stay/).check()
  await leaving.getByRole('button', { name: 'Delete my account' }).click()
  await alice.page.getByText('This account was deleted.').waitFor()
  const author = bob.page.getByRole('article', { name: 'Deleted user' })
  await author.getByText('No room!').waitFor()
  await bob.page.getByText(/Deleted user.? left$/).waitFor()
  await see.inList(bob, 'Deleted user: No room!').waitFor()
  assert.equal(await bob.page.getByText('Alice Liddell').count(), 0)
  assert.deepEqual(await see.barriers(bob), [])
  await bob.page.reload()
  await author.getByText('No room!').waitFor()
  assert.equal(await bob.page.getByText(/alice|Alice/).count(), 0)
}
