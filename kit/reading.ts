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
  let again = false
  let closed = false

  async function run(): Promise<void> {
    while (again && !closed) {
      again = false
      await work()
    }
  }

  return {
    read() {
      again = true
      running ??= run().finally(() => {
        running = undefined
      })
      return running
    },
    async close() {
      closed = true
      await running
    },
  }
}
