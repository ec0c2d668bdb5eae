import { foldText } from '@parley/protocol/fold'
import { foldName } from '@parley/protocol/fold-name'
import { isFoundBy, wordsOf } from '@parley/protocol/name-words'
import type { PublicUser } from '@parley/protocol/user'
import { writable } from '@parley/sdk/store'
import type { ParleyClient, Person, Readable } from '@parley/sdk/types'
import { strings } from '../strings.ts'
import { otherOf } from './people.ts'
import { explain, isAway } from './problems.ts'

/** Who is found by what one has written of a name: those who are known here at once, then those whom the server finds. */
export interface FinderView {
  /** As typed. */
  written: string
  /** Folded: what is marked in the names. */
  terms: readonly string[]
  /** Contacts, whom one talks with, whom one shares a group with, in this order; who is called exactly so comes first. */
  known: readonly PublicUser[]
  /** The others. They keep their places while more is written and when an answer comes. */
  found: readonly PublicUser[]
  /** `idle`: too little is written to ask the server. */
  phase: 'idle' | 'asking' | 'ready' | 'failed'
  error: unknown
}

export interface Finder extends Readable<FinderView> {
  write(text: string): void
  close(): void
}

type Needs = Pick<ParleyClient, 'connection' | 'contacts' | 'conversations' | 'people' | 'searchUsers'>

const PAUSE_MS = 250
/** The server takes no fewer characters, and no more. */
const LEAST = 2
const LONGEST = 128
/** So many are kept of those who are known; far fewer are shown. */
const KNOWN = 50
const NOTHING: FinderView = { written: '', terms: [], known: [], found: [], phase: 'idle', error: undefined }

/** Opens empty. `pauseMs`: the server is asked once the writing pauses for so long, and again when it could not be reached and now can. */
export function openFinder(client: Needs, meId: string, pauseMs = PAUSE_MS): Finder {
  const view = writable(NOTHING)
  let timer: ReturnType<typeof setTimeout> | undefined
  /** Answers to what was asked before this are late. */
  let asked = {}

  function write(written: string): void {
    clearTimeout(timer)
    asked = {}
    const q = wantedName(written)
    if (q === '') {
      view.set({ ...NOTHING, written })
      return
    }
    const known = whoIsKnown(client, meId)
      .filter((person) => isFoundBy(person, q))
      .sort((a, b) => Number(isCalled(b, q)) - Number(isCalled(a, q)))
      .slice(0, KNOWN)
    const found = without(view.get().found, known).filter((person) => isFoundBy(person, q))
    const asks = [...q].length >= LEAST
    view.set({ written, terms: termsOf(q), known, found, phase: asks ? 'asking' : 'idle', error: undefined })
    if (asks) timer = setTimeout(ask, pauseMs)
  }

  function ask(): void {
    const mine = asked
    const q = [...wantedName(view.get().written)].slice(0, LONGEST).join('')
    view.set({ ...view.get(), phase: 'asking', error: undefined })
    client.searchUsers(q).then(
      (answer) => {
        if (mine !== asked) return
        const { known, found: before } = view.get()
        const ids = new Set(answer.map(({ id }) => id))
        const stay = before.filter(({ id }) => ids.has(id))
        const found = [...stay, ...without(answer, [...known, ...stay])]
        view.set({ ...view.get(), found, phase: 'ready' })
      },
      (error: unknown) => {
        if (mine === asked) view.set({ ...view.get(), phase: 'failed', error })
      },
    )
  }

  const unsubscribe = client.connection.subscribe(() => {
    if (view.get().phase === 'failed' && client.connection.get() === 'live') ask()
  })

  return {
    get: view.get,
    subscribe: view.subscribe,
    write,
    close() {
      clearTimeout(timer)
      asked = {}
      unsubscribe()
    },
  }
}

/** The name that is meant: user names are shown with an `@`, which none has. */
export const wantedName = (written: string): string => written.trim().replace(/^@/, '')

const termsOf = (q: string): string[] => [...new Set([foldText(q), ...wordsOf(q)])]

const isCalled = ({ username }: PublicUser, q: string): boolean => foldName(username) === foldName(q)

/** Those who are known here, each once, the nearest first; nobody who is blocked or has deleted the account. */
function whoIsKnown({ contacts, conversations, people }: Needs, meId: string): PublicUser[] {
  const { friends, incoming, outgoing, blocked } = contacts.get()
  const all = conversations.get()
  const directs = all.flatMap((one) => otherOf(one, meId) ?? [])
  const fellows = all.flatMap(({ members = [] }) => members.map(({ userId }) => userId))
  const near = [...friends, ...incoming, ...outgoing].map(({ userId }) => userId)
  const ids = new Set([...near, ...directs, ...fellows])
  for (const { userId } of blocked) ids.delete(userId)
  return [...ids].flatMap((id) => personIn(people.get().get(id)))
}

const personIn = (person: Person | undefined): PublicUser[] =>
  person && !person.deleted && person.username !== '' ? [person] : []

const without = (some: readonly PublicUser[], others: readonly PublicUser[]): PublicUser[] =>
  some.filter(({ id }) => !others.some((one) => one.id === id))

/** So many are offered at once, and of those who are known so many before the others. */
const MOST = 8
const NEAR = 5

/** Who is offered, the nearest first, without those who are passed over. Nobody in the list moves when more are found. */
export function offered({ known, found }: FinderView, passOver: (person: PublicUser) => boolean): PublicUser[] {
  const near = known.filter((person) => !passOver(person)).slice(0, NEAR)
  return [...near, ...found.filter((person) => !passOver(person))].slice(0, MOST)
}

/** What is said beside those who are offered. */
export function noteOf({ phase, error, known, found }: FinderView, count: number): string | undefined {
  const words = strings.people
  switch (phase) {
    case 'idle':
      return undefined
    case 'asking':
      return words.searching
    case 'failed':
      return isAway(error) ? words.away : explain(error)
    case 'ready':
      if (count > 0) return undefined
      return known.length + found.length > 0 ? words.noneElse : words.none
    default:
      return phase satisfies never
  }
}
