/** A device that is registered for push. */
export interface Device {
  /** Made of its address, so that one address is one device, whoever uses it. */
  id: string
  userId: string
  /** The session that registered it: when that is over, the device is told nothing more. */
  sessionId: string
  /** How its user knows it, `Firefox on Linux`; empty where it did not say. */
  name: string
  address: WebPushAddress | FcmAddress
  registeredAt: number
  /** Pushes in a row that were refused, where that may be for the device's sake. */
  refused: number
}

/** Where a browser's push service takes messages for it (RFC 8030), and the keys that they are encrypted with (RFC 8291). */
export interface WebPushAddress {
  kind: 'webpush'
  endpoint: string
  /** The browser's public key (P-256, uncompressed) and its secret, both base64url. */
  p256dh: string
  auth: string
}

/** An app to which Firebase Cloud Messaging carries messages. */
export interface FcmAddress {
  kind: 'fcm'
  /** The registration token: a secret, since whoever has it and the operator's account may push there. */
  token: string
  platform: 'android' | 'ios' | 'web'
  /** `notification`: the system shows what comes while the app is not in use. `data`: the app is woken, and shows it itself. */
  form: 'notification' | 'data'
}

export interface DeviceStore {
  /** Registers it. One that is there is written over: it is that user's from then on. Of more than `most` of one user the one registered first goes. */
  put(device: Device, most: number): Promise<void>
  /** The devices of these users, each user's in the order of registration. */
  ofUsers(userIds: readonly string[]): Promise<Device[]>
  find(id: string): Promise<Device | undefined>
  /** Removes it, if it is that user's; whether it was. */
  remove(id: string, userId: string): Promise<boolean>
  /** Counts one more that was refused for it in a row, if it is that user's; from `most` on it is removed, and then this is true. */
  refused(id: string, userId: string, most: number): Promise<boolean>
  /** Those that were refused count no more. */
  accepted(id: string): Promise<void>
  /** Removes those that this session registered. */
  removeSession(sessionId: string): Promise<void>
  forget(userId: string): Promise<void>
}
