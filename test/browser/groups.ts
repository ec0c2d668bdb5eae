import assert from 'node:assert/strict'
import type { Locator } from 'playwright-core'
import { emailOf, PASSWORD, type Person, startGroup, write } from './person.ts'
import * as see from './see.ts'

const details = async ({ page }: Person): Promise<Locator> => {
  await page.getByRole('button', { name: 'Group details' }).click()
  return page.getByRole('dialog', { name: 'Group details' })
}
const close = async (dialog: Locator): Promise<void> => {
  await dialog.getByRole('button', { name: 'Close' }).click()
  await dialog.waitFor({ state: 'detached' })
}

/** Alice makes a group with bob, says what it is about, and makes him an admin; he renames it, from his phone. */
export async function leadAGroup(alice: Person, bob: Person): Promise<void> {
  await startGroup(alice, 'Weekend', 'bob')
  await write(alice, 'Where do we go?')
  await see.inList(bob, 'Weekend').click()
  await see.message(bob, 'Where do we go?').waitFor()
  const bobs = await details(bob)
  assert.equal(await bobs.getByLabel('Group name').count(), 0, 'a member does not rename it')
  const hers = await details(alice)
  await hers.getByLabel('Description').fill('Hills, and cake after')
  await hers.getByRole('button', { name: 'Save description' }).click()
  await bobs.getByText('Hills, and cake after').waitFor()
  await hers.getByRole('button', { name: 'Actions for bob' }).click()
  await alice.page.getByRole('menuitem', { name: 'Make admin' }).click()
  await hers.getByText('Admin', { exact: true }).waitFor()
  await bobs.getByLabel('Group name').fill('Hills')
  assert.deepEqual(await see.barriers(alice), [])
  await bobs.getByRole('button', { name: 'Save', exact: true }).click()
  await close(bobs)
  await close(hers)
  await alice.page.getByRole('heading', { name: 'Hills' }).waitFor()
}

/** Gives the link that is shown. */
export async function inviteByLink(alice: Person): Promise<string> {
  const dialog = await details(alice)
  await dialog.getByRole('button', { name: 'Invite links' }).click()
  const invites = alice.page.getByRole('dialog', { name: 'Invite links' })
  await invites.getByLabel('Link ends').selectOption({ label: 'After a day' })
  await invites.getByLabel('Lets in').selectOption({ label: '10 people' })
  await invites.getByRole('button', { name: 'Create link' }).click()
  const link = invites.getByLabel(/^Invite link: Ends tomorrow/)
  await link.waitFor()
  await invites.getByText('0 of 10 joined.').waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  const address = await link.inputValue()
  await close(invites)
  await close(dialog)
  return address
}

/** Opens the link without an account, makes one, sees what the group is, and joins. */
export async function joinByLink(cem: Person, link: string): Promise<void> {
  const { page } = cem
  await page.goto(link)
  await page.getByText('You are invited to a group.').waitFor()
  await page.getByRole('link', { name: 'Create account' }).click()
  await page.getByLabel('User name').fill('cem')
  await page.getByLabel('E-mail').fill(emailOf('cem'))
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByText('Hills, and cake after').waitFor()
  await page.getByText('2 members').waitFor()
  assert.deepEqual(await see.barriers(cem), [])
  await page.getByRole('button', { name: 'Join group' }).click()
  await page.getByRole('textbox', { name: 'Message to Hills' }).waitFor()
  assert.equal(await see.message(cem, 'Where do we go?').count(), 0, 'from the join on')
}

/** Everyone sees the same lines among the messages, as far as they may see, also after loading the page anew. */
export async function seeWhatHappened(alice: Person, bob: Person, cem: Person): Promise<void> {
  const log = ({ page }: Person): Locator => page.getByRole('log')
  // Names are set apart by characters that are not seen.
  const lines: [Person, RegExp[]][] = [
    [alice, [/^You created the group$/, /^You made .bob. an admin$/, /^.cem. joined by an invite link$/]],
    [bob, [/^.alice. created the group$/, /^.alice. made you an admin$/, /^You named the group “.Hills.”$/]],
    [cem, [/^You joined by an invite link$/]],
  ]
  for (let load = 0; load < 2; load++)
    for (const [person, expected] of lines) {
      for (const line of expected) await log(person).getByText(line).waitFor()
      if (person === cem)
        assert.equal(
          await log(cem)
            .getByText(/made .bob. an admin/)
            .count(),
          0,
        )
      assert.deepEqual(await see.barriers(person), [])
      if (load === 0) await person.page.reload()
    }
  await see.inList(bob, 'Hills').filter({ hasText: 'unread' }).waitFor({ state: 'detached' })
}

/** Bob, an admin, takes the link back; who is in the group already still finds it by the link. */
export async function revokeLink(alice: Person, bob: Person, link: string): Promise<void> {
  const dialog = await details(bob)
  await dialog.getByRole('button', { name: 'Invite links' }).click()
  const invites = bob.page.getByRole('dialog', { name: 'Invite links' })
  await invites.getByText('1 of 10 joined.').waitFor()
  await invites.getByRole('button', { name: 'Revoke' }).click()
  await invites.getByLabel(/^Invite link/).waitFor({ state: 'detached' })
  await close(invites)
  await close(dialog)
  await alice.page.goto(link)
  await alice.page.getByText('You are in this group already.').waitFor()
  await alice.page.getByRole('button', { name: 'Open group' }).click()
  await alice.page.getByRole('heading', { name: 'Hills' }).waitFor()
}
