import type { TestContext } from 'node:test'
import type { Mail } from '@parley/protocol/mail'
import { openService, type Service } from './service.fixture.ts'

/** A user service whose mail is read by the test, as the notification service would get it. */
export type Mailing = Service & {
  /** The next mail to that address that was not yet taken. */
  mailTo(to: string): Promise<Mail & { link?: string }>
  /** All that came and was not taken. */
  readonly inbox: Mail[]
}

export async function openMailing(t: TestContext, some: Parameters<typeof openService>[1] = {}): Promise<Mailing> {
  const service = await openService(t, some)
  const inbox: Mail[] = []
  const seen = new Set<string>()
  let arrived = Promise.withResolvers<void>()
  await service.bus.subscribe('notification.mail', async ({ id, data }) => {
    if (seen.has(id)) return
    seen.add(id)
    inbox.push(data)
    arrived.resolve()
    arrived = Promise.withResolvers()
  })
  return {
    ...service,
    inbox,
    async mailTo(to) {
      const late = AbortSignal.timeout(5_000)
      for (;;) {
        const at = inbox.findIndex((mail) => mail.to === to)
        if (at >= 0) return inbox.splice(at, 1)[0]!
        await Promise.race([
          arrived.promise,
          new Promise((_, reject) => late.addEventListener('abort', () => reject(new Error(`no mail to ${to}`)))),
        ])
      }
    },
  }
}

/** The secret in a mailed link. */
export const tokenIn = (mail: { link?: string }): string => new URL(mail.link!).hash.slice(1)
