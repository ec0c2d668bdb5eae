/**
 * Asks no more often than once in so many milliseconds: whoever asks sooner gets the last answer, also one that is still under way, or
 * the same refusal. For answers that anybody may ask for and that each cost something, as those of readiness do.
 */
export function atMostEach<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined
  let askedAt = 0
  return () => {
    const now = performance.now()
    if (answer && now - askedAt < ms) return answer
    askedAt = now
    answer = ask()
    return answer
  }
}
