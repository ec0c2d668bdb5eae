import assert from 'node:assert/strict'
import { createClient } from '@parley/sdk'
import type { Locator } from 'playwright-core'
import { emailOf, PASSWORD, type Person } from './person.ts'
import * as see from './see.ts'

/** A name that fits no dialog. */
export const LONG = 'Zoë Smithson-Featherstonehaugh-Cholmondeley the Second'

/** Makes an account with a display name. */
export async function isCalled(url: string, username: string, displayName: string): Promise<void> {
  const client = createClient({ url, tokens: 'body', deviceName: 'Another device' })
  try {
    await client.register({ username, email: emailOf(username), password: PASSWORD })
    await client.login({ email: emailOf(username), password: PASSWORD })
    await client.profile.change({ displayName })
  } finally {
    await client.close()
  }
}

const offers = ({ page }: Person, name?: string): Locator => {
  const options = page.getByRole('listbox', { name: 'People found' }).getByRole('option')
  return name === undefined ? options : options.filter({ hasText: name })
}
/** Goes along the list to that person. */
async function goTo(person: Person, name: string): Promise<void> {
  const wanted = offers(person, name)
  await wanted.waitFor()
  for (let steps = 0; (await wanted.getAttribute('aria-selected')) !== 'true'; steps++) {
    assert.ok(steps < 10, `${name} is not gone to`)
    await person.page.keyboard.press('ArrowDown')
  }
  const led = await person.page.locator('input:focus').getAttribute('aria-activedescendant')
  assert.equal(led, await wanted.getAttribute('id'))
}

/** Alice finds somebody by a word of the display name, and that is what the conversation is called wherever it is. */
export async function chatByDisplayName(alice: Person): Promise<void> {
  const { page } = alice
  await page.getByRole('button', { name: 'New chat' }).first().focus()
  await page.keyboard.press('Enter')
  await page.locator('input:focus').waitFor()
  await page.keyboard.type('smi')
  await offers(alice, `${LONG} @zoe`).waitFor()
  await goTo(alice, 'Ánn Smith @smithy')
  const parts = page.getByRole('dialog').locator('*')
  const wider = await parts.evaluateAll(
    (all) =>
      all.filter((one) => one.scrollWidth > one.clientWidth && getComputedStyle(one).overflowX === 'auto').length,
  )
  assert.equal(wider, 0, 'a long name does not widen the dialog')
  assert.deepEqual(await see.barriers(alice), [])
  await page.keyboard.press('Escape')
  await offers(alice).first().waitFor({ state: 'detached' })
  assert.equal(await page.locator('input:focus').inputValue(), 'smi', 'Escape has closed the list alone')
  await page.keyboard.press('Enter')
  await page.getByText('Nobody has the user name “smi”. Choose one of those found.').waitFor()
  await goTo(alice, 'Ánn Smith @smithy')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Ánn Smith @smithy' }).waitFor()
  await page.getByRole('textbox', { name: 'Message to Ánn Smith' }).waitFor()
  assert.equal(await page.title(), 'Ánn Smith · Parley')
  await page.getByRole('searchbox', { name: 'Search' }).focus()
  for (const typed of ['smithy', 'ann']) {
    await page.keyboard.press('Control+A')
    await page.keyboard.type(typed)
    const result = page.getByRole('region', { name: 'Conversations' }).getByRole('link', { name: 'Ánn Smith @smithy' })
    await result.locator('mark', { hasText: typed === 'ann' ? 'Ánn' : typed }).waitFor()
  }
  await page.keyboard.press('Escape')
}

/** Alice puts people into a group: one whom she knows, without the network too, one whom the server finds, and one by the exact user name. */
export async function groupByDisplayName(alice: Person): Promise<void> {
  const { page, context } = alice
  await page.getByRole('button', { name: 'New group' }).first().focus()
  await page.keyboard.press('Enter')
  await page.locator('input:focus').waitFor()
  await page.keyboard.type('The Smiths')
  await page.keyboard.press('Tab')
  await context.setOffline(true)
  await page.keyboard.type('smi')
  const away = page.getByText('The server cannot be reached right now to look for others.')
  await away.waitFor()
  await offers(alice, 'Ánn Smith @smithy').waitFor()
  assert.equal(await offers(alice).count(), 1)
  assert.deepEqual(await see.barriers(alice), [])
  await goTo(alice, 'Ánn Smith')
  await context.setOffline(false)
  await offers(alice, LONG).waitFor()
  await away.waitFor({ state: 'detached' })
  await goTo(alice, 'Ánn Smith')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Remove Ánn Smith @smithy' }).waitFor()
  await page.keyboard.type('smi')
  await goTo(alice, LONG)
  assert.equal(await offers(alice).count(), 1, 'who is chosen is not offered')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: `Remove ${LONG} @zoe` }).waitFor()
  await page.keyboard.type('karl')
  await offers(alice, 'Karl Schmied @karl_2').waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Remove Charles @karl', exact: true }).waitFor()
  await page.keyboard.type('alice')
  await page.getByText('Nobody else was found.').waitFor()
  await page.keyboard.press('Enter')
  await page.getByText('That is you.').waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await page.getByRole('button', { name: 'Create group' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'The Smiths' }).waitFor()
  await page.getByText('4 members').waitFor()
}
