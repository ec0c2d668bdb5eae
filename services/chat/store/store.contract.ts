import type { TestContext } from 'node:test'
import { amendmentsContract } from './contract/amendments.ts'
import { changesContract } from './contract/changes.ts'
import { departuresContract } from './contract/departures.ts'
import { eventsContract } from './contract/events.ts'
import { expiryContract } from './contract/expiry.ts'
import { extrasContract } from './contract/extras.ts'
import { inboxContract } from './contract/inbox.ts'
import { logContract } from './contract/log.ts'
import { marksContract } from './contract/marks.ts'
import { ownContract } from './contract/own.ts'
import { peopleContract } from './contract/people.ts'
import { plansContract } from './contract/plans.ts'
import { presenceContract } from './contract/presence.ts'
import { readsContract } from './contract/reads.ts'
import { relayContract } from './contract/relay.ts'
import { searchContract } from './contract/search.ts'
import { settingsContract } from './contract/settings.ts'
import { unreadContract } from './contract/unread.ts'
import type { ChatStore } from './store.ts'

/** What a store supplies to be tested. Everything it opens for a test it closes after that test. */
export type OpenStore = (t: TestContext, options?: OpenOptions) => Promise<OpenedStore>

export interface OpenOptions {
  /** Appends that may wait for a commit, instead of `LIMITS.appendQueue`. */
  appendQueue?: number
  /** Milliseconds after which a node without a heartbeat is dead, instead of 15 s. */
  leaseMs?: number
  /** Entries of the log in a part of the search index, where the store has such parts. */
  searchSegment?: number
}

export interface OpenedStore {
  /** On data of its own, empty at first. */
  store: ChatStore
  /** Closes every handle on the data and opens it again, as a restart does. */
  reopen(): Promise<ChatStore>
  /** A further handle on the same data, as another process has it. Only where the store allows several processes. */
  another?(): Promise<ChatStore>
  /** How a child process opens the same data: `(await import(module))[factory](address)`. */
  child: { module: string; factory: string; address: string }
  /** The plan of every read that the store makes, taken on the data as they are now. */
  explainReads(): Promise<ReadPlan[]>
  /** Resolves when the search index shows all that was committed before. */
  indexed(): Promise<void>
  /** Whether any message has this gram (three characters, or what a word has of them at its end) in the search index. */
  isIndexed(gram: string): Promise<boolean>
}

/** How the database would carry out one read. */
export interface ReadPlan {
  /** Names the read in a failure. */
  read: string
  /** It goes by an index (or a key), and never through all rows of a collection. */
  indexed: boolean
  /** It sorts rows that no index has in order. */
  sorts: boolean
  /** In the database's words. */
  plan: string
}

/** What every chat store promises (`store.ts`), as tests. */
export function chatStoreContract(name: string, open: OpenStore): void {
  logContract(name, open)
  changesContract(name, open)
  amendmentsContract(name, open)
  extrasContract(name, open)
  eventsContract(name, open)
  expiryContract(name, open)
  readsContract(name, open)
  relayContract(name, open)
  marksContract(name, open)
  unreadContract(name, open)
  settingsContract(name, open)
  ownContract(name, open)
  inboxContract(name, open)
  presenceContract(name, open)
  peopleContract(name, open)
  departuresContract(name, open)
  searchContract(name, open)
  plansContract(name, open)
}
