import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { infra } from '@parley/infra/infra'
import { startStack } from '@parley/infra/stack'
import { type Browser, chromium } from 'playwright-core'
import { build } from 'vite'
import { logIn, PASSWORD, type Person, register, sitDown } from './browser/person.ts'
import * as see from './browser/see.ts'

let browser: Browser

before(async () => {
  await build({ configFile: fileURLToPath(new URL('../web/vite.config.ts', import.meta.url)), logLevel: 'warn' })
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  browser = await chromium.launch({
    executablePath: await infra.chromium(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', ...quiet],
  })
})
after(() => browser?.close())

const NEW = 'a quite different secret'

test('who changes the password in one browser is signed out in the other', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using desk = await sitDown(browser, stack.url, 'carol', 'desk')
  await using phone = await sitDown(browser, stack.url, 'carol', 'phone')
  await register(desk)
  await logIn(phone)
  const dialog = await openFromAccount(desk, 'Change password')
  await dialog.getByLabel('Present password').fill('not the password')
  await dialog.getByLabel('New password').fill(NEW)
  await dialog.getByRole('button', { name: 'Change password' }).click()
  await dialog.getByText('This is not your present password.').waitFor()
  assert.deepEqual(await see.barriers(desk), [])
  await dialog.getByLabel('Present password').fill(PASSWORD)
  await dialog.getByRole('button', { name: 'Change password' }).click()
  await dialog.getByText('Your password is changed.').waitFor()
  await phone.page.getByText('The password of this account was changed.').waitFor()
  await phone.page.getByLabel('E-mail').fill('carol@example.org')
  await phone.page.getByLabel('Password', { exact: true }).fill(NEW)
  await phone.page.keyboard.press('Enter')
  await phone.page.getByRole('button', { name: 'Account: carol' }).waitFor()
  assert.deepEqual(desk.complaints.filter(notRefusedField), [])
})

test('a chat is begun with someone whose name one only begins to write', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using dora = await sitDown(browser, stack.url, 'dora', 'desk')
  await using dorian = await sitDown(browser, stack.url, 'dorian', 'phone')
  await register(dora)
  await register(dorian)
  await dora.page.getByRole('button', { name: 'New chat' }).first().click()
  await dora.page.getByLabel('User name').fill('dor')
  const found = dora.page.getByRole('list', { name: 'People found' }).getByRole('button')
  await found.filter({ hasText: 'dorian' }).waitFor()
  assert.equal(await found.count(), 2)
  assert.deepEqual(await see.barriers(dora), [])
  await found.filter({ hasText: 'dorian' }).click()
  await dora.page.getByRole('heading', { name: 'dorian' }).waitFor()
  assert.deepEqual(dora.complaints, [])
})

/** Chromium reports each refused request; a field that was refused is told beside it. */
const notRefusedField = (line: string): boolean => !/status of 400 .*\/api\/user\//.test(line)

async function openFromAccount({ page, name }: Person, entry: string) {
  await page.getByRole('button', { name: `Account: ${name}` }).click()
  await page.getByRole('dialog').getByRole('button', { name: entry }).click()
  return page.getByRole('dialog', { name: entry })
}
