import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { infra } from '@parley/infra/infra'
import { type Stack, startStack } from '@parley/infra/stack'
import { type Browser, chromium } from 'playwright-core'
import { build } from 'vite'
import { goWhereAlertsLead, hearOfBeingNamed } from './browser/alerts.ts'
import { answerEachOther, keepAnAnswer, nameEachOther, passOn, shapeWhatOneSays } from './browser/carrying.ts'
import { deleteForEveryone, editByKeyboard, reactByTouch, refusedIsTold } from './browser/changes.ts'
import { inviteByLink, joinByLink, leadAGroup, revokeLink, seeWhatHappened } from './browser/groups.ts'
import { sayMuch, shiftWhenOlderComes } from './browser/history.ts'
import { deleteForOneself, disappear, pin, star } from './browser/keeping.ts'
import { chatFromMemory, KEEPS_NOTHING } from './browser/memory.ts'
import {
  choose,
  logIn,
  type Person,
  register,
  signOut,
  sitDown,
  startChat,
  startGroup,
  write,
} from './browser/person.ts'
import { chatByDisplayName, groupByDisplayName, isCalled, LONG } from './browser/picking.ts'
import { keepItBack, metInAGroup, sayWhoOneIs, watchedInAGroup } from './browser/profiles.ts'
import { findByKeyboard, goAround, readOnFromTheFirstUnread, threeSections } from './browser/search.ts'
import * as see from './browser/see.ts'
import { lastSeq, transcript } from './browser/transcript.ts'
import { SHAPES, start } from './shapes.ts'

let browser: Browser

before(async () => {
  await build({ configFile: fileURLToPath(new URL('../web/vite.config.ts', import.meta.url)), logLevel: 'warn' })
  // In a container Chromium has no sandbox of its own, and in a test nothing to say to anybody but Parley.
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  browser = await chromium.launch({
    executablePath: await infra.chromium(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', ...quiet],
  })
})
after(() => browser?.close())

for (const shape of SHAPES)
  test(`two people chat in two browsers (${shape})`, { timeout: 180_000 }, async () => {
    await using stack = await startStack({ shape, chatNodes: 2 })
    await using alice = await sitDown(browser, stack.url, 'alice', 'desk')
    await using bob = await sitDown(browser, stack.url, 'bob', 'phone')
    await registerAndLogIn(alice, bob)
    await ticksGoFromDeliveredToRead(alice, bob)
    await talkInAGroup(alice, bob)
    await writtenOfflineIsSentLater(alice, bob)
    await reloadKeepsTheSession(alice)
    await settingsAreTheSameOnAllDevices(stack, alice)
    await olderMessagesComeAsOneScrollsUp(stack, 'bob', 'alice')
    if (shape === 'scale-out') await nothingIsLostWhenNodesDie(stack, alice, bob)
    assert.deepEqual([alice.complaints, bob.complaints], [[], []])
  })

test('two people star, pin, delete for themselves and let messages disappear', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one', env: { PARLEY_LIMIT_DISAPPEAR_LEAST_MS: '1000' } })
  await using alice = await sitDown(browser, stack.url, 'alice', 'desk')
  await using bob = await sitDown(browser, stack.url, 'bob', 'desk')
  await Promise.all([register(alice), register(bob)])
  await startChat(alice, 'bob')
  for (const text of ['The code is 4711', 'Oh dear']) await write(alice, text)
  await see.inList(bob, 'alice').click()
  await see.message(bob, 'Oh dear').waitFor()
  await star(alice, bob)
  await pin(alice, bob)
  await deleteForOneself(alice, bob)
  await disappear(stack.url, alice, bob)
  assert.deepEqual([alice.complaints, bob.complaints], [[], []])
})

for (const [how, broken] of Object.entries(KEEPS_NOTHING))
  test(`where a browser keeps nothing (${how}) people chat from memory, and are told so`, {
    timeout: 120_000,
  }, async () => {
    await using stack = await startStack({ shape: 'all-in-one' })
    await using alice = await sitDown(browser, stack.url, 'alice', 'phone', broken)
    await using bob = await sitDown(browser, stack.url, 'bob', 'desk')
    await register(bob)
    await chatFromMemory(alice, bob)
    assert.deepEqual([alice.complaints, bob.complaints], [[], []])
  })

