import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { infra } from '@parley/infra/infra'
import { startStack } from '@parley/infra/stack'
import { until } from '@parley/infra/until'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
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

test('who forgot the password sets another by the mail that was captured', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using desk = await sitDown(browser, stack.url, 'erin', 'desk')
  await using phone = await sitDown(browser, stack.url, 'erin', 'phone')
  await register(desk)
  await phone.page.goto(stack.url)
  await phone.page.getByRole('link', { name: 'Forgot your password?' }).click()
  assert.deepEqual(await see.barriers(phone), [])
  await phone.page.getByLabel('E-mail').fill('erin@example.org')
  await phone.page.getByRole('button', { name: 'Send the mail' }).click()
  await phone.page.getByRole('heading', { name: 'Look into your mail' }).waitFor()
  await openMail(phone, stack.url, 'Set a new password')
  await phone.page.getByRole('textbox', { name: 'New password' }).fill(NEW)
  assert.deepEqual(await see.barriers(phone), [])
  await phone.page.getByRole('button', { name: 'Set new password' }).click()
  await phone.page.getByText('Your new password is set.').waitFor()
  await desk.page.getByText('The password of this account was changed.').waitFor()
  await openMail(phone, stack.url, 'Set a new password')
  await phone.page.getByRole('textbox', { name: 'New password' }).fill('yet another secret')
  await phone.page.getByRole('button', { name: 'Set new password' }).click()
  await phone.page.getByText('This link has ended or was used.').waitFor()
  await phone.page.goto(stack.url)
  await phone.page.getByLabel('E-mail').fill('erin@example.org')
  await phone.page.getByLabel('Password', { exact: true }).fill(NEW)
  await phone.page.keyboard.press('Enter')
  await phone.page.getByRole('button', { name: 'Account: erin' }).waitFor()
  assert.deepEqual(
    phone.complaints.filter((line) => !/status of 404 .*\/api\/user\/password\/reset/.test(line)),
    [],
  )
})

test('an e-mail address is changed by the link that is mailed to the new one', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using desk = await sitDown(browser, stack.url, 'finn', 'desk')
  await register(desk)
  const dialog = await openFromAccount(desk, 'Change e-mail')
  await dialog.getByLabel('New e-mail').fill('finn.new@example.org')
  await dialog.getByLabel('Password', { exact: true }).fill('not the password')
  await dialog.getByRole('button', { name: 'Send the link' }).click()
  await dialog.getByText('This is not your present password.').waitFor()
  assert.deepEqual(await see.barriers(desk), [])
  await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await dialog.getByRole('button', { name: 'Send the link' }).click()
  await dialog.getByText('A mail is on its way to finn.new@example.org.').waitFor()
  await openMail(desk, stack.url, 'Confirm this address')
  await desk.page.getByRole('button', { name: 'Confirm this address' }).click()
  await desk.page.getByText('This is the e-mail address of your account now.').waitFor()
  await mailShows(desk.page, stack.url, desk.page.getByText('To finn@example.org'))
  await using phone = await sitDown(browser, stack.url, 'finn', 'phone')
  await phone.page.getByLabel('E-mail').fill('finn.new@example.org')
  await phone.page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await phone.page.keyboard.press('Enter')
  await phone.page.getByRole('button', { name: 'Account: finn' }).waitFor()
  assert.deepEqual(desk.complaints.filter(notRefusedField), [])
})

test('everything that the server has of one is saved as a file', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using iris = await sitDown(browser, stack.url, 'iris', 'phone')
  await register(iris)
  const dialog = await openFromAccount(iris, 'Export my data')
  assert.deepEqual(await see.barriers(iris), [])
  const [file] = await Promise.all([
    iris.page.waitForEvent('download'),
    dialog.getByRole('button', { name: 'Make the file' }).click(),
  ])
  await dialog.getByText(/The file is saved/).waitFor()
  assert.match(file.suggestedFilename(), /^parley-iris-\d{4}-\d\d-\d\d\.ndjson$/)
  const lines = readFileSync((await file.path())!, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string })
  assert.deepEqual(
    lines.map(({ type }) => type),
    ['account', 'profile', 'session', 'end', 'end'],
  )
  assert.deepEqual(iris.complaints, [])
})

