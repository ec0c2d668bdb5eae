import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { logIn, register } from '../browser/person.ts'
import * as see from '../browser/see.ts'
import { sitDownWithProfile } from './person.ts'
import { away, type Site, settings } from './site.ts'

/** What one sets at one device holds for all; the test goes to each of them and says what became of it. */
export async function setsAndTests(t: TestContext, { url, push }: Site): Promise<void> {
  await using ella = await sitDownWithProfile(url, 'ella')
  await register(ella)
  const phone = await away(t, url, 'ella', push)
  const dialog = await settings(ella)
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
  assert.deepEqual(await see.barriers(ella), [])
  const set = await phone.notifications.preferences.load()
  assert.equal(set.level, 'mentions')
  assert.deepEqual(set.quietHours, { from: '21:30', to: '06:45', timeZone: 'Europe/Berlin' })
  const restMs = Date.parse(set.doNotDisturbUntil ?? '') - Date.now()
  assert.ok(restMs > 3_500_000 && restMs <= 3_600_000, String(restMs))

  await isSetElsewhere(url)
  await dialog.getByRole('button', { name: 'Send a test notification' }).click()
  const steps = dialog.getByRole('list', { name: 'What became of the test' })
  await steps.getByText('Held back: You asked not to be disturbed for now').waitFor()
  await steps.getByText('Good: To Phone: The push service took it.').waitFor()
  await steps.getByText('Held back: By e-mail: No mail leaves this server: it was kept for who runs it.').waitFor()
  assert.equal(push.pushed.at(-1)?.body.tag, 'test')
  assert.ok(await steps.evaluate(isWhole), 'what became of it is in sight, all of it')
  assert.ok(await dialog.getByRole('button', { name: 'Send a test notification' }).evaluate(isFocused))
  assert.deepEqual(await see.barriers(ella), [])
  await dialog.getByRole('button', { name: 'Remove Phone' }).click()
  await dialog.getByText('None is registered for notifications.').waitFor()
  assert.deepEqual(await phone.notifications.devices(), [])
  assert.deepEqual(ella.complaints, [])
}

/** In another browser of the same person the same is set. */
async function isSetElsewhere(url: string): Promise<void> {
  await using elsewhere = await sitDownWithProfile(url, 'ella')
  await logIn(elsewhere)
  const dialog = await settings(elsewhere)
  await dialog.getByRole('checkbox', { name: 'Quiet hours', checked: true }).waitFor()
  assert.equal(await dialog.getByLabel('From').inputValue(), '21:30')
  assert.equal(await dialog.getByLabel('To').inputValue(), '06:45')
  assert.equal(await dialog.getByLabel('Time zone').inputValue(), 'Europe/Berlin')
  const level = dialog.getByLabel('Tell me of').locator('option:checked')
  assert.equal(await level.textContent(), 'Direct messages, mentions and replies')
  assert.deepEqual(elsewhere.complaints, [])
}

/** It ends above the lower edge of the dialog that it is in, and begins below the upper one. */
function isWhole(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect()
  const dialog = element.closest('[role=dialog]')!.getBoundingClientRect()
  return top > dialog.top && bottom < dialog.bottom
}

const isFocused = (element: Element): boolean => element === document.activeElement
