import {
  type FocusEvent,
  type KeyboardEvent,
  type RefObject,
  useCallback,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import type { Row } from '../state/rows.ts'

/** What moves among the messages, and by how many; far enough is to the first or last one. */
const STEPS: Readonly<Record<string, number>> = {
  ArrowUp: -1,
  ArrowDown: 1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
}

const REPLY = 'r'

/**
 * Among all the messages the tabulator stops at one, the last at first; from its menu button the arrow keys go on to the
 * others', and R answers it. `at` is its index, -1 when there is none.
 */
export function useTabStop(box: RefObject<HTMLElement | null>, rows: readonly Row[], onReply: (row: Row) => void) {
  const [id, setId] = useState<string>()
  /** Its button is focused as soon as it is drawn. */
  const wanted = useRef<string>(undefined)
  const known = rows.findIndex((row) => row.id === id && stops(row))
  const at = known < 0 ? rows.findLastIndex(stops) : known

  useLayoutEffect(() => {
    if (wanted.current === undefined) return
    const button = box.current?.querySelector<HTMLElement>(`[data-menu-of="${wanted.current}"]`)
    if (button) wanted.current = undefined
    button?.focus()
  })

  /** From here on the tabulator stops at that one, and the focus goes there if it is among the messages, or nowhere. */
  const stopAt = useCallback(
    (next: string) => {
      setId(next)
      const active = document.activeElement
      if (!active || active === document.body || box.current?.contains(active)) wanted.current = next
    },
    [box],
  )

  return {
    at,
    stopAt,
    focused({ target }: FocusEvent<HTMLElement>) {
      const row = target.closest<HTMLElement>('[data-message]')
      if (row) setId(row.dataset.message)
    },
    pressed(event: KeyboardEvent<HTMLElement>) {
      if (!(event.target instanceof HTMLElement) || !event.target.dataset.menuOf) return
      const step = STEPS[event.key]
      const here = rows[at]
      if (event.key.toLowerCase() === REPLY && here && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault()
        event.stopPropagation()
        return onReply(here)
      }
      if (step === undefined) return
      // Elsewhere the arrows open a menu: here Enter and the space bar do.
      event.preventDefault()
      event.stopPropagation()
      const path = step < 0 ? rows.slice(0, at).toReversed() : rows.slice(at + 1)
      const next = Number.isFinite(step) ? path.find(stops) : path.findLast(stops)
      if (!next) return
      wanted.current = next.id
      setId(next.id)
    },
  }
}

/** There is something to do with it. */
const stops = (row: Row): boolean => row.seq !== undefined && !row.deleted
