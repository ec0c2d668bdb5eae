import type { DatabaseSync } from 'node:sqlite'
import { crashPoint } from '@parley/kit/crash'
import { gramsOf, senderGram } from '../../grams.ts'
import { idOf } from '../bytes.ts'
import type { ChangeRow, MessageRow } from '../rows.ts'
import { all, one } from '../statements.ts'
import type { IndexFile } from './index-file.ts'
import { packPlaces, unpackPlaces } from './postings.ts'

/** Work that is done in steps of a few milliseconds each, between which others have their turn. */
export type Steps = Generator<void, void>

const CHANGES_AT_ONCE = 500
const MESSAGES_AT_ONCE = 256
const ROWS_AT_ONCE = 1_000

/** Brings an index up to the log: the changes of messages that it has, then each segment that the log has filled. */
export function openIndexer(log: DatabaseSync, file: IndexFile) {
  const lastMessage = one<{ pos: number | null }>(log, 'lastMessagePos')
  const lastChange = one<{ pos: number | null }>(log, 'lastChangePos')
  const changesAfter = all<ChangeRow & { conversation_id: Uint8Array }>(log, 'changesAfter')
  const messagePos = one<{ pos: number }>(log, 'messagePos')
  const message = one<MessageRow & { conversation: number }>(log, 'searchMessage')
  const messages = all<MessageRow & { conversation: number }>(log, 'searchRange')
  const { writer, size } = file
  const begin = writer.prepare('BEGIN IMMEDIATE')
  const commit = writer.prepare('COMMIT')
  const insert = writer.prepare('INSERT INTO postings (segment, gram, places) VALUES (?, ?, ?)')
  const insertSegment = writer.prepare(
    'INSERT INTO segments (number, conversations, first_at, last_at) VALUES (?, ?, ?, ?)',
  )
  const get = writer.prepare('SELECT places FROM postings WHERE segment = ? AND gram = ?')
  const put = writer.prepare(
    'INSERT INTO postings (segment, gram, places) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET places = excluded.places',
  )
  const remove = writer.prepare('DELETE FROM postings WHERE segment = ? AND gram = ?')
  const allOf = writer.prepare('SELECT gram, places FROM postings WHERE segment = ?')

  /** The log's last position. */
  const last = (): number => Math.max(lastMessage()?.pos ?? 0, lastChange()?.pos ?? 0)

  /** Whether there is a change that the index does not show, or a segment that could be sealed. */
  const isBehind = (): boolean => file.changes < (lastChange()?.pos ?? 0) || (file.sealed + 1) * size - 1 <= last()

  /** Everything there is to do, in steps. What was not committed when it is left is done again. */
  function* work(): Steps {
    yield* followChanges()
    while ((file.sealed + 1) * size - 1 <= last()) {
      yield* seal(file.sealed)
      yield* followChanges()
    }
  }

  /** In one transaction, and the counters with it. */
  function* transaction(steps: () => Steps): Steps {
    const { sealed, changes } = file
    begin.run()
    try {
      yield* steps()
      file.save()
      crashPoint('search.before-commit')
      commit.run()
    } catch (error) {
      Object.assign(file, { sealed, changes })
      throw error
    } finally {
      if (writer.isTransaction) writer.exec('ROLLBACK')
    }
  }

  function* seal(number: number): Steps {
    const first = number * size
    const conversations = new Uint32Array(size)
    const places = new Map<string, number[]>()
    let [firstAt, lastAt] = [Number.MAX_SAFE_INTEGER, 0]
    for (let from = first; from < first + size; from += MESSAGES_AT_ONCE) {
      const to = Math.min(from + MESSAGES_AT_ONCE, first + size) - 1
      for (const { pos, conversation, sender, at, text, expires } of messages(from, to)) {
        firstAt = Math.min(firstAt, at)
        lastAt = Math.max(lastAt, at)
        // What disappears has no place in an index, from which it could not be taken out in time.
        if (text === '' || expires !== null) continue
        const place = pos - first
        conversations[place] = conversation
        const note = (gram: string): void => {
          const known = places.get(gram)
          if (known) known.push(place)
          else places.set(gram, [place])
        }
        for (const gram of gramsOf(text)) note(gram)
        note(senderGram(idOf(sender)))
      }
      yield
    }
    const grams = [...places.keys()].sort()
    yield
    yield* transaction(function* () {
      for (const [n, gram] of grams.entries()) {
        insert.run(number, gram, packPlaces(places.get(gram)!, size))
        if (n % ROWS_AT_ONCE === 0) yield
      }
      insertSegment.run(number, new Uint8Array(conversations.buffer), firstAt, lastAt)
      file.sealed = number + 1
    })
  }

  /** Of a message in a segment: the grams of its present text are added when it was edited, and all are taken out when it was deleted. */
  function* followChanges(): Steps {
    for (;;) {
      const rows = changesAfter(file.changes, CHANGES_AT_ONCE)
      if (rows.length === 0) return
      const edited = new Map<number, Set<number>>()
      const deleted = new Map<number, Set<number>>()
      for (const row of rows) {
        if (row.kind !== 'message.edited' && row.kind !== 'message.deleted') continue
        const pos = messagePos(row.conversation_id, (JSON.parse(row.body) as { seq: number }).seq)?.pos
        // What has no segment yet is read as it is then.
        if (pos === undefined || pos >= file.sealed * size) continue
        const segment = Math.floor(pos / size)
        const group = row.kind === 'message.edited' ? edited : deleted
        group.set(segment, (group.get(segment) ?? new Set()).add(pos - segment * size))
      }
      yield* transaction(function* () {
        for (const [segment, places] of edited) {
          for (const place of places) addText(segment, place)
          yield
        }
        for (const [segment, places] of deleted) {
          yield
          takeOut(segment, places)
        }
        file.changes = rows.at(-1)!.pos
      })
      // What was there must not stay readable in the log file beside the index either.
      if (deleted.size > 0) writer.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      yield
    }
  }

  function addText(segment: number, place: number): void {
    const row = message(segment * size + place)
    const text = row?.expires === null ? row.text : ''
    if (text === '') return
    for (const gram of gramsOf(text)) {
      const known = get.get(segment, gram)
      const places = known ? unpackPlaces(known.places as Uint8Array) : []
      if (places.includes(place)) continue
      places.push(place)
      put.run(
        segment,
        gram,
        packPlaces(
          places.sort((a, b) => a - b),
          size,
        ),
      )
    }
  }

  /** Which grams a deleted text had is known no more: so the whole segment is looked through. */
  function takeOut(segment: number, gone: ReadonlySet<number>): void {
    for (const { gram, places } of allOf.all(segment) as { gram: string; places: Uint8Array }[]) {
      const before = unpackPlaces(places)
      const after = before.filter((place) => !gone.has(place))
      if (after.length === before.length) continue
      if (after.length === 0) remove.run(segment, gram)
      else put.run(segment, gram, packPlaces(after, size))
    }
  }

  return { last, isBehind, work }
}
