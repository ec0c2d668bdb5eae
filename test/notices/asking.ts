import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { register, startChat, write } from '../browser/person.ts'
import * as see from '../browser/see.ts'
import { sitDownWithProfile } from './person.ts'
import { newClient, type Site, settings } from './site.ts'

/** One is asked when one has sent something, which is when an answer is to be expected; and never again after a no. */
export async function isAskedOnce(t: TestContext, { url }: Pick<Site, 'url'>): Promise<void> {
  await newClient(t, url, 'dan')
  await using cleo = await sitDownWithProfile(url, 'cleo')
  await cleo.permission('granted')
  await register(cleo)
  await isInstallable(url)
  const bar = cleo.page.getByRole('region', { name: 'Turn on notifications' })
  await startChat(cleo, 'dan')
  assert.equal(await bar.count(), 0, 'not before')
  await write(cleo, 'Hello Dan')
  await bar.waitFor()
  assert.deepEqual(await see.barriers(cleo), [])
  await bar.getByRole('button', { name: 'Not now' }).click()
  await bar.waitFor({ state: 'detached' })
  await cleo.page.reload()
  await write(cleo, 'Hello again')
  await see.message(cleo, 'Hello again').and(cleo.page.locator('[data-seq]')).waitFor()
  assert.equal(await bar.count(), 0, 'and not again')

  await cleo.permission('denied')
  const dialog = await settings(cleo)
  await dialog.getByText(/^This browser blocks notifications/).waitFor()
  assert.equal(await dialog.getByRole('button', { name: 'Turn on' }).count(), 0)
  assert.deepEqual(cleo.complaints, [])
}

/** A browser has a worker and a permission here, and no push service to subscribe to: which it says. */
export async function cannotSubscribe({ url }: Pick<Site, 'url'>): Promise<void> {
  await using finn = await sitDownWithProfile(url, 'finn')
  await finn.permission('granted')
  await register(finn)
  const dialog = await settings(finn)
  await dialog.getByRole('button', { name: 'Turn on' }).click()
  // Chromium itself tries for some 15 s.
  await dialog
    .getByRole('alert')
    .filter({ hasText: 'The push service of this browser could not be reached' })
    .waitFor({ timeout: 30_000 })
  assert.deepEqual(await see.barriers(finn), [])
  assert.deepEqual(finn.complaints, [])
}

interface Manifest {
  name: string
  display: string
  scope: string
  icons: { src: string; type: string }[]
}

/** An iPhone notifies of what is on its home screen only, and puts there as an app what has a manifest that says so. */
async function isInstallable(url: string): Promise<void> {
  const page = await fetch(url)
  assert.match(page.headers.get('content-security-policy')!, /manifest-src 'self'/)
  const [, path] = /<link rel="manifest" href="([^"]+)"/.exec(await page.text()) ?? []
  const manifest = await fetch(new URL(path!, url))
  assert.match(manifest.headers.get('content-type')!, /^application\/manifest\+json/)
  const { name, display, scope, icons } = (await manifest.json()) as Manifest
  assert.deepEqual([name, display, scope], ['Parley', 'standalone', '/'])
  for (const { src, type } of icons) assert.equal((await fetch(new URL(src, url))).headers.get('content-type'), type)
}
