import assert from 'node:assert/strict'
import type { Person } from './person.ts'
import { write } from './person.ts'
import * as see from './see.ts'

/** How two people change what was said between them: each step ends when both see it. */

const menuOf = (person: Person, text: string) => see.message(person, text).getByRole('button', { name: /^Actions for/ })

/** Edits without a mouse: the last message by the arrow key, and one further up by its menu. */
export async function editByKeyboard(alice: Person, bob: Person): Promise<void> {
  const { keyboard } = alice.page
  const composer = alice.page.getByRole('textbox', { name: 'Message to bob' })
  const editing = alice.page.getByRole('textbox', { name: 'Edit your message' })
  await see.tick(alice, 'Nevermind', 'Read').waitFor()
  await composer.press('ArrowUp')
  await editing.fill('Dropped again')
  await keyboard.press('Escape')
  await see.message(alice, 'Nevermind').waitFor()
  await composer.press('ArrowUp')
  await editing.fill('Never mind')
  assert.deepEqual(await see.barriers(alice), [])
  await keyboard.press('Enter')
  await see.message(bob, 'Never mind').getByText('edited').waitFor()

  await composer.focus()
  await keyboard.press('Shift+Tab')
  for (const key of ['ArrowUp', 'ArrowUp', 'Enter']) await keyboard.press(key)
  await alice.page.getByRole('menu').waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await keyboard.press('Escape')
  await alice.page.getByRole('menu').waitFor({ state: 'detached' })
  assert.ok(await menuOf(alice, 'Lunch at two?').evaluate((button) => button === document.activeElement))
  for (const key of ['Enter', 'ArrowDown', 'Enter']) await keyboard.press(key)
  await editing.fill('Lunch at three?')
  await keyboard.press('Enter')
  await see.message(bob, 'Lunch at three?').getByText('edited').waitFor()
  await see.message(alice, 'Lunch at three?').getByText('edited').waitFor()
}

/** Bob’s finger rests on a message; what he sets, alice joins and he takes back. */
export async function reactByTouch(alice: Person, bob: Person): Promise<void> {
  const chip = (person: Person, name: string) =>
    see.message(person, 'Lunch at three?').getByRole('button', { name, exact: true })
  await rest(bob, 'Lunch at three?')
  assert.equal(await bob.page.getByRole('menuitem', { name: 'Edit' }).count(), 0)
  assert.deepEqual(await see.barriers(bob), [])
  await bob.page.getByRole('menuitemcheckbox', { name: 'React with 👍' }).tap()
  await chip(alice, '👍 1: bob').click()
  await chip(bob, '👍 2: You and alice').and(bob.page.locator('[aria-pressed=true]')).tap()
  await chip(alice, '👍 1: You').waitFor()
  await chip(bob, '👍 1: alice').and(bob.page.locator('[aria-pressed=false]')).waitFor()

  await rest(bob, 'Or dinner')
  await bob.page.getByRole('menuitem', { name: 'More emoji' }).tap()
  await bob.page.getByLabel('Emoji', { exact: true }).fill('🦔')
  await bob.page.getByRole('button', { name: 'React', exact: true }).tap()
  await see.message(alice, 'Or dinner').getByRole('button', { name: '🦔 1: bob' }).waitFor()
  assert.deepEqual([await see.barriers(alice), await see.barriers(bob)], [[], []])
}

/** Alice deletes what she said; nothing of it is left for bob, nor anything to do with it. */
export async function deleteForEveryone(alice: Person, bob: Person): Promise<void> {
  await see.message(alice, 'Or dinner').hover()
  await menuOf(alice, 'Or dinner').click()
  await alice.page.getByRole('menuitem', { name: 'Delete', exact: true }).click()
  await alice.page.getByRole('alertdialog').getByRole('button', { name: 'Delete for everyone' }).click()
  for (const person of [alice, bob]) {
    const gone = see.message(person, 'This message was deleted')
    await gone.waitFor()
    assert.equal(await gone.getByRole('button').count(), 0)
    assert.equal(await person.page.getByRole('log').getByText('Or dinner').count(), 0)
  }
  await write(bob, 'Lunch then')
  await see.message(alice, 'Lunch then').waitFor()
}

/** Bob blocks alice: what she does then is shown to her, refused, and is not there. */
export async function refusedIsTold(alice: Person, bob: Person): Promise<void> {
  await bob.page.getByRole('button', { name: 'Block alice' }).tap()
  await bob.page.getByRole('alertdialog').getByRole('button', { name: 'Block' }).tap()
  await bob.page.getByRole('button', { name: 'Unblock alice' }).waitFor()
  await see.message(alice, 'Lunch then').hover()
  await menuOf(alice, 'Lunch then').click()
  await alice.page.getByRole('menuitemcheckbox', { name: 'React with 👍' }).click()
  const dialog = alice.page.getByRole('dialog', { name: 'Reaction not set' })
  await dialog.getByRole('alert').waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await dialog.getByRole('button', { name: 'Close' }).click()
  assert.equal(await see.message(alice, 'Lunch then').getByRole('button', { name: /^👍/ }).count(), 0)
}

/** A finger rests on the message until its menu is there. */
async function rest(person: Person, text: string): Promise<void> {
  const box = await see.message(person, text).getByRole('article').boundingBox()
  if (!box) throw new Error(`${text} is not in view`)
  const finger = { x: box.x + box.width / 2, y: box.y + box.height / 2 }
  const touch = await person.context.newCDPSession(person.page)
  await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [finger] })
  await person.page.getByRole('menu').waitFor()
  await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
  await touch.detach()
}
