import type { DeviceItem, NoticeTest, Preferences, Why } from '@parley/protocol/notification'
import type { Send } from './http.ts'
import type { OwnPush } from './push.ts'
import { writable } from './store.ts'
import type { Notifications } from './types.ts'

/** What the server says of one's notices, and this device's pushes. */
export function openNotifications(send: Send, push: OwnPush): { view: Notifications; clear(): void } {
  const preferences = writable<Preferences | undefined>(undefined)
  /** Another user signed in, or nobody: what is still on its way is of no use. */
  let life = 0

  async function take(reply: Promise<unknown>): Promise<Preferences> {
    const mine = life
    const taken = (await reply) as Preferences
    if (mine === life) preferences.set(taken)
    return taken
  }

  const path = '/api/notifications'
  return {
    view: {
      here: push.here,
      turnOn: push.turnOn,
      turnOff: push.turnOff,
      look: push.look,
      devices: async () => ((await send({ method: 'GET', path: '/api/devices' })) as { items: DeviceItem[] }).items,
      removeDevice: async (id) =>
        void (await send({ method: 'DELETE', path: `/api/devices/${encodeURIComponent(id)}` })),
      preferences: {
        get: preferences.get,
        subscribe: preferences.subscribe,
        load: () => take(send({ method: 'GET', path: `${path}/preferences` })),
        change: (body) => take(send({ method: 'PATCH', path: `${path}/preferences`, body })),
      },
      why: async (conversationId, seq) =>
        (await send({ method: 'GET', path: `${path}/why`, query: { conversationId, seq } })) as Why,
      test: async () => (await send({ method: 'POST', path: `${path}/test` })) as NoticeTest,
    },
    clear() {
      life++
      preferences.set(undefined)
    },
  }
}
