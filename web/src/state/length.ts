/** A longer message is folded, until one asks for the rest. */
const MOST = { characters: 1_500, lines: 20 }

/** The beginning of a long message; undefined where it is shown whole. */
export function beginning(text: string): string | undefined {
  const lines = text.split('\n', MOST.lines + 1)
  const short = lines.length > MOST.lines ? lines.slice(0, MOST.lines).join('\n') : text
  // Not in the midst of a character, nor when only a little would be left.
  if (short.length <= MOST.characters * 1.2) return short === text ? undefined : short
  const cut = short.slice(0, MOST.characters)
  return cut.slice(0, Math.max(cut.search(/\S*$/u), MOST.characters - 100)).replace(/[\ud800-\udbff]$/, '')
}

/** Is it nothing but a few emoji? Such a message is shown large. */
export function isOnlyEmoji(text: string): boolean {
  return text.length <= 60 && /^(?:\p{RGI_Emoji}\s*){1,3}$/v.test(text.trim())
}
