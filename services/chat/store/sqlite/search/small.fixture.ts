import { sqliteStore } from '../../sqlite.ts'
import type { ChatStore } from '../../store.ts'

export const SMALL_SEGMENT = 64

/** A store whose index has small segments, so that a test fills many. */
export const smallStore = (path: string): Promise<ChatStore> => sqliteStore(path, { searchSegment: SMALL_SEGMENT })
