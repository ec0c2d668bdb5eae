import { deviceError } from './error.ts'
import type { Space } from './space.ts'
import { type Derived, derived } from './store.ts'
import type { Timeline, TimelineView } from './types.ts'

/** The timelines that are looked at, whoever is signed in. */
export interface Timelines {
  of(conversationId: string): Timeline
  /** The view of one conversation, or of any, changed. */
  changed(conversationId?: string): void
}

export function openTimelines(space: () => Space | undefined): Timelines {
  const views = new Map<string, { view: Derived<TimelineView>; timeline: Timeline }>()

  function make(conversationId: string): { view: Derived<TimelineView>; timeline: Timeline } {
    const view = derived(() => space()?.views.timeline(conversationId) ?? nothing(conversationId))
    const here = (): Space => {
      const current = space()
      if (!current) throw deviceError('auth.invalid', 'Nobody is signed in on this device')
      return current
    }
    const timeline: Timeline = {
      get: view.get,
      subscribe: view.subscribe,
      open: async () => here().pages.open(conversationId),
      loadOlder: async () => here().jumps.loadOlder(conversationId),
      loadNewer: async () => here().jumps.loadNewer(conversationId),
      jump: async (to) => here().jumps.jump(conversationId, to),
      toLatest: () => space()?.jumps.toLatest(conversationId),
    }
    return { view, timeline }
  }

  return {
    of(conversationId) {
      const known = views.get(conversationId) ?? make(conversationId)
      views.set(conversationId, known)
      return known.timeline
    },
    changed(conversationId) {
      if (conversationId === undefined) for (const { view } of views.values()) view.changed()
      else views.get(conversationId)?.view.changed()
    },
  }
}

const nothing = (conversationId: string): TimelineView => ({
  conversationId,
  messages: [],
  events: [],
  pending: [],
  quotes: new Map(),
  hasOlder: false,
  hasNewer: false,
  loadingNewer: false,
  loadingOlder: false,
  marks: [],
  typing: [],
})
