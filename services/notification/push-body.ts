import type { PushBody, PushedMessage } from '@parley/protocol/notification'
import { isTest, type PushNote, type TestNote } from './push-note.ts'

/** How much of a message a push says: all of it, who sent it, or only that there is something. */
export const CONTENTS = ['full', 'sender', 'none'] as const
export type Content = (typeof CONTENTS)[number]

/** Cut to so many bytes as JSON, between two characters as people see them. */
export function bodyOf(note: PushNote, content: Content, bytes: number): PushedMessage
export function bodyOf(note: PushNote | TestNote, content: Content, bytes: number): PushBody
export function bodyOf(note: PushNote | TestNote, content: Content, bytes: number): PushBody {
  if (isTest(note)) return { v: 1, tag: 'test', test: note.test }
  const { conversationId, seq, count, kind, title, sender, text, because } = note
  const bare: PushedMessage = { v: 1, tag: conversationId, conversationId, seq, count }
  if (content === 'none') return bare
  const named = { ...bare, kind, ...(kind === 'group' && { title }), sender, because }
  if (content === 'sender') return named
  const room = bytes - Buffer.byteLength(JSON.stringify({ ...named, text: '' }))
  return { ...named, text: cut(text, room) }
}

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** The beginning of a text that takes no more than so many bytes as JSON, with `…` where something is left out. */
function cut(text: string, bytes: number): string {
  const size = (part: string): number => Buffer.byteLength(JSON.stringify(part)) - 2
  if (text.length <= bytes && size(text) <= bytes) return text
  let kept = ''
  let left = bytes - size('…')
  for (const { segment } of characters.segment(text.slice(0, bytes))) {
    left -= size(segment)
    if (left < 0) break
    kept += segment
  }
  return `${kept}…`
}
