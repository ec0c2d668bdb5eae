import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { until } from '@parley/infra/until'
import { openRecorder } from '../recorder.ts'
import { MENDED, openStandIn } from './stand-in.ts'

test('what a stand-in took is what it noted, whenever it is killed, and whether the answer left is known', {
  timeout: 60_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-stand-in-'))
  const recorder = openRecorder()
  const { server, port, tell } = await openStandIn<never>(
    { name: 'smtp', program: 'smtp.ts', seed: 1 },
    folder,
    recorder,
  )
  t.after(async () => {
    await server.kill()
    rmSync(folder, { recursive: true })
  })
  const taken = () =>
    recorder.events().flatMap((event) => (event.type === 'mailed' ? [[event.id, event.answered]] : []))
  tell(MENDED)
  assert.equal(await post(port, '<one@x>'), true)
  const before = recorder.now()
  // Its note that the answer left follows the answer.
  await until('that note', 10_000, () => taken()[0]?.[1])
  assert.deepEqual(taken(), [['<one@x>', true]])

  await server.kill()
  await server.start({ PARLEY_CRASH_AT: 'stand-in.before-note' })
  const [died] = await Promise.all([server.exited(), post(port, '<two@x>').then((done) => assert.equal(done, false))])
  assert.equal(died, 'SIGKILL')
  assert.deepEqual(taken(), [['<one@x>', true]])

  await server.start({ PARLEY_CRASH_AT: 'stand-in.after-note' })
  await Promise.all([server.exited(), post(port, '<two@x>').then((done) => assert.equal(done, false))])
  await server.start()
  assert.equal(await post(port, '<two@x>'), true, 'on the same port')
  await until('that note', 10_000, () => taken()[2]?.[1])
  assert.deepEqual(taken(), [
    ['<one@x>', true],
    ['<two@x>', false],
    ['<two@x>', true],
  ])
  const [first, second] = recorder.events()
  assert.ok(first!.at < before && before < second!.at, 'by the clock of this process')
})

/** Whether the server took a letter, as far as its sender can tell. */
async function post(port: number, id: string): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const lines = createInterface({ input: socket })
  const closed = once(socket, 'close').then(() => undefined)
  const answer = async (): Promise<string | undefined> => {
    for (;;) {
      const [line] = (await Promise.race([once(lines, 'line'), closed])) ?? []
      if (line === undefined || !/^\d{3}-/.test(line)) return line
    }
  }
  try {
    const letter = `Message-ID: ${id}\r\nDate: Mon, 1 Jan 2029 00:00:00 +0000\r\n\r\nHello\r\n.`
    let last = await answer()
    for (const line of ['HELO here', 'MAIL FROM:<parley@x.org>', 'RCPT TO:<ann@x.org>', 'DATA', letter]) {
      const next = answer()
      socket.write(`${line}\r\n`)
      last = await next
    }
    return last?.startsWith('250') ?? false
  } finally {
    socket.destroy()
  }
}