test('people say who they are and keep back what is not for all', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using alice = await sitDown(browser, stack.url, 'alice', 'desk')
  await using bob = await sitDown(browser, stack.url, 'bob', 'desk')
  await Promise.all([register(alice), register(bob)])
  await sayWhoOneIs(alice, bob)
  await keepItBack(alice, bob)
  await metInAGroup(alice, bob)
  assert.deepEqual([alice.complaints, bob.complaints], [[], []])
})

test('people are picked by the names that they are shown under, with the keyboard alone', {
  timeout: 120_000,
}, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using alice = await sitDown(browser, stack.url, 'alice', 'desk')
  await isCalled(stack.url, 'smithy', 'Ánn Smith')
  await isCalled(stack.url, 'zoe', LONG)
  await isCalled(stack.url, 'karl_2', 'Karl Schmied')
  await isCalled(stack.url, 'karl', 'Charles')
  await register(alice)
  await chatByDisplayName(alice)
  await groupByDisplayName(alice)
  assert.deepEqual(alice.complaints, [])
})

test('in a group one sees at once how people are called now, and who is no more', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using alice = await sitDown(browser, stack.url, 'alice', 'desk')
  await using bob = await sitDown(browser, stack.url, 'bob', 'desk')
  await Promise.all([register(alice), register(bob)])
  await watchedInAGroup(alice, bob)
  assert.deepEqual([alice.complaints, bob.complaints], [[], []])
})

test('two people answer and name each other, shape what they say and pass it on', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using alice = await sitDown(browser, stack.url, 'alice', 'desk')
  await using bob = await sitDown(browser, stack.url, 'bob', 'phone')
  await Promise.all([register(alice), register(bob)])
  await startGroup(alice, 'Travel', 'bob')
  await see.inList(bob, 'Travel').click()
  await answerEachOther(alice, bob)
  await keepAnAnswer(alice, bob)
  await nameEachOther(alice, bob)
  await shapeWhatOneSays(alice, bob)
  await passOn(alice, bob)
  assert.deepEqual([alice.complaints, bob.complaints], [[], []])
})

test('two people see each other’s edits, deletions and reactions', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using alice = await sitDown(browser, stack.url, 'alice', 'desk')
  await using bob = await sitDown(browser, stack.url, 'bob', 'phone')
  await Promise.all([register(alice), register(bob)])
  await startChat(alice, 'bob')
  for (const text of ['Lunch at two?', 'Or dinner', 'Nevermind']) await write(alice, text)
  await see.inList(bob, 'alice').click()
  await see.message(bob, 'Nevermind').waitFor()
  await editByKeyboard(alice, bob)
  await reactByTouch(alice, bob)
  await deleteForEveryone(alice, bob)
  assert.deepEqual([alice.complaints, bob.complaints], [[], []])
  await refusedIsTold(alice, bob)
})

for (const shape of SHAPES)
  test(`what names one or asks for one is told at the bell, on all devices, and leads to where it happened (${shape})`, {
    timeout: 120_000,
  }, async () => {
    await using stack = await start(shape)
    await using alice = await sitDown(browser, stack.url, 'alice', 'desk')
    await using bob = await sitDown(browser, stack.url, 'bob', 'desk')
    await using bobsPhone = await sitDown(browser, stack.url, 'bob', 'phone')
    await Promise.all([register(alice), register(bob)])
    await logIn(bobsPhone)
    await hearOfBeingNamed(alice, bob, bobsPhone)
    await goWhereAlertsLead(alice, bob)
    assert.deepEqual([alice.complaints, bob.complaints, bobsPhone.complaints], [[], [], []])
  })

