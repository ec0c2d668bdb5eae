/** Remembers that deliveries were lost until it could be told, so that devices are asked to look for them. */
export interface Losses extends Disposable {
  note(): void
}

/** Long enough for the rest of a burst, and for inboxes to hold what was lost. */
const TELL_AFTER_MS = 2_000
/** Everybody who hears of it looks: not oftener than this, or an overload would feed itself. */
const TELL_EVERY_MS = 10_000

/** `tell` is called for all losses of a while together; again, every 2 s, where it gives false. */
export function openLosses(tell: () => boolean): Losses {
  let noted = false
  let toldAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  function schedule(): void {
    const wait = Math.max(TELL_AFTER_MS, toldAt + TELL_EVERY_MS - performance.now())
    timer = setTimeout(() => {
      timer = undefined
      noted = false
      if (tell()) toldAt = performance.now()
      else noted = true
      if (noted) schedule()
    }, wait).unref()
  }

  return {
    note() {
      if (noted) return
      noted = true
      schedule()
    },
    [Symbol.dispose]() {
      noted = true // From now on nothing is noted any more.
      clearTimeout(timer)
    },
  }
}
