/** A device that is registered for push. */
export interface Device {
  /** Made of its address, so that one address is one device, whoever uses it. */
  id: string
  userId: string
  /** The session that registered it: when that is over, the device is told nothing more. */
  sessionId: string
  /** How its user knows it, `Firefox on Linux`; empty where it did not say. */
  name: string
  address: WebPushAddress
  registeredAt: number
}

/** Where a browser's push service takes messages for it (RFC 8030), and the keys that they are encrypted with (RFC 8291). */
export interface WebPushAddress {
  kind: 'webpush'
  endpoint: string
  /** The browser's public key (P-256, uncompressed) and its secret, both base64url. */
  p256dh: string
  auth: string
}

export interface DeviceStore {
  /** Registers it. One that is there is written over: it is that user's from then on. Of more than `most` of one user the one registered first goes. */
  put(device: Device, most: number): Promise<void>
  /** The devices of these users, each user's in the order of registration. */
  ofUsers(userIds: readonly string[]): Promise<Device[]>
  find(id: string): Promise<Device | undefined>
  /** Removes it, if it is that user's; whether it was. */
  remove(id: string, userId: string): Promise<boolean>
  /** Removes those that this session registered. */
  removeSession(sessionId: string): Promise<void>
  forget(userId: string): Promise<void>
}
