import { type TouchEvent, useRef } from 'react'

/** So far, in pixels, and no farther to either side. */
const FAR = 64
const ASIDE = 30

type Handlers = { onTouchStart(event: TouchEvent): void; onTouchEnd(event: TouchEvent): void }

/** Handlers for something that acts when one finger draws it along the line of writing; beside those of `others`. */
export function useSwipe<H extends Handlers>(act: () => void, others: H): H {
  const from = useRef<{ x: number; y: number }>(undefined)
  return {
    ...others,
    onTouchStart(event) {
      const finger = event.touches.length === 1 ? event.touches[0] : undefined
      from.current = finger && { x: finger.clientX, y: finger.clientY }
      others.onTouchStart(event)
    },
    onTouchEnd(event) {
      const [begun, finger] = [from.current, event.changedTouches[0]]
      from.current = undefined
      others.onTouchEnd(event)
      if (!begun || !finger) return
      const forwards = getComputedStyle(event.currentTarget).direction === 'ltr' ? 1 : -1
      if ((finger.clientX - begun.x) * forwards >= FAR && Math.abs(finger.clientY - begun.y) <= ASIDE) act()
    },
  }
}
