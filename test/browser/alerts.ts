import assert from 'node:assert/strict'
import type { Locator } from 'playwright-core'
import { type Person, startGroup, write } from './person.ts'
import * as see from './see.ts'

const bell = ({ page }: Person, unread: number): Locator =>
  page.getByRole('button', { name: unread > 0 ? `Alerts, ${unread} unread` : 'Alerts', exact: true })
const panel = ({ page }: Person): Locator => page.getByRole('dialog', { name: 'Alerts' })
const row = (person: Person, text: string): Locator => panel(person).getByRole('button', { name: text })

/** Bob, at two browsers, is named in a group: both bells say so at once, and reading it at one of them is seen at the other. */
export async function hearOfBeingNamed(alice: Person, bob: Person, bobsPhone: Person): Promise<void> {
  for (const each of [bob, bobsPhone]) await bell(each, 1).click()
  await row(bob, 'New sign-in').waitFor()
  await panel(bob).getByRole('button', { name: 'Mark all as read' }).click()
  for (const each of [bob, bobsPhone]) {
    await panel(each).getByRole('button', { name: 'Close' }).click()
    await bell(each, 0).waitFor()
  }
  await startGroup(alice, 'Travel', 'bob')
  for (const each of [bob, bobsPhone]) await bell(each, 1).waitFor()
  await write(alice, 'Where to, @bob?')
  for (const each of [bob, bobsPhone]) await bell(each, 2).waitFor()
  for (let n = 0; n < 30; n++) await write(alice, `Idea ${n}`)
  await bell(bob, 2).focus()
  await bob.page.keyboard.press('Enter')
  await row(bob, 'Unread: alice mentioned you in Travel').focus()
  await bob.page.keyboard.press('Enter')
  await panel(bob).waitFor({ state: 'detached' })
  await see.message(bob, 'Where to, @bob?').waitFor()
  assert.ok(await inSight(see.message(bob, 'Where to, @bob?')))
  await bell(bobsPhone, 1).waitFor()
  await bell(bob, 1).click()
  await panel(bob).getByRole('button', { name: 'Mark all as read' }).click()
  await bell(bobsPhone, 0).waitFor()
  await bob.page.keyboard.press('Escape')
  await panel(bob).waitFor({ state: 'detached' })
  await bell(bob, 0).waitFor()
  assert.equal(await bell(bob, 0).evaluate((button) => button === document.activeElement), true)
}

/** A request leads to the contacts; what happens to the account, to the devices. */
export async function goWhereAlertsLead(alice: Person, bob: Person): Promise<void> {
  await alice.page.getByRole('button', { name: 'Account: alice' }).click()
  await alice.page.getByRole('button', { name: 'Contacts' }).click()
  await alice.page.getByLabel('User name').fill('bob')
  await alice.page.getByRole('button', { name: 'Ask' }).click()
  await bell(bob, 1).click()
  await row(bob, 'alice wants to be your contact').click()
  await bob.page.getByRole('dialog', { name: 'Contacts' }).getByRole('button', { name: 'Accept' }).click()
  await bob.page.keyboard.press('Escape')
  await alice.page.keyboard.press('Escape')
  await bell(alice, 1).click()
  await row(alice, 'bob is your contact now').waitFor()
  await bell(bob, 0).click()
  await row(bob, 'New sign-in').click()
  await bob.page.getByRole('dialog', { name: 'Devices' }).waitFor()
}

const inSight = (message: Locator): Promise<boolean> =>
  message.evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect()
    return top >= 0 && bottom <= window.innerHeight
  })
