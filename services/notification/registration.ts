import { createHash } from 'node:crypto'
import { Fault } from '@parley/kit/fault'
import type { Actor } from '@parley/kit/token'
import type { DeviceItem } from '@parley/protocol/notification'
import type { RegisterDevice } from '@parley/protocol/requests'
import type { z } from 'zod'
import { isPoint } from './point.ts'
import type { Device, DeviceStore, FcmAddress, WebPushAddress } from './store/devices.ts'

type Given = z.infer<typeof RegisterDevice>

/** The devices that one is pushed to. */
export interface Registration {
  /** Registers the device of that session: at once also in place of another session's, and of another user's. `unsupported` for an app where there is no FCM. */
  register(actor: Actor, device: Given): Promise<DeviceItem>
  list(actor: Actor): Promise<DeviceItem[]>
  /** `not_found` for one that is not one's own. */
  remove(actor: Actor, id: string): Promise<void>
}

/** Push services of the browsers that there are. An address anywhere else would let a user make this service write to servers of their choice. */
const PUSH_HOSTS = [
  'fcm.googleapis.com',
  'updates.push.services.mozilla.com',
  'web.push.apple.com',
  '*.push.apple.com',
  '*.notify.windows.com',
]
/** Of one user; the one registered first goes for one more. */
const MOST = 20

/** `stillSignedIn` throws where the session has ended. `hosts` are allowed beside those of browsers: names, with a port where it is not 443, or `*.` and a domain. */
export function openRegistration(needs: {
  devices: DeviceStore
  stillSignedIn: (actor: Actor) => void
  hosts: readonly string[]
  /** Called before a device becomes another user's. Resolves when that is kept. */
  moves: (device: Device, toUserId: string) => Promise<void>
  /** Whether apps may register for FCM. */
  hasFcm: boolean
  now?: () => number
}): Registration {
  const { devices, stillSignedIn, moves, hosts, hasFcm, now = Date.now } = needs
  const allowed = [...PUSH_HOSTS, ...hosts]

  function browser({ endpoint, keys }: Extract<Given, { endpoint: string }>): { id: string; address: WebPushAddress } {
    const { host } = new URL(endpoint)
    if (!allowed.some((pattern) => matches(pattern, host)))
      throw new Fault('validation.failed', 'endpoint must be of a push service that this server knows')
    if (!isPoint(keys.p256dh)) throw new Fault('validation.failed', 'keys.p256dh must be a public key on P-256')
    return { id: idOf(endpoint), address: { kind: 'webpush', endpoint, ...keys } }
  }

  function app({ token, platform, form }: Extract<Given, { kind: 'fcm' }>): { id: string; address: FcmAddress } {
    if (!hasFcm) throw new Fault('unsupported', 'This server does not push by Firebase Cloud Messaging')
    const inForm = form ?? (platform === 'web' ? 'data' : 'notification')
    return { id: idOf(`fcm ${token}`), address: { kind: 'fcm', token, platform, form: inForm } }
  }

  return {
    async register(actor, given) {
      const device: Device = {
        ...(given.kind === 'fcm' ? app(given) : browser(given)),
        userId: actor.userId,
        sessionId: actor.sessionId,
        name: given.name ?? '',
        registeredAt: now(),
        refused: 0,
      }
      const before = await devices.find(device.id)
      if (before && before.userId !== actor.userId) await moves(before, actor.userId)
      await devices.put(device, MOST)
      try {
        // Its end may have been carried out while this was written.
        stillSignedIn(actor)
      } catch (error) {
        await devices.remove(device.id, actor.userId)
        throw error
      }
      return itemOf(device, actor)
    },
    list: async (actor) => (await devices.ofUsers([actor.userId])).map((device) => itemOf(device, actor)),
    async remove({ userId }, id) {
      if (!(await devices.remove(id, userId))) throw new Fault('not_found', 'There is no such device')
    },
  }
}

const idOf = (address: string): string => createHash('sha256').update(address).digest('base64url')

const matches = (pattern: string, host: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern

const itemOf = ({ id, name, address, registeredAt, sessionId }: Device, actor: Actor): DeviceItem => ({
  id,
  kind: address.kind,
  name,
  registeredAt: new Date(registeredAt).toISOString(),
  current: sessionId === actor.sessionId,
})
