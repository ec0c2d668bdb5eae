import { createClient } from '@parley/sdk'
import type { Person } from './person.ts'
import { emailOf, PASSWORD } from './person.ts'

/** Has `from` say `count` things to `to`, from another device; resolves when all are stored. */
export async function sayMuch(url: string, from: string, to: string, count: number): Promise<void> {
  const client = createClient({ url, tokens: 'body', deviceName: 'A talkative device' })
  try {
    await client.login({ email: emailOf(from), password: PASSWORD })
    client.connect()
    const person = await client.findUser(to)
    if (!person) throw new Error(`There is nobody called ${to}`)
    for (let i = 1; i <= count; i++) await client.send({ receiverId: person.id }, `History ${i}`)
    await client.settled(AbortSignal.timeout(30_000))
  } finally {
    await client.close()
  }
}

/**
 * Scrolls near the top of what is loaded and waits for older messages above it. Gives by how many pixels the topmost message
 * in view moved when they came.
 */
export async function shiftWhenOlderComes({ page }: Person): Promise<number> {
  return page.evaluate(async () => {
    const log = document.querySelector('[role=log]')
    if (!log) throw new Error('No conversation is open')
    const frame = () => new Promise((done) => requestAnimationFrame(done))
    const edge = log.getBoundingClientRect().top
    // By position in the log, not by element: the list may draw a row anew.
    const places = () =>
      [...log.querySelectorAll<HTMLElement>('[data-seq]')].map((row) => ({
        seq: row.dataset.seq,
        at: row.querySelector('article')?.getBoundingClientRect().top ?? Number.NaN,
      }))
    const look = () => ({ scrolled: log.scrollTop, top: places().find(({ at }) => at > edge) })
    // First to where nothing older is asked for yet, so that what is in view is laid out before it comes.
    log.scrollTop = 750
    for (let i = 0; i < 10; i++) await frame()
    log.scrollTop = 550
    let before = look()
    for (const deadline = performance.now() + 10_000; performance.now() < deadline; before = look()) {
      await frame()
      // A page of older messages is far higher than any correction of the place.
      if (log.scrollTop - before.scrolled < 1_000) continue
      const after = places().find(({ seq }) => seq === before.top?.seq)
      return Math.abs((after?.at ?? Number.NaN) - (before.top?.at ?? Number.NaN))
    }
    throw new Error('No older messages came')
  })
}