test('what was said is found, gone to and come back from, at a desk and on a phone', { timeout: 180_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using alice = await sitDown(browser, stack.url, 'alice', 'desk')
  await using bob = await sitDown(browser, stack.url, 'bob', 'phone')
  await Promise.all([register(alice), register(bob)])
  await startChat(alice, 'bob')
  await write(alice, 'Bob, the needle is in <b>the haystack</b>')
  await sayMuch(stack.url, 'alice', 'bob', 300)
  await see.message(alice, 'History 300').waitFor()
  const wanted = { q: 'needle', title: 'bob', text: 'Bob, the needle is in <b>the haystack</b>' }
  await findByKeyboard(alice, wanted)
  await goAround(alice, 'History 300', wanted.text)
  await threeSections(alice, 'bob')
  await readOnFromTheFirstUnread(bob, 'alice', wanted.text, 'History 300')
  await see.wayBack(bob).click()
  await findByKeyboard(bob, { ...wanted, title: 'alice' })
  assert.deepEqual([alice.complaints, bob.complaints], [[], []])
})

test('a group is led by a role, an invite link and its details, and two people see what happens in it', {
  timeout: 120_000,
}, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using alice = await sitDown(browser, stack.url, 'alice', 'desk')
  await using bob = await sitDown(browser, stack.url, 'bob', 'phone')
  await Promise.all([register(alice), register(bob)])
  await leadAGroup(alice, bob)
  const link = await inviteByLink(alice)
  await using cem = await sitDown(browser, stack.url, 'cem', 'phone')
  await joinByLink(cem, link)
  await seeWhatHappened(alice, bob, cem)
  await revokeLink(alice, bob, link)
  assert.deepEqual([alice.complaints, bob.complaints, cem.complaints], [[], [], []])
})

async function registerAndLogIn(alice: Person, bob: Person): Promise<void> {
  assert.deepEqual(await see.barriers(alice), [])
  await Promise.all([register(alice), register(bob)])
  await signOut(alice)
  await logIn(alice)
  await alice.page.getByText('No conversations yet').waitFor()
  assert.deepEqual(await see.barriers(alice), [])
}

async function ticksGoFromDeliveredToRead(alice: Person, bob: Person): Promise<void> {
  await startChat(alice, 'bob')
  await write(alice, 'Hello Bob')
  await see.tick(alice, 'Hello Bob', 'Delivered').waitFor()
  await see.inList(bob, 'alice').filter({ hasText: '1 unread' }).click()
  await see.message(bob, 'Hello Bob').waitFor()
  await see.tick(alice, 'Hello Bob', 'Read').waitFor()
  await write(bob, 'Hello Alice')
  await see.message(alice, 'Hello Alice').waitFor()
  await see.tick(bob, 'Hello Alice', 'Read').waitFor()
  assert.deepEqual([await see.barriers(alice), await see.barriers(bob)], [[], []])
}

async function talkInAGroup(alice: Person, bob: Person): Promise<void> {
  await see.wayBack(bob).click()
  await startGroup(bob, 'Weekend', 'alice')
  await write(bob, 'Who brings the cake?')
  await see.inList(alice, 'Weekend').filter({ hasText: 'bob: Who brings the cake?' }).click()
  await see.message(alice, 'Who brings the cake?').waitFor()
  await write(alice, 'I do')
  await see.tick(alice, 'I do', 'Read').waitFor()
  await see.wayBack(bob).click()
  await see.inList(bob, 'Hello Alice').click()
  await see.inList(alice, 'Hello Alice').click()
}

async function writtenOfflineIsSentLater(alice: Person, bob: Person): Promise<void> {
  await alice.context.setOffline(true)
  await alice.page.getByText('You are offline').waitFor()
  await write(alice, 'Written in a tunnel')
  await see.tick(alice, 'Written in a tunnel', 'Waiting to be sent').waitFor()
  await alice.context.setOffline(false)
  await see.message(bob, 'Written in a tunnel').waitFor()
  await see.tick(alice, 'Written in a tunnel', 'Read').waitFor()
  await alice.page.getByText('You are offline').waitFor({ state: 'detached' })
}

async function reloadKeepsTheSession(alice: Person): Promise<void> {
  await alice.page.reload()
  await alice.page.getByRole('heading', { name: 'bob' }).waitFor()
  await see.message(alice, 'Written in a tunnel').waitFor()
}

