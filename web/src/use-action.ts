import { ParleyError } from '@parley/sdk/error'
import { useEffect, useRef, useState } from 'react'
import { explain } from './state/problems.ts'

/** Something that one does and waits for: whether it is under way, and what went wrong the last time. */
export interface Action {
  busy: boolean
  error: string | undefined
  /** Does it unless it is under way already. `failed` may take the error; what it returns is shown instead of our words. */
  run(work: () => Promise<void>, failed?: (error: unknown) => string | undefined): void
  say(error: string | undefined): void
}

/** One action of a component. Nothing is shown any more once the component is gone. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false)
  const [error, say] = useState<string>()
  const gone = useRef(false)
  useEffect(() => {
    gone.current = false
    return () => {
      gone.current = true
    }
  }, [])
  return {
    busy,
    error,
    say,
    run(work, failed = explain) {
      if (busy) return
      setBusy(true)
      say(undefined)
      work()
        .catch((thrown: unknown) => {
          // What is no refusal is a mistake of ours: the console must know.
          if (!(thrown instanceof ParleyError)) reportError(thrown)
          if (!gone.current) say(failed(thrown))
        })
        .finally(() => !gone.current && setBusy(false))
    },
  }
}
