import { mongoStore } from './mongo.ts'
import { account, session } from './store.contract.ts'

/**
 * Another process on the same database, for the tests of races and crashes. Does one job, then prints what came of it as JSON.
 * `node mongo.fixture.ts <url> register <count>`: registers "racer" that often at once.
 * `… revoke <userId> <sessionId>…`: revokes each at once.
 */
const [url, job, ...rest] = process.argv.slice(2)
await using store = await mongoStore(url!)
process.stdout.write('ready\n')
await new Promise((go) => process.stdin.once('data', go))
process.stdin.pause()
const outcomes = await Promise.all(job === 'register' ? register(Number(rest[0])) : revoke(rest[0]!, rest.slice(1)))
process.stdout.write(`${JSON.stringify(outcomes)}\n`)

function register(count: number): Promise<unknown>[] {
  return Array.from({ length: count }, (_, i) =>
    store.users.add({ ...account(`p${process.pid}-${i}`), nameKey: 'racer', id: session('').id }),
  )
}

function revoke(userId: string, ids: string[]): Promise<unknown>[] {
  return ids.map((id) => store.sessions.revoke(userId, id, 'revoked'))
}
