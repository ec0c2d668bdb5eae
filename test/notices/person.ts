import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { infra } from '@parley/infra/infra'
import { type BrowserContext, type CDPSession, chromium } from 'playwright-core'
import { type Person, watch } from '../browser/person.ts'

/** A notice that the browser shows. */
export interface Shown {
  title: string
  body: string
  tag: string
  data: { conversationId?: string; seq?: number; count: number }
}

/** Someone at a browser with a profile of its own, as it is needed for notices. */
export interface Notified extends Person {
  /** Whether the browser lets the page show notices; `default` lets it ask. */
  permission(state: 'granted' | 'denied'): Promise<void>
  /** Delivers a push to the service worker that runs, as the browser's push service does, and waits until it is dealt with. */
  deliver(body: unknown): Promise<void>
  shown(): Promise<Shown[]>
  /** The number on the app's icon, as the worker set it last. */
  badge(): Promise<number | undefined>
  /** Presses a notice; gives the address of the page that was opened for it, if one was. */
  press(tag: string): Promise<string | undefined>
  /** Leaves Parley's page, and comes back to one. */
  leave(): Promise<void>
  come(path: string): Promise<void>
}

interface Lasting {
  waitUntil(work: Promise<unknown>): void
}

/** `prepare` changes what the browser is, before any page is there. */
export async function sitDownWithProfile(
  url: string,
  name: string,
  prepare: (context: BrowserContext) => Promise<void> = async () => {},
): Promise<Notified> {
  const profile = await mkdtemp(join(tmpdir(), 'parley-profile-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: await infra.chromium(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    baseURL: url,
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  })
  await prepare(context)
  const page = context.pages()[0] ?? (await context.newPage())
  const complaints = watch(page)
  const workers: CDPSession = await context.newCDPSession(page)
  const registrations = new Map<string, string>()
  workers.on('ServiceWorker.workerRegistrationUpdated', ({ registrations: all }) => {
    for (const one of all) if (!one.isDeleted) registrations.set(one.scopeURL, one.registrationId)
  })
  await workers.send('ServiceWorker.enable')

  const worker = async () => context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker'))
  const shown = async (): Promise<Shown[]> =>
    (await worker()).evaluate(async () => {
      const { registration } = self as unknown as { registration: ServiceWorkerRegistration }
      const all = await registration.getNotifications()
      return all.map(({ title, body, tag, data }) => ({ title, body, tag, data }))
    })

  await page.goto('/')
  return {
    name,
    page,
    context,
    complaints,
    async permission(setting) {
      await workers.send('Browser.setPermission', { permission: { name: 'notifications' }, setting, origin: url })
    },
    async deliver(body) {
      const registrationId = registrations.get(`${url}/`)
      assert.ok(registrationId, 'the service worker is registered')
      const running = await worker()
      await running.evaluate(() => {
        const { promise, resolve } = Promise.withResolvers<void>()
        const { ExtendableEvent } = self as unknown as { ExtendableEvent: { prototype: Lasting } }
        const { waitUntil } = ExtendableEvent.prototype
        ExtendableEvent.prototype.waitUntil = function (this: Lasting, work) {
          ExtendableEvent.prototype.waitUntil = waitUntil
          waitUntil.call(this, work)
          work.finally(() => resolve())
        }
        Object.assign(self, { dealtWith: promise })
        // Chromium has none on Linux.
        Object.assign(navigator, { setAppBadge: async (badge: number) => void Object.assign(self, { badge }) })
      })
      const data = typeof body === 'string' ? body : JSON.stringify(body)
      await workers.send('ServiceWorker.deliverPushMessage', { origin: url, registrationId, data })
      await running.evaluate(() => (self as unknown as { dealtWith: Promise<void> }).dealtWith)
    },
    shown,
    badge: async () => (await worker()).evaluate(() => (self as unknown as { badge?: number }).badge),
    async press(tag) {
      // No browser lets a program press a notice, and it opens pages only for who was pressed: so its answer to that is looked at.
      return (await worker()).evaluate(async (wanted) => {
        const scope = self as unknown as {
          registration: ServiceWorkerRegistration
          clients: { openWindow(url: string): Promise<unknown> }
        }
        const [notification] = await scope.registration.getNotifications({ tag: wanted })
        let opened: string | undefined
        scope.clients.openWindow = async (address) => {
          opened = address
        }
        const event = Object.assign(new Event('notificationclick'), { notification })
        const work: Promise<unknown>[] = []
        Object.assign(event, { waitUntil: (one: Promise<unknown>) => work.push(one) })
        self.dispatchEvent(event)
        await Promise.all(work)
        return opened
      }, tag)
    },
    async leave() {
      await page.goto('about:blank')
    },
    async come(path) {
      await page.goto(path)
    },
    async [Symbol.asyncDispose]() {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}
