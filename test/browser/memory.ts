import assert from 'node:assert/strict'
import { logIn, type Person, register, startChat, write } from './person.ts'
import * as see from './see.ts'

/** Ways in which a browser lets a page keep nothing. */
export const KEEPS_NOTHING: Record<string, () => void> = {
  forbidden: () => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('The operation is insecure.', 'SecurityError')
    }
  },
  // As where a newer client has been here: what it made cannot be opened by this one.
  newer: () => void indexedDB.open('parley', 2),
}

const note = ({ page }: Person) => page.getByText('This browser keeps nothing of Parley.')

/** Where nothing is kept one is told so, and signs in, writes and is written to as ever, until the page is gone. */
export async function chatFromMemory(alice: Person, bob: Person): Promise<void> {
  await note(alice).waitFor()
  await register(alice)
  await note(alice).waitFor()
  assert.deepEqual(await see.barriers(alice), [])
  await startChat(alice, 'bob')
  await write(alice, 'From memory')
  await see.inList(bob, 'alice').click()
  await see.message(bob, 'From memory').waitFor()
  await write(bob, 'It came')
  await see.message(alice, 'It came').waitFor()
  await alice.page.getByRole('button', { name: 'Hide this note' }).click()
  await note(alice).waitFor({ state: 'hidden' })
  await alice.page.goto('/')
  await logIn(alice)
  await see.inList(alice, 'bob').click()
  await see.message(alice, 'It came').waitFor()
  assert.equal(await note(bob).count(), 0)
}
