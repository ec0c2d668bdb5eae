import assert from 'node:assert/strict'
import type { Locator } from 'playwright-core'
import type { Person } from './person.ts'
import * as see from './see.ts'

const box = ({ page }: Person): Locator => page.getByRole('searchbox', { name: 'Search' })
const results = ({ page }: Person): Locator => page.locator('[data-result]')
/** The message that one has just jumped to. */
const found = ({ page }: Person): Locator => page.locator('[data-led-to]')

/** By the keyboard: what is said is found, marked as text and nothing else, and opened in its place. */
export async function findByKeyboard(
  person: Person,
  wanted: { q: string; title: string; text: string },
): Promise<void> {
  const { page } = person
  await box(person).focus()
  await page.getByText('You can also write from:name').waitFor()
  await page.keyboard.type(wanted.q)
  const hit = results(person).filter({ hasText: wanted.text })
  await hit.waitFor()
  assert.equal((await hit.locator('mark').first().textContent())?.toLowerCase(), wanted.q.toLowerCase())
  assert.deepEqual(await see.barriers(person), [])
  for (let steps = 0; steps < 20; steps++) {
    if (await hit.evaluate((element) => element === document.activeElement)) break
    await page.keyboard.press('ArrowDown')
  }
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: wanted.title }).waitFor()
  await found(person).filter({ hasText: wanted.text }).waitFor()
  assert.ok(await isInView(see.message(person, wanted.text)))
}

/** The three sections, nothing found, and the way out of the box. */
export async function threeSections(person: Person, name: string): Promise<void> {
  const { page } = person
  await box(person).fill(name)
  const section = (title: string) => page.getByRole('region', { name: title })
  for (const title of ['Conversations', 'People', 'Messages']) await section(title).locator('mark').first().waitFor()
  await box(person).fill('xyzzy nowhere')
  await page.getByText('Nothing was found.').waitFor()
  await page.keyboard.press('Escape')
  assert.equal(await box(person).inputValue(), '')
  await see.inList(person, name).first().waitFor()
}

/** From far back to the newest and back again; to the first day there is. */
export async function goAround(person: Person, last: string, first: string): Promise<void> {
  const { page } = person
  const latest = page.getByRole('button', { name: /^Jump to latest/ })
  await latest.click()
  await see.message(person, last).waitFor()
  assert.ok(await isInView(see.message(person, last)))
  await page.getByRole('button', { name: 'Go to date' }).click()
  await page.getByLabel('Date', { exact: true }).fill('2001-01-01')
  await page.getByRole('button', { name: 'Go', exact: true }).click()
  await found(person).filter({ hasText: first }).waitFor()
  await page.getByRole('button', { name: 'Back to where you were' }).click()
  await see.message(person, last).waitFor()
  assert.ok(await isInView(see.message(person, last)))
}

/** Opens a conversation in which more was said than is loaded at once: one begins where one left off, and goes on from there. */
export async function readOnFromTheFirstUnread(
  person: Person,
  title: string,
  first: string,
  last: string,
): Promise<void> {
  const { page } = person
  await see.inList(person, title).first().click()
  await see.message(person, first).waitFor()
  assert.ok(await isInView(see.message(person, first)))
  const log = page.getByRole('log')
  for (let turns = 0; turns < 60; turns++) {
    if (await see.message(person, last).isVisible()) break
    await log.evaluate((element) => element.scrollBy(0, 600))
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
  }
  await page.getByRole('button', { name: /^Jump to latest/ }).click()
  await see.message(person, last).waitFor()
}

/** Shows itself within the box that scrolls. */
async function isInView(message: Locator): Promise<boolean> {
  return message.first().evaluate((element) => {
    const log = element.closest('[role=log]')?.getBoundingClientRect()
    const own = element.getBoundingClientRect()
    return log !== undefined && own.bottom > log.top && own.top < log.bottom
  })
}
