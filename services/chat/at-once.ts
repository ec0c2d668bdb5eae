/** Works on all of these, at most `atOnce` at a time, beginning in their order. Rejects as soon as one does. */
export async function eachAtOnce<T>(atOnce: number, all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < all.length) await work(all[next++]!)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker))
}
