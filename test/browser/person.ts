import type { Browser, BrowserContext, Page } from 'playwright-core'

/** Someone at a browser of their own: own cookies, own storage. */
export interface Person extends AsyncDisposable {
  name: string
  page: Page
  context: BrowserContext
  /** What the browser complained of: errors in the console, refused by the content security policy, uncaught. */
  complaints: string[]
}

/** Every step that a browser is waited for has this long. */
const PATIENCE_MS = 15_000

/** Opens the page for one person; `broken` runs in it before anything else does. */
export async function sitDown(
  browser: Browser,
  url: string,
  name: string,
  screen: 'phone' | 'desk',
  broken?: () => void,
): Promise<Person> {
  const viewport = screen === 'phone' ? { width: 390, height: 844 } : { width: 1280, height: 800 }
  const context = await browser.newContext({
    baseURL: url,
    viewport,
    reducedMotion: 'reduce',
    hasTouch: screen === 'phone',
  })
  if (broken) await context.addInitScript(broken)
  const page = await context.newPage()
  const complaints = watch(page)
  await page.goto('/')
  return { name, page, context, complaints, [Symbol.asyncDispose]: () => context.close() }
}

/** Waits for each step so long, and writes down what the browser complains of. */
export function watch(page: Page): string[] {
  page.setDefaultTimeout(PATIENCE_MS)
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`))
  page.on('console', (line) => {
    const { url: about } = line.location()
    if (line.type() === 'error' && !isLostNetwork(line.text(), about)) complaints.push(`${line.text()} ${about}`)
  })
  return complaints
}

/**
 * Chromium itself reports each request that found no network or a server that was just killed, and each try to go on with a
 * connection on a node that never knew it (Socket.IO answers 400): these are meant to happen here.
 */
function isLostNetwork(text: string, url: string): boolean {
  if (/^WebSocket connection to .* failed/.test(text)) return true
  if (/^Failed to load resource: (net::|.*status of 50[234])/.test(text)) return true
  return /^Failed to load resource: .*status of 400/.test(text) && url.includes('/socket.io/')
}

export const emailOf = (name: string): string => `${name}@example.org`
export const PASSWORD = 'correct horse battery staple'

/** Makes an account in the browser; ends signed in. */
export async function register({ page, name }: Person): Promise<void> {
  await page.getByRole('link', { name: 'Create account' }).click()
  await page.getByLabel('User name').fill(name)
  await page.getByLabel('E-mail').fill(emailOf(name))
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('button', { name: `Account: ${name}` }).waitFor()
}

/** Logs in with the keyboard alone. */
export async function logIn({ page, name }: Person): Promise<void> {
  await page.getByLabel('E-mail').fill(emailOf(name))
  await page.keyboard.press('Tab')
  await page.keyboard.type(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: `Account: ${name}` }).waitFor()
}

export async function signOut({ page, name }: Person): Promise<void> {
  await page.getByRole('button', { name: `Account: ${name}` }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: 'Log in' }).waitFor()
}

/** Finds someone by user name and opens the conversation. */
export async function startChat({ page }: Person, other: string): Promise<void> {
  await page.getByRole('button', { name: 'New chat' }).first().click()
  // One may write at once: the focus is in the dialog's field.
  await page.locator('input:focus').waitFor()
  await page.keyboard.type(other)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: other }).waitFor()
}

/** Starts a group with one other person. */
export async function startGroup({ page }: Person, title: string, other: string): Promise<void> {
  await page.getByRole('button', { name: 'New group' }).first().click()
  await page.getByLabel('Group name').fill(title)
  await page.getByLabel('User name').fill(other)
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('button', { name: `Remove ${other}` }).waitFor()
  await page.getByRole('button', { name: 'Create group' }).click()
  await page.getByRole('heading', { name: title }).waitFor()
}

/** Writes into the open conversation. Enter sends. */
export async function write({ page }: Person, text: string): Promise<void> {
  await page.getByRole('textbox', { name: /^Message to/ }).fill(text)
  await page.keyboard.press('Enter')
}

/** Chooses something in the menu of a conversation in the list. */
export async function choose({ page }: Person, title: string, item: string): Promise<void> {
  await page.getByRole('button', { name: `Settings of ${title}` }).click()
  await page.getByRole('menuitem', { name: item, exact: true }).click()
}
