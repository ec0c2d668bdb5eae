import { CHANGE_KINDS, type Draft } from '../store.ts'
import { bytesOfWords, idBytes, wordsOfHash, wordsOfId } from './bytes.ts'
import type { Head, Heads } from './heads.ts'
import { MARK_WIDTH, type MarkRequest, type Round } from './round.ts'
import { bodyOf } from './rows.ts'

/** The numbers of an append, by their places. An id is four words of 32 bits; a hash is its length in bytes and up to eight. */
const AT = {
  kind: 0,
  conversation: 1,
  sender: 2,
  membersRev: 3,
  body: 4,
  id: 5,
  hashBytes: 9,
  hash: 10,
  extras: 18,
} as const
export const APPEND_WIDTH = 19
const KINDS: readonly Draft['kind'][] = ['message', ...CHANGE_KINDS]

/** Packs what waits into a round. All ids and hashes must have been found to be such. */
export function packRound(
  appends: readonly { request: Draft }[],
  marks: readonly { request: MarkRequest }[],
  commands: Round['commands'],
): Round {
  const places = new Map<string, number>()
  const place = (id: string): number => {
    const known = places.get(id)
    if (known !== undefined) return known
    places.set(id, places.size)
    return places.size - 1
  }
  const packedAppends = new Float64Array(appends.length * APPEND_WIDTH)
  let bodies = ''
  let n = 0
  for (const { request: draft } of appends) {
    const body = bodyOf(draft)
    bodies += body
    packedAppends[n + AT.kind] = KINDS.indexOf(draft.kind)
    packedAppends[n + AT.conversation] = place(draft.conversationId)
    packedAppends[n + AT.sender] = place(draft.senderId)
    packedAppends[n + AT.membersRev] = draft.kind === 'created' ? 0 : draft.membersRev
    packedAppends[n + AT.body] = body.length
    if (draft.kind === 'message' && draft.extras) {
      const extras = JSON.stringify(draft.extras)
      bodies += extras
      packedAppends[n + AT.extras] = extras.length
    }
    wordsOfId(draft.id, packedAppends, n + AT.id)
    packedAppends[n + AT.hashBytes] = draft.contentHash.length / 2
    wordsOfHash(draft.contentHash, packedAppends, n + AT.hash)
    n += APPEND_WIDTH
  }
  const packedMarks = new Float64Array(marks.length * MARK_WIDTH)
  n = 0
  for (const { request: mark } of marks) {
    packedMarks[n++] = place(mark.conversationId)
    packedMarks[n++] = place(mark.userId)
    packedMarks[n++] = mark.deliveredSeq ?? -1
    packedMarks[n++] = mark.readSeq ?? -1
  }
  return { ids: [...places.keys()], appends: packedAppends, bodies, marks: packedMarks, commands }
}

/** One append, as the writer reads it. */
export interface Append {
  kind: Draft['kind']
  conversationId: string
  /** The next append overwrites these bytes. */
  id: Uint8Array
  sender: Uint8Array
  hash: Uint8Array
  body: string
  /** Of a message that carries something besides its text, as JSON; else empty. */
  extras: string
  membersRev: number
}

/** Reads a round: looks each of its conversations up once. */
export class Packed {
  readonly #round: Round
  readonly #known: Heads
  readonly #heads: (Head | undefined)[] = []
  readonly #bytes: Uint8Array[] = []
  #bodyAt = 0

  constructor(round: Round, heads: Heads) {
    this.#round = round
    this.#known = heads
  }

  get marks(): Float64Array {
    return this.#round.marks
  }

  /** How many appends there are. */
  get count(): number {
    return this.#round.appends.length / APPEND_WIDTH
  }

  /** The head of the conversation with that place. */
  head(place: number): Head | undefined {
    this.#heads[place] ??= this.#known.find(this.id(place))
    return this.#heads[place]
  }

  id(place: number): string {
    return this.#round.ids[place]!
  }

  bytes(place: number): Uint8Array {
    this.#bytes[place] ??= idBytes(this.id(place))
    return this.#bytes[place]
  }

  /** The appends in their order, with the heads of their conversations. */
  *appends(): Generator<[head: Head | undefined, append: Append]> {
    const { appends } = this.#round
    for (let n = 0; n < appends.length; n += APPEND_WIDTH) {
      const conversation = appends[n + AT.conversation]!
      yield [this.head(conversation), this.#append(n, conversation)]
    }
  }

  #append(n: number, conversation: number): Append {
    const { appends, bodies } = this.#round
    const from = this.#bodyAt
    const to = from + appends[n + AT.body]!
    this.#bodyAt = to + appends[n + AT.extras]!
    bytesOfWords(appends, n + AT.id, ID)
    const hashBytes = appends[n + AT.hashBytes]!
    bytesOfWords(appends, n + AT.hash, LONG_HASH)
    return {
      kind: KINDS[appends[n + AT.kind]!]!,
      conversationId: this.id(conversation),
      id: ID,
      sender: this.bytes(appends[n + AT.sender]!),
      hash: hashBytes === HASH.length ? HASH : LONG_HASH.subarray(0, hashBytes),
      body: bodies.slice(from, to),
      extras: this.#bodyAt === to ? '' : bodies.slice(to, this.#bodyAt),
      membersRev: appends[n + AT.membersRev]!,
    }
  }
}

const ID = new Uint8Array(16)
const LONG_HASH = new Uint8Array(32)
/** As most hashes are. */
const HASH = LONG_HASH.subarray(0, 16)
