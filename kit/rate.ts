/** Token buckets by key: `perSecond` sustained, `burst` above it. */
export interface Rate {
  /** Takes one; or takes nothing and says how many milliseconds until there is one. 0 when taken. */
  take(key: string): number
}

/** Opens empty of keys, every bucket full. Forgets buckets that are full again, so that memory follows who is active. */
export function openRate(perSecond: number, burst: number, now: () => number = Date.now): Rate {
  const buckets = new Map<string, { tokens: number; at: number }>()
  const size = Math.max(1, burst)

  function forgetFull(at: number): void {
    for (const [key, bucket] of buckets) {
      if (bucket.tokens + ((at - bucket.at) / 1000) * perSecond >= size) buckets.delete(key)
    }
  }

  return {
    take(key) {
      const at = now()
      const bucket = buckets.get(key)
      if (!bucket) {
        if (buckets.size >= 1_000 && buckets.size % 1_000 === 0) forgetFull(at)
        buckets.set(key, { tokens: size - 1, at })
        return 0
      }
      // A clock that was set back must not drain anybody.
      bucket.tokens = Math.min(size, bucket.tokens + (Math.max(0, at - bucket.at) / 1000) * perSecond)
      bucket.at = at
      if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1000)
      bucket.tokens -= 1
      return 0
    },
  }
}
