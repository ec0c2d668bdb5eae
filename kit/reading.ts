/** Something that is read again and again, one reading at a time. */
export interface Reading {
  /** Reads what is there now, or once more after the reading that is under way: resolves when one has ended that began after the call. */
  read(): Promise<void>
  /** Starts no reading any more, and resolves when none is under way. */
  close(): Promise<void>
}

/** `work` is one reading; what it rejects with, whoever waits for it is told. */
export function openReading(work: () => Promise<void>): Reading {
  let running: Promise<void> | undefined
  /** The one that comes after it, for all who have asked since that began. */
  let following: Promise<void> | undefined
  let closed = false

  function begin(): Promise<void> {
    following = undefined
    if (closed) return Promise.resolve()
    running = work().finally(() => {
      running = undefined
    })
    return running
  }

  return {
    read() {
      if (running) following ??= running.then(begin, begin)
      return following ?? begin()
    },
    async close() {
      closed = true
      await (following ?? running)
    },
  }
}
