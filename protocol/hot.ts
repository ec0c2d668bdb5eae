import type { z } from 'zod'
import { LIMITS } from './limits.ts'
import { MessageText, type Receipt, type SendMessage, type Typing, VISIBLE, wellFormed } from './requests.ts'

/**
 * The schemas of the events that come most often, written out, since each costs more as a schema than all else that is done for the event in memory.
 * Each function gives the very value that its schema in `requests.ts` would, or undefined where that refuses and says why.
 */

export function sendMessage(input: unknown): z.output<typeof SendMessage> | undefined {
  if (!isRecord(input)) return undefined
  const id = lowerId(input.id)
  if (id === undefined) return undefined
  const { conversationId, receiverId } = input
  if ((conversationId === undefined) === (receiverId === undefined)) return undefined
  const target = lowerId(conversationId ?? receiverId)
  if (target === undefined) return undefined
  const { text } = input
  if (typeof text !== 'string' || !isMessageText(text)) return undefined

  if ('replyTo' in input || 'forwarded' in input) return withExtras(input, { id, text, target })
  // A name that is there without a value stays there, as with the schema; no JSON has one.
  if (receiverId === undefined)
    return 'receiverId' in input
      ? { id, text, conversationId: target, receiverId: undefined }
      : { id, text, conversationId: target }
  return 'conversationId' in input
    ? { id, text, conversationId: undefined, receiverId: target }
    : { id, text, receiverId: target }
}

/** A message that carries more than its text, after all else of it was found right. */
function withExtras(
  input: Record<string, unknown>,
  { id, text, target }: { id: string; text: string; target: string },
): z.output<typeof SendMessage> | undefined {
  const { conversationId, receiverId, replyTo, forwarded } = input
  if (replyTo !== undefined && !isPosition(replyTo)) return undefined
  if (forwarded !== undefined && forwarded !== true) return undefined
  return {
    id,
    text,
    ...('conversationId' in input && { conversationId: conversationId === undefined ? undefined : target }),
    ...('receiverId' in input && { receiverId: receiverId === undefined ? undefined : target }),
    ...('replyTo' in input && { replyTo }),
    ...('forwarded' in input && { forwarded }),
  }
}

const isPosition = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1

/** Of `receipt.delivered` and of `receipt.read`. */
export function receipt(input: unknown): z.output<typeof Receipt> | undefined {
  if (!isRecord(input)) return undefined
  const conversationId = lowerId(input.conversationId)
  const { upToSeq } = input
  if (conversationId === undefined || typeof upToSeq !== 'number') return undefined
  return Number.isSafeInteger(upToSeq) && upToSeq >= 0 ? { conversationId, upToSeq } : undefined
}

/** Of `typing.start` and of `typing.stop`. */
export function typing(input: unknown): z.output<typeof Typing> | undefined {
  if (!isRecord(input)) return undefined
  const conversationId = lowerId(input.conversationId)
  return conversationId === undefined ? undefined : { conversationId }
}

const isRecord = (input: unknown): input is Record<string, unknown> =>
  typeof input === 'object' && input !== null && !Array.isArray(input)

/** A UTF-16 unit is at most three bytes and at most one code point: nothing up to here is too long. */
const SURELY_SHORT = Math.min(LIMITS.textCodePoints, Math.floor(LIMITS.textBytes / 3))

function isMessageText(text: string): boolean {
  if (text.length > SURELY_SHORT) return MessageText.safeParse(text).success
  if (text.includes('\0') || !wellFormed(text)) return false
  const first = text.charCodeAt(0)
  return (first > 0x20 && first < 0x7f) || VISIBLE.test(text)
}

const HYPHEN = 0x2d
const HYPHENS = [8, 13, 18, 23]
const ID_LENGTH = 36

function lowerId(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length !== ID_LENGTH) return undefined
  for (const at of HYPHENS) if (value.charCodeAt(at) !== HYPHEN) return undefined
  let hyphens = 0
  let upper = false
  for (let i = 0; i < ID_LENGTH; i++) {
    const unit = value.charCodeAt(i)
    if ((unit >= 0x30 && unit <= 0x39) || (unit >= 0x61 && unit <= 0x66)) continue
    if (unit === HYPHEN) hyphens++
    else if (unit >= 0x41 && unit <= 0x46) upper = true
    else return undefined
  }
  if (hyphens !== HYPHENS.length) return undefined
  return upper ? value.toLowerCase() : value
}