async function settingsAreTheSameOnAllDevices(stack: Stack, alice: Person): Promise<void> {
  await using phone = await sitDown(browser, stack.url, 'alice', 'phone')
  await logIn(phone)
  const draft = 'See you at the'
  const composer = alice.page.getByRole('textbox', { name: 'Message to bob' })
  await composer.fill(draft)
  await see.inList(phone, `Draft: ${draft}`).waitFor()
  await choose(alice, 'Weekend', 'Pin to the top')
  await see.inList(phone, 'Weekend').filter({ hasText: 'Pinned' }).waitFor()
  await choose(phone, 'Weekend', 'Mute for ever')
  await see.inList(alice, 'Weekend').filter({ hasText: 'Muted' }).waitFor()
  assert.deepEqual([await see.barriers(alice), await see.barriers(phone)], [[], []])
  await choose(alice, 'Weekend', 'Archive')
  await phone.page.getByRole('button', { name: 'Archived 1 conversation' }).click()
  await choose(phone, 'Weekend', 'Move out of the archive')
  await choose(phone, 'Weekend', 'Unmute')
  await see.inList(alice, 'Weekend').waitFor()
  await see.inList(phone, draft).click()
  await phone.page.getByRole('textbox', { name: 'Message to bob' }).fill('')
  await alice.page.waitForFunction(() => document.querySelector('textarea')?.value === '')
  assert.deepEqual(phone.complaints, [])
}

async function olderMessagesComeAsOneScrollsUp(stack: Stack, from: string, to: string): Promise<void> {
  await sayMuch(stack.url, from, to, 120)
  await using elsewhere = await sitDown(browser, stack.url, to, 'desk')
  await logIn(elsewhere)
  // Read on the other device by then: what is unread would be opened where it begins.
  await see.inList(elsewhere, 'History 120').filter({ hasNotText: 'unread' }).click()
  // The last message is there with the list; the ones before it come when the conversation is opened.
  for (const text of ['History 115', 'History 120']) await see.message(elsewhere, text).waitFor()
  const moved = await shiftWhenOlderComes(elsewhere)
  assert.ok(moved <= 3, `what one reads moved by ${moved} px`)
  const all = await transcript(elsewhere, 0)
  assert.deepEqual(
    all.map(({ seq }) => seq),
    all.map((_, i) => i + 1),
  )
  assert.deepEqual([all[0]?.text, all.at(-1)?.text], ['Hello Bob', 'History 120'])
  assert.deepEqual(elsewhere.complaints, [])
}

async function nothingIsLostWhenNodesDie(stack: Stack, alice: Person, bob: Person): Promise<void> {
  for (const person of [alice, bob]) await see.message(person, 'History 120').waitFor()
  const from = await lastSeq(alice)
  const killing = killInTurn(stack, ['chat-1', 'chat-2'])
  const said = await Promise.all([talkWhile(killing, alice), talkWhile(killing, bob)])
  const count = said.flat().length
  for (const { page } of [alice, bob]) await page.locator(`[data-seq="${from + count}"]`).waitFor()
  const [atAlice, atBob] = [await transcript(alice, from), await transcript(bob, from)]
  assert.deepEqual(atAlice, atBob)
  assert.deepEqual(
    atAlice.map(({ seq }) => seq),
    Array.from({ length: count }, (_, i) => from + 1 + i),
  )
  const texts = atAlice.map(({ text }) => text)
  for (const own of said)
    assert.deepEqual(
      texts.filter((text) => own.includes(text)),
      own,
    )
}

/** Kills each node and starts it again, the next one only when the one before is back. */
async function killInTurn(stack: Stack, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await stack.kill(name)
    await stack.start(name)
  }
}

/** Writes, three at a time, until the work is done, and once more after it; resolves when all of it is stored, with what was written. */
async function talkWhile(work: Promise<void>, person: Person): Promise<string[]> {
  const said: string[] = []
  let done = false
  const finished = work.finally(() => {
    done = true
  })
  finished.catch(() => {})
  for (let last = false; !last; ) {
    last = done
    for (let i = 0; i < 3; i++) {
      const text = `${person.name} says ${said.length + 1}`
      said.push(text)
      await write(person, text)
    }
    // A node that hung would be given up after 10 s: this is far above.
    await see.message(person, said.at(-1)!).and(person.page.locator('[data-seq]')).waitFor({ timeout: 40_000 })
  }
  await finished
  return said
}
