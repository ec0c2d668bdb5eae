import type { DatabaseSync } from 'node:sqlite'
import type { Write } from '@parley/kit/sqlite/writer'
import type { Device, DeviceStore } from './devices.ts'
import type { Writes } from './sqlite-writes.ts'

/** A new step of the schema. */
export const DEVICES_STEP = `
  CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    registered_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX devices_user ON devices (user_id, registered_at, id);
  CREATE INDEX devices_session ON devices (session_id);`

/** A further one. */
export const REFUSED_STEP = 'ALTER TABLE devices ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;'

/** The statements that read, each by an index. */
export const DEVICE_READS = {
  ofUser: 'SELECT * FROM devices WHERE user_id = ? ORDER BY registered_at, id',
  find: 'SELECT * FROM devices WHERE id = ?',
} as const

type Row = Record<string, unknown>

/** The writes, for the writer's thread. */
export function deviceWrites(db: DatabaseSync) {
  const put = db.prepare(
    `INSERT OR REPLACE INTO devices (id, user_id, session_id, name, address, registered_at, refused)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const bound = db.prepare(
    `DELETE FROM devices WHERE id IN
       (SELECT id FROM devices WHERE user_id = ? ORDER BY registered_at DESC, id DESC LIMIT -1 OFFSET ?)`,
  )
  const remove = db.prepare('DELETE FROM devices WHERE id = ? AND user_id = ?')
  const count = db.prepare('UPDATE devices SET refused = refused + 1 WHERE id = ? AND user_id = ? RETURNING refused')
  const accept = db.prepare('UPDATE devices SET refused = 0 WHERE id = ?')
  const removeSession = db.prepare('DELETE FROM devices WHERE session_id = ?')
  const forget = db.prepare('DELETE FROM devices WHERE user_id = ?')
  return {
    putDevice({ id, userId, sessionId, name, address, registeredAt, refused }: Device, most: number): void {
      put.run(id, userId, sessionId, name, JSON.stringify(address), registeredAt, refused)
      bound.run(userId, most)
    },
    removeDevice: (id: string, userId: string): boolean => remove.run(id, userId).changes === 1,
    refusedDevice(id: string, userId: string, most: number): boolean {
      const refused = Number(count.get(id, userId)?.refused ?? 0)
      return refused >= most && remove.run(id, userId).changes === 1
    },
    acceptedDevice: (id: string): void => void accept.run(id),
    removeDevicesOfSession: (sessionId: string): void => void removeSession.run(sessionId),
    forgetDevices: (userId: string): void => void forget.run(userId),
  }
}

/** The devices in the file that `db` reads and `write` writes. */
export function sqliteDevices(db: DatabaseSync, write: Write<Writes>): DeviceStore {
  const ofUser = db.prepare(DEVICE_READS.ofUser)
  const find = db.prepare(DEVICE_READS.find)
  return {
    put: (device, most) => write('putDevice', device, most),
    ofUsers: async (userIds) => userIds.flatMap((userId) => ofUser.all(userId).map(deviceOf)),
    async find(id) {
      const row = find.get(id)
      return row && deviceOf(row)
    },
    remove: (id, userId) => write('removeDevice', id, userId),
    refused: (id, userId, most) => write('refusedDevice', id, userId, most),
    accepted: (id) => write('acceptedDevice', id),
    removeSession: (sessionId) => write('removeDevicesOfSession', sessionId),
    forget: (userId) => write('forgetDevices', userId),
  }
}

const deviceOf = (row: Row): Device => ({
  id: String(row.id),
  userId: String(row.user_id),
  sessionId: String(row.session_id),
  name: String(row.name),
  address: JSON.parse(String(row.address)) as Device['address'], // as the write above wrote it
  registeredAt: Number(row.registered_at),
  refused: Number(row.refused),
})
