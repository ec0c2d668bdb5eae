import { writable } from '@parley/sdk/store'
import type { ParleyClient, Readable } from '@parley/sdk/types'
import type { Page } from '../state/page.ts'
import { type NoticeData, placeIn, type ToPage } from '../worker/words.ts'
import { type PermissionHere, watchPermission } from './permission.ts'

/** The page's part in this browser's notices. */
export interface Notices {
  permission: PermissionHere
  /** The id of the last test notice that arrived in this browser. */
  testArrived: Readable<string | undefined>
  /** True once it is worth asking whether one wants to be notified: one has sent something, and has not said no here. */
  mayAsk: Readable<boolean>
  /** Not asked again in this browser. */
  dismiss(): void
}

/** Reads that come within this time close notices together. */
const TOGETHER_MS = 300
const DISMISSED = 'parley.notifications-bar'

/** Answers the service worker, opens what is pressed, and closes what was read. `go` shows a message. */
export function watchNotices(parts: {
  client: ParleyClient
  page: Page
  window: Window & typeof globalThis
  go: (place: { conversationId: string; seq: number } | undefined) => void
}): Notices {
  const { client, page, window, go } = parts
  const { serviceWorker: workers } = window.navigator
  const testArrived = writable<string | undefined>(undefined)
  const permission = watchPermission(window)

  workers?.addEventListener('message', ({ data, ports }: MessageEvent) => hear(data as ToPage, ports))
  permission.subscribe(() => void client.notifications.look())
  closeRead(client, workers)

  function hear(message: ToPage, [port]: readonly MessagePort[]): void {
    switch (message.kind) {
      case 'seen?':
        port?.postMessage(isSeen(message.conversationId, message.seq))
        break
      case 'open':
        go(message)
        break
      case 'open-start':
        go(undefined)
        break
      case 'test-arrived':
        testArrived.set(message.test)
        break
      case 'address-changed':
        void client.notifications.look()
        break
      default:
        message satisfies never
    }
  }

  /** In the open conversation while somebody is here, or read already: then it needs no notice. */
  function isSeen(conversationId: string, seq: number): boolean {
    const [, openId] = /^\/c\/([^/]+)/.exec(window.location.pathname) ?? []
    const here = openId === conversationId && page.inUse.get() && client.connection.get() === 'live'
    return here || isRead(client, { conversationId, seq, count: 1 })
  }

  return { permission, testArrived, ...asking(client, window) }
}

/** Where a link of a notice leads, once; the address then is that of the conversation alone. */
export function takePlace({ location, history }: Window): { conversationId: string; seq: number } | undefined {
  const place = placeIn(location.pathname, location.hash)
  if (place) history.replaceState(null, '', location.pathname)
  return place
}

/** A first message sent is when one learns that answers may come while one is away. */
function asking(client: ParleyClient, window: Window): Pick<Notices, 'mayAsk' | 'dismiss'> {
  const mayAsk = writable(false)
  client.on('acked', () => {
    if (window.localStorage.getItem(DISMISSED) === null) mayAsk.set(true)
  })
  client.session.subscribe(() => client.session.get().status === 'signed-out' && mayAsk.set(false))
  return {
    mayAsk,
    dismiss() {
      window.localStorage.setItem(DISMISSED, 'no')
      mayAsk.set(false)
    },
  }
}

function isRead(client: ParleyClient, { conversationId, seq = 0 }: NoticeData): boolean {
  const conversation = client.conversations.get().find(({ id }) => id === conversationId)
  return conversation !== undefined && conversation.me.readSeq >= seq
}

/** Closes the notices of what was read, on this device or another; all of them when one is signed out. */
function closeRead(client: ParleyClient, workers: ServiceWorkerContainer | undefined): void {
  if (!workers) return
  /** All marks together: it rises with each. */
  let read = 0
  let waiting = false

  async function close(isOver: (data: NoticeData) => boolean): Promise<void> {
    const registration = await workers!.getRegistration('/')
    for (const notice of (await registration?.getNotifications()) ?? [])
      if (isOver((notice.data ?? {}) as NoticeData)) notice.close()
  }

  client.conversations.subscribe(() => {
    const now = client.conversations.get().reduce((sum, { me }) => sum + me.readSeq, 0)
    if (waiting || now === read) return
    read = now
    waiting = true
    setTimeout(() => {
      waiting = false
      close((data) => isRead(client, data)).catch(reportError)
    }, TOGETHER_MS)
  })
  client.session.subscribe(() => {
    if (client.session.get().status === 'signed-out') close(() => true).catch(reportError)
  })
}
