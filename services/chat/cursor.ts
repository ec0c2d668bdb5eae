import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { Fault } from '@parley/kit/fault'

/** Makes and reads opaque cursors: a position in one list of one epoch, tagged so that another list's or an invented one is refused. */
export interface Cursors {
  write(list: string, position: number): string
  /** Throws `validation.failed` for what we did not make for this list, `cursor.expired` for one of another life of the data. */
  read(list: string, cursor: string): number
  /** The same for a position that is a text without a dot. */
  writeText(list: string, position: string): string
  readText(list: string, cursor: string): string
}

/** `list` names what the position counts in and whose it is, such as `inbox:<userId>`. */
export function openCursors(key: KeyObject, epoch: string): Cursors {
  const tag = (list: string, text: string): string =>
    createHmac('sha256', key).update(`cursor\0${list}\0${text}`).digest('base64url').slice(0, 16)

  function writeText(list: string, position: string): string {
    const text = `${position}.${epoch}`
    return Buffer.from(`${tag(list, text)}.${text}`).toString('base64url')
  }

  function readText(list: string, cursor: string): string {
    const plain = Buffer.from(cursor, 'base64url').toString()
    const given = plain.slice(0, 16)
    const text = plain.slice(17)
    const expected = Buffer.from(tag(list, text))
    if (given.length !== 16 || Buffer.byteLength(given) !== 16 || !timingSafeEqual(Buffer.from(given), expected))
      throw new Fault('validation.failed', 'The cursor is not one of this list')
    const dot = text.indexOf('.')
    if (text.slice(dot + 1) !== epoch) throw expired()
    return text.slice(0, dot)
  }

  return {
    write: (list, position) => writeText(list, String(position)),
    read: (list, cursor) => Number(readText(list, cursor)),
    writeText,
    readText,
  }
}

/** What a device is told that cannot be resumed: it starts anew and keeps its outbox (P4). */
export const expired = (): Fault => new Fault('cursor.expired', 'The cursor has ended: start anew without one')
