import type { Person } from './person.ts'

/** One row of a conversation as the page shows it. */
export interface Line {
  id: string
  seq: number
  text: string
}

/**
 * What the page shows of the open conversation above `afterSeq`, from the top down, as a reader who scrolls through it would
 * see it (only the rows near the window are in the document). Rejects when a row stands twice or out of order.
 */
export async function transcript({ page }: Person, afterSeq: number): Promise<Line[]> {
  return page.evaluate(async (after) => {
    const log = document.querySelector('[role=log]')
    if (!log) throw new Error('No conversation is open')
    const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
    const seen = new Map<number, { id: string; seq: number; text: string }>()
    const look = (): number => {
      const rows = [...log.querySelectorAll<HTMLElement>('[data-seq]')]
      const lines = rows.map((row) => ({
        id: row.dataset.message ?? '',
        seq: Number(row.dataset.seq),
        text: row.querySelector('[dir=auto]')?.textContent ?? '',
        top: row.getBoundingClientRect().top,
      }))
      lines.sort((a, b) => a.top - b.top)
      for (const [i, { id, seq, text }] of lines.entries()) {
        const before = lines[i - 1]
        if (before && before.seq >= seq) throw new Error(`${seq} stands below ${before.seq}`)
        if (lines.some((line) => line.seq !== seq && line.id === id)) throw new Error(`${id} stands twice`)
        if (seen.get(seq) && seen.get(seq)?.id !== id) throw new Error(`Two messages are ${seq}`)
        if (seq > after) seen.set(seq, { id, seq, text })
      }
      return lines[0]?.seq ?? 0
    }
    log.scrollTop = log.scrollHeight
    await drawn()
    // At the top for a moment is not at the beginning: older messages may be on their way.
    const deadline = performance.now() + 20_000
    while (look() > after + 1) {
      if (performance.now() > deadline) throw new Error(`No messages came before ${look()}`)
      log.scrollTop -= log.clientHeight / 2
      await drawn()
    }
    log.scrollTop = log.scrollHeight
    await drawn()
    look()
    return [...seen.values()].sort((a, b) => a.seq - b.seq)
  }, afterSeq)
}

/** The newest stored message that the page shows. */
export async function lastSeq({ page }: Person): Promise<number> {
  return page.evaluate(() =>
    Math.max(0, ...[...document.querySelectorAll<HTMLElement>('[data-seq]')].map((row) => Number(row.dataset.seq))),
  )
}
