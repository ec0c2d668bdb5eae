import { type TouchEvent, useCallback, useEffect, useRef } from 'react'

/** So long a finger rests, and so far it may wander meanwhile, in pixels. */
const HOLD_MS = 450
const WANDER = 10

/** Where on the screen, in pixels. */
export interface Point {
  x: number
  y: number
}

/** Handlers for something that a resting finger acts on. Lifting it then presses nothing, and the browser's own menu stays away. */
export function useLongPress(act: (at: Point) => void) {
  const hold = useRef<Point & { timer: ReturnType<typeof setTimeout>; done: boolean }>(undefined)
  const end = useCallback(() => {
    clearTimeout(hold.current?.timer)
    hold.current = undefined
  }, [])
  useEffect(() => end, [end])
  return {
    onTouchStart({ touches }: TouchEvent) {
      end()
      const finger = touches[0]
      if (!finger || touches.length > 1) return
      const timer = setTimeout(() => {
        if (hold.current) hold.current.done = true
        act({ x: finger.clientX, y: finger.clientY })
      }, HOLD_MS)
      hold.current = { timer, x: finger.clientX, y: finger.clientY, done: false }
    },
    onTouchMove({ touches }: TouchEvent) {
      const finger = touches[0]
      const from = hold.current
      if (from && finger && Math.hypot(finger.clientX - from.x, finger.clientY - from.y) > WANDER) end()
    },
    onTouchEnd(event: TouchEvent) {
      if (hold.current?.done) event.preventDefault()
      end()
    },
    onTouchCancel: end,
    onContextMenu(event: { preventDefault(): void }) {
      if (hold.current) event.preventDefault()
    },
  }
}
