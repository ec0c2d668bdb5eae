import { mongoStore } from './mongo.ts'
import { account, session } from './store.contract.ts'

/**
 * Another process on the same database, for the tests of races and crashes. Does one job, then prints what came of it as JSON.
 * `node mongo.fixture.ts <url> register <count>`: registers "racer" that often at once.
 * `… revoke <userId> <sessionId>…`: revokes each at once.
 * `… reuse <userId> <sessionId>`: revokes it as one of whose token there is a copy, which its owner is to hear of.
 * `… password <userId> <before> <keep>`: sets the password hash "new".
 */
const [url, job, ...rest] = process.argv.slice(2)
await using store = await mongoStore(url!)
process.stdout.write('ready\n')
await new Promise((go) => process.stdin.once('data', go))
process.stdin.pause()
const outcomes = await Promise.all(jobs(rest))
process.stdout.write(`${JSON.stringify(outcomes)}\n`)

function jobs([first, ...others]: string[]): Promise<unknown>[] {
  if (job === 'register') return register(Number(first))
  if (job === 'password')
    return [store.users.setPassword(first!, { before: others[0]!, after: 'new', keep: others[1]! })]
  if (job === 'reuse') return [reuse(first!, others[0]!)]
  return revoke(first!, others)
}

function register(count: number): Promise<unknown>[] {
  return Array.from({ length: count }, (_, i) =>
    store.users.add({ ...account(`p${process.pid}-${i}`), nameKey: 'racer', id: session('').id }),
  )
}

function revoke(userId: string, ids: string[]): Promise<unknown>[] {
  return ids.map((id) => store.sessions.revoke(userId, id, 'revoked'))
}

function reuse(userId: string, sessionId: string): Promise<unknown> {
  const event = { id: 'reuse', userId, at: '2026-01-01T00:00:00.000Z', kind: 'session.reused' as const }
  return store.sessions.revoke(userId, sessionId, 'reused', { ...event, sessionId, device: 'laptop' })
}
