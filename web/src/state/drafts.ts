/** What was begun and not sent, for each conversation, until the page is closed or one signs out. */
export interface Drafts {
  /** Empty when nothing was begun. */
  get(conversationId: string): string
  set(conversationId: string, text: string): void
  clear(): void
}

/** No drafts yet. */
export function drafts(): Drafts {
  const kept = new Map<string, string>()
  return {
    get: (conversationId) => kept.get(conversationId) ?? '',
    set(conversationId, text) {
      if (text) kept.set(conversationId, text)
      else kept.delete(conversationId)
    },
    clear: () => kept.clear(),
  }
}
