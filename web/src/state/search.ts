import { foldText } from '@parley/protocol/fold'
import type { SearchItem } from '@parley/protocol/search'
import { parseSearch, QUERY_CODE_POINTS, type SearchQuery } from '@parley/protocol/search-query'
import type { PublicUser } from '@parley/protocol/user'
import { writable } from '@parley/sdk/store'
import type { ConversationView, ParleyClient, Readable } from '@parley/sdk/types'
import { titled } from './titles.ts'

/** What the one search box shows: conversations that are known here at once, people and messages as the server finds them. */
export interface SearchView {
  /** As typed. */
  q: string
  /** Folded: what is marked in titles and names. */
  terms: readonly string[]
  conversations: readonly ConversationView[]
  people: readonly PublicUser[]
  messages: {
    phase: 'idle' | 'loading' | 'ready' | 'failed'
    items: readonly SearchItem[]
    more: boolean
    /** The index is still being made. */
    behind: boolean
    error: unknown
  }
}

export interface SearchBox extends Readable<SearchView> {
  type(q: string): void
  /** One more page of messages; also again after a failure. */
  more(): Promise<void>
  close(): void
}

const PAUSE_MS = 250
const MOST = 5
/** A page may have few or none although there is more: so many pages are asked for until there are as many as fill the place. */
const PAGES = 5
const ENOUGH = 8
const NO_MESSAGES: SearchView['messages'] = { phase: 'idle', items: [], more: false, behind: false, error: undefined }
const NOTHING: SearchView = { q: '', terms: [], conversations: [], people: [], messages: NO_MESSAGES }

/** Opens empty. `pauseMs`: the server is asked once the writing pauses for so long. */
export function openSearchBox(
  client: Pick<ParleyClient, 'conversations' | 'people' | 'search' | 'searchUsers'>,
  meId: string,
  pauseMs = PAUSE_MS,
): SearchBox {
  const view = writable<SearchView>(NOTHING)
  let timer: ReturnType<typeof setTimeout> | undefined
  let cursor: string | undefined
  /** Answers to what was asked before this are late. */
  let asked = {}

  function change(some: Partial<SearchView>): void {
    view.set({ ...view.get(), ...some })
  }
  const changeMessages = (some: Partial<SearchView['messages']>): void =>
    change({ messages: { ...view.get().messages, ...some } })

  function type(q: string): void {
    clearTimeout(timer)
    asked = {}
    cursor = undefined
    const query = parseSearch(q)
    const terms = termsOf(query)
    if (q.trim() === '') {
      view.set({ ...NOTHING, q })
      return
    }
    const plain = isPlain(query)
    const conversations =
      plain && terms.length > 0
        ? titled(client.conversations.get(), terms, client.people.get(), meId).slice(0, MOST)
        : []
    change({ q, terms, conversations, people: [], messages: { ...NO_MESSAGES, phase: 'loading' } })
    const mine = asked
    timer = setTimeout(() => {
      void more()
      const prefix = query.terms.join(' ')
      if (!plain || [...prefix].length < 2) return
      client.searchUsers(prefix).then(
        (people) => mine === asked && change({ people: people.slice(0, MOST) }),
        () => undefined,
      )
    }, pauseMs)
  }

  async function more(): Promise<void> {
    const mine = asked
    const { q } = view.get()
    changeMessages({ phase: 'loading', error: undefined })
    try {
      for (let pages = 1, added = 0; ; pages++) {
        const page = await client.search(cut(q), cursor === undefined ? {} : { cursor })
        if (mine !== asked) return
        cursor = page.nextCursor
        const items = [...view.get().messages.items, ...page.items]
        added += page.items.length
        const goOn = added < ENOUGH && cursor !== undefined && pages < PAGES
        const phase = goOn ? 'loading' : 'ready'
        changeMessages({ phase, items, more: cursor !== undefined, behind: page.behind })
        if (!goOn) return
      }
    } catch (error) {
      if (mine === asked) changeMessages({ phase: 'failed', error })
    }
  }

  return {
    get: view.get,
    subscribe: view.subscribe,
    type,
    more,
    close() {
      clearTimeout(timer)
      asked = {}
    },
  }
}

const termsOf = (query: SearchQuery): string[] =>
  query.terms.map((term) => foldText(term).trim()).filter((term) => term !== '')

/** Without operators: then people and conversations are looked for, too. */
const isPlain = ({ from, in: within, before, after, has }: SearchQuery): boolean =>
  from.length + within.length + has.length === 0 && before === undefined && after === undefined

const cut = (q: string): string => [...q].slice(0, QUERY_CODE_POINTS).join('')
