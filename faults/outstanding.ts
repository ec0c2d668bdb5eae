/**
 * What each device has sent and got no answer for, oldest first. A repeat over another path may only be of a message that is
 * answered, or that is the oldest: otherwise the harness itself would reorder what a device sends.
 */
export interface Outstanding {
  sent(lane: string, id: string): void
  answered(id: string): void
  /** Refused for good: it must never be sent again, or it would come after what was sent since. */
  refused(id: string): void
  mayRepeat(lane: string, id: string): boolean
  isAnswered(id: string): boolean
}

export function openOutstanding(): Outstanding {
  const done = new Set<string>()
  const over = new Set<string>()
  const lanes = new Map<string, Set<string>>()
  return {
    sent(lane, id) {
      const ids = lanes.get(lane) ?? new Set()
      lanes.set(lane, ids)
      ids.add(id)
    },
    answered: (id) => void done.add(id),
    refused(id) {
      done.add(id)
      over.add(id)
    },
    isAnswered: (id) => done.has(id) && !over.has(id),
    mayRepeat(lane, id) {
      if (over.has(id)) return false
      for (const open of lanes.get(lane) ?? []) {
        if (!done.has(open)) return open === id || done.has(id)
        lanes.get(lane)!.delete(open)
      }
      return true
    },
  }
}
