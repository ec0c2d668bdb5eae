import type { DatabaseSync } from 'node:sqlite'
import type { ChangeRow } from '../rows.ts'
import { all, one, READS } from '../statements.ts'
import { senderGram } from './cut.ts'
import { GATHERED_MAX, Gathered } from './gathered.ts'
import type { IndexFile, Segment } from './index-file.ts'

/** Work that is done in steps of a few milliseconds each, between which others have their turn. */
export type Steps = Generator<void, void>

const CHANGES_AT_ONCE = 500
/** So many changes are looked through before what they ask for is done, so that a segment is not made again for each. */
const CHANGE_PAGES = 20
/** A segment is made again when it has so many runs that are small: each costs a search a look more. */
const [SMALL_RUNS, SMALL_RUN] = [8, 48]
/** As many texts as are gathered at once, however long they are. */
const EDITED_MOST = 64
const MESSAGES_AT_ONCE = 256
/** Long texts are gathered in more steps than that. */
const GRAMS_AT_ONCE = 100_000

/** Brings an index up to the log: the changes of messages that it has, then each segment that the log has filled. */
export function openIndexer(log: DatabaseSync, file: IndexFile) {
  const lastMessage = one<{ pos: number | null }>(log, 'lastMessagePos')
  const lastChange = one<{ pos: number | null }>(log, 'lastChangePos')
  const changesAfter = all<ChangeRow & { conversation_id: Uint8Array }>(log, 'changesAfter')
  const messagePos = one<{ pos: number }>(log, 'messagePos')
  const texts = log.prepare(READS.searchTexts)
  // An object for each row, with a name for each column, costs more than the read.
  texts.setReturnArrays(true)
  const { size } = file

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

  /** Makes a segment of what the log has now. */
  function* seal(number: number): Steps {
    const first = number * size
    const conversations = new Uint32Array(size)
    const gathered = new Gathered(size)
    let [firstAt, lastAt] = [Number.MAX_SAFE_INTEGER, 0]
    let pauseAt = GRAMS_AT_ONCE
    const writing = file.begin(number)
    try {
      for (let from = first; from < first + size; from += MESSAGES_AT_ONCE) {
        const to = Math.min(from + MESSAGES_AT_ONCE, first + size) - 1
        for (const [pos, conversation, sender, at, text] of texts.all(from, to) as unknown as TextRow[]) {
          const place = pos - first
          conversations[place] = conversation
          firstAt = Math.min(firstAt, at)
          lastAt = Math.max(lastAt, at)
          gathered.at(place)
          gathered.addText(text)
          gathered.add(senderGram(sender))
          if (gathered.length >= GATHERED_MAX) {
            yield
            gathered.take(writing.block)
            writing.endRun()
            pauseAt = 0
          }
          if (gathered.length >= pauseAt) {
            yield
            pauseAt = gathered.length + GRAMS_AT_ONCE
          }
        }
        yield
      }
      gathered.take(writing.block)
      yield
      writing.end({ conversations, firstAt, lastAt })
    } finally {
      writing.stop()
    }
  }

  /**
   * A segment with a message that was deleted is made again, since nobody knows which grams the text had. One with messages that
   * were edited gets those of the present texts beside the others, until there are many such runs.
   */
  function* followChanges(): Steps {
    for (;;) {
      const edited = new Map<number, Set<number>>()
      const again = new Set<number>()
      let upTo = file.changes
      for (let pages = 0; pages < CHANGE_PAGES; pages++) {
        const rows = changesAfter(upTo, CHANGES_AT_ONCE)
        for (const row of rows) {
          if (row.kind !== 'message.edited' && row.kind !== 'message.deleted') continue
          const pos = messagePos(row.conversation_id, (JSON.parse(row.body) as { seq: number }).seq)?.pos
          // What has no segment yet is read as it is then.
          if (pos === undefined || pos >= file.sealed * size) continue
          const segment = Math.floor(pos / size)
          if (row.kind === 'message.deleted') again.add(segment)
          else edited.set(segment, (edited.get(segment) ?? new Set()).add(pos))
        }
        upTo = rows.at(-1)?.pos ?? upTo
        yield
        if (rows.length < CHANGES_AT_ONCE) break
      }
      if (upTo === file.changes) return
      for (const [number, positions] of edited) {
        const segment = file.segment(number)
        if (!segment || positions.size > EDITED_MOST || smallRunsOf(segment) >= SMALL_RUNS) again.add(number)
        if (segment && !again.has(number)) yield* addEdited(number, segment, positions)
      }
      for (const number of again) yield* seal(number)
      // Before it is said to be done, so that whoever goes on after a crash does it.
      if (again.size > 0) file.forget()
      file.showed(upTo)
    }
  }

  function* addEdited(number: number, segment: Segment, positions: ReadonlySet<number>): Steps {
    const gathered = new Gathered(size)
    const writing = file.begin(number, segment)
    try {
      for (const pos of [...positions].sort((a, b) => a - b)) {
        for (const [, , , , text] of texts.all(pos, pos) as unknown as TextRow[]) {
          gathered.at(pos - number * size)
          gathered.addText(text)
        }
        yield
      }
      gathered.take(writing.block)
      writing.end(segment)
    } finally {
      writing.stop()
    }
  }

  return { last, isBehind, work }
}

const smallRunsOf = ({ runs }: Segment): number => runs.filter(({ length }) => length < SMALL_RUN).length

type TextRow = [pos: number, conversation: number, sender: string, at: number, text: string]
