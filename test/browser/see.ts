import AxeBuilder from '@axe-core/playwright'
import type { Locator } from 'playwright-core'
import type { Person } from './person.ts'

/** What a person looks for on the page. */

/** The conversation in the list that has this title or this last message. */
export const inList = ({ page }: Person, text: string): Locator =>
  page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').filter({ hasText: text })

/** The message in the open conversation. */
export const message = ({ page }: Person, text: string): Locator =>
  page.locator('[data-message]').filter({ has: page.getByText(text, { exact: true }) })

/** How far one's own message got: `Waiting to be sent`, `Sent`, `Delivered` or `Read`. */
export const tick = (person: Person, text: string, name: string): Locator =>
  message(person, text).getByRole('img', { name, exact: true })

/** On a phone: what leads from the conversation to the list. */
export const wayBack = ({ page }: Person): Locator => page.getByRole('link', { name: 'Back to conversations' })

/** What axe-core finds on the page that keeps people out. */
export async function barriers({ page }: Person): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ target }) => target.join(' ')).join(', ')})`)
}