test('who deletes the account is gone for the others, and signed out everywhere', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using gwen = await sitDown(browser, stack.url, 'gwen', 'desk')
  await using hugo = await sitDown(browser, stack.url, 'hugo', 'phone')
  await register(gwen)
  await register(hugo)
  await gwen.page.getByRole('button', { name: 'New chat' }).first().click()
  await gwen.page.getByLabel('User name').fill('hugo')
  await gwen.page.getByRole('listbox', { name: 'People found' }).getByRole('option').first().click()
  await gwen.page.getByRole('textbox', { name: /Message/ }).fill('goodbye')
  await gwen.page.keyboard.press('Enter')
  await hugo.page.getByRole('link', { name: /gwen/ }).click()
  await hugo.page.getByText('goodbye').last().waitFor()
  const dialog = await openFromAccount(gwen, 'Delete account')
  await dialog.getByLabel('Password', { exact: true }).fill('not the password')
  await dialog.getByLabel('They are deleted for everyone').check()
  await dialog.getByRole('button', { name: 'Delete my account' }).click()
  await dialog.getByText('This is not your present password.').waitFor()
  assert.deepEqual(await see.barriers(gwen), [])
  await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await dialog.getByRole('button', { name: 'Delete my account' }).click()
  await gwen.page.getByText('This account was deleted.').waitFor()
  await hugo.page.getByRole('heading', { name: 'Deleted user' }).waitFor({ timeout: 20_000 })
  await hugo.page.getByText('Nobody reads here any more.').waitFor()
  const said = hugo.page.getByLabel('Messages with Deleted user')
  await said.getByText('This message was deleted').waitFor()
  assert.equal(await said.getByText('goodbye').count(), 0)
  assert.equal(await hugo.page.getByRole('textbox', { name: /Message/ }).count(), 0)
  assert.deepEqual(await see.barriers(hugo), [])
  assert.deepEqual(gwen.complaints.filter(notRefusedField), [])
  assert.deepEqual(hugo.complaints, [])
})

test('a chat is begun with someone whose name one only begins to write', { timeout: 120_000 }, async () => {
  await using stack = await startStack({ shape: 'all-in-one' })
  await using dora = await sitDown(browser, stack.url, 'dora', 'desk')
  await using dorian = await sitDown(browser, stack.url, 'dorian', 'phone')
  await register(dora)
  await register(dorian)
  await dora.page.getByRole('button', { name: 'New chat' }).first().click()
  await dora.page.getByLabel('User name').fill('dor')
  const found = dora.page.getByRole('listbox', { name: 'People found' }).getByRole('option')
  await found.filter({ hasText: 'dorian' }).waitFor()
  assert.equal(await found.count(), 2)
  assert.deepEqual(await see.barriers(dora), [])
  await found.filter({ hasText: 'dorian' }).click()
  await dora.page.getByRole('heading', { name: 'dorian' }).waitFor()
  assert.deepEqual(dora.complaints, [])
})

/** Chromium reports each refused request; a field that was refused is told beside it. */
const notRefusedField = (line: string): boolean => !/status of 400 .*\/api\/user\//.test(line)

/** Opens the link of the latest captured mail that has one of that name. */
async function openMail({ page }: Person, url: string, link: string): Promise<void> {
  await mailShows(page, url, page.getByRole('link', { name: link }))
  await page.getByRole('link', { name: link }).first().click()
  await page.waitForURL(/#/)
}

/** Mail is on its way for a moment after it was asked for: the page is loaded anew until it shows that. */
async function mailShows(page: Page, url: string, what: Locator): Promise<void> {
  await until('the mail to be shown', 20_000, async () => {
    await page.goto(`${url}/dev/mail`)
    return (await what.count()) > 0
  })
}

async function openFromAccount({ page, name }: Person, entry: string) {
  await page.getByRole('button', { name: `Account: ${name}` }).click()
  await page.getByRole('dialog').getByRole('button', { name: entry }).click()
  return page.getByRole('dialog', { name: entry })
}
