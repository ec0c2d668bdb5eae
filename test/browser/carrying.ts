import assert from 'node:assert/strict'
import { type Person, startChat, write } from './person.ts'
import * as see from './see.ts'

const composer = ({ page }: Person) => page.getByRole('textbox', { name: /^Message to/ })

async function act(person: Person, text: string, item: string): Promise<void> {
  const row = see.message(person, text).first()
  await row.hover()
  await row.getByRole('button', { name: /^Actions for/ }).click()
  await person.page.getByRole('menuitem', { name: item }).click()
}

/** Alice asks, bob answers by the menu; both see to what, and it follows what alice makes of it. */
export async function answerEachOther(alice: Person, bob: Person): Promise<void> {
  await write(alice, 'When do we meet?')
  await see.message(bob, 'When do we meet?').waitFor()
  await act(bob, 'When do we meet?', 'Reply')
  await bob.page.getByText('Reply to alice').waitFor()
  await bob.page.keyboard.press('Escape')
  await bob.page.getByText('Reply to alice').waitFor({ state: 'detached' })
  await act(bob, 'When do we meet?', 'Reply')
  await bob.page.locator('textarea:focus').waitFor()
  await write(bob, 'At noon')
  const quote = (person: Person, name: RegExp) => see.message(person, 'At noon').getByRole('button', { name })
  await quote(alice, /^In reply to You When do we meet\?$/).waitFor()
  await quote(bob, /^In reply to alice When do we meet\?$/).click()
  await bob.page.locator('[data-led-to]', { hasText: 'When do we meet?' }).waitFor()
  assert.deepEqual([await see.barriers(alice), await see.barriers(bob)], [[], []])
  await act(alice, 'When do we meet?', 'Edit')
  await alice.page.getByRole('textbox', { name: 'Edit your message' }).fill('When and where do we meet?')
  await alice.page.keyboard.press('Enter')
  await quote(bob, /^In reply to alice When and where do we meet\?$/).waitFor()
}

/** Alice goes along what was said by the keyboard, and what she began to answer is there after another conversation and a new page. */
export async function keepAnAnswer(alice: Person, bob: Person): Promise<void> {
  const { page } = alice
  const begun = (text: string) => page.getByRole('status').getByText(text, { exact: true })
  await composer(alice).press('Control+ArrowUp')
  await begun('At noon').waitFor()
  await page.getByText('Reply to bob').waitFor()
  await composer(alice).press('Control+ArrowUp')
  await begun('When and where do we meet?').waitFor()
  await composer(alice).press('Control+ArrowDown')
  await begun('At noon').waitFor()
  await composer(alice).press('Control+ArrowDown')
  await begun('At noon').waitFor({ state: 'detached' })
  for (const key of ['Shift+Tab', 'End', 'r']) await page.keyboard.press(key)
  await begun('At noon').waitFor()
  await page.locator('textarea:focus').waitFor()
  await composer(alice).pressSequentially('Half past')
  await startChat(alice, 'bob')
  await begun('At noon').waitFor({ state: 'detached' })
  await see.inList(alice, 'Travel').click()
  await begun('At noon').waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await page.reload()
  await begun('At noon').waitFor()
  assert.equal(await composer(alice).inputValue(), 'Half past')
  await page.getByRole('button', { name: 'Send' }).click()
  await see.message(bob, 'Half past').getByRole('button', { name: 'In reply to You At noon' }).waitFor()
  await begun('At noon').waitFor({ state: 'detached' })
}

/** Alice names bob, whom the composer offers; he sees that in the list, and is led to it. */
export async function nameEachOther(alice: Person, bob: Person): Promise<void> {
  await bob.page.getByRole('link', { name: 'Back to conversations' }).click()
  await composer(alice).pressSequentially('Ask @b')
  const offer = alice.page.getByRole('listbox', { name: 'People to mention' })
  await offer
    .getByRole('option', { name: '@bob', exact: true })
    .and(alice.page.locator('[aria-selected=true]'))
    .waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await alice.page.keyboard.press('Enter')
  assert.equal(await composer(alice).inputValue(), 'Ask @bob ')
  await offer.waitFor({ state: 'detached' })
  await composer(alice).pressSequentially('about it')
  await alice.page.keyboard.press('Enter')
  await see.inList(bob, 'Travel').getByText('You were mentioned').waitFor()
  await see.inList(bob, 'Travel').click()
  await bob.page.locator('[data-names-me]', { hasText: 'Ask @bob about it' }).waitFor()
  await bob.page.locator('bdi[data-me]', { hasText: '@bob' }).waitFor()
  await alice.page.locator('bdi:not([data-me])', { hasText: /^@bob$/ }).waitFor()
}

/** What marks and addresses make of a message; nothing of it is markup of the page. */
export async function shapeWhatOneSays(alice: Person, bob: Person): Promise<void> {
  await write(alice, '**Bold** _and_ `code` https://example.org/a_b_c <b onclick="alert(1)">no</b>')
  const { page } = bob
  await page.locator('strong', { hasText: 'Bold' }).waitFor()
  await page.locator('code', { hasText: 'code' }).waitFor()
  await page.getByRole('log').getByText('<b onclick="alert(1)">no</b>').waitFor()
  const link = page.getByRole('link', { name: 'https://example.org/a_b_c' })
  assert.equal(await link.getAttribute('rel'), 'noopener noreferrer nofollow')
  await composer(alice).fill('To bring:\n- tent\n- **stove**\n7. <i>seven</i>\n> as ever')
  await alice.page.keyboard.press('Enter')
  await page.locator('ul > li', { hasText: 'stove' }).locator('strong').waitFor()
  await page.locator('ol > li[value="7"]', { hasText: '<i>seven</i>' }).waitFor()
  await page.locator('blockquote', { hasText: 'as ever' }).waitFor()
  await write(alice, 'https://\u0430pple.com/')
  await page.getByText('(xn--pple-43d.com)').waitFor()
  assert.deepEqual([await see.barriers(alice), await see.barriers(bob)], [[], []])
}

/** Bob passes a message on to alice alone. */
export async function passOn(alice: Person, bob: Person): Promise<void> {
  await act(bob, 'At noon', 'Forward…')
  const dialog = bob.page.getByRole('dialog', { name: 'Forward' })
  await dialog.getByLabel('To', { exact: true }).fill('alice')
  await dialog.getByRole('checkbox', { name: 'alice' }).check()
  assert.deepEqual(await see.barriers(bob), [])
  await dialog.getByRole('button', { name: 'Forward', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await see.inList(alice, 'At noon').click()
  await see.message(alice, 'At noon').getByText('Forwarded').waitFor()
}
