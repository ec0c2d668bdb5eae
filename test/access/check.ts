import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FAULT_STATUS, type Problem } from '@parley/protocol/fault'
import type { Operation } from '@parley/protocol/operation'
import type { Ack } from '@parley/protocol/socket'
import { ask } from '../http.ts'
import { newPerson } from '../person.ts'
import { anonymousDevice, makeScene, type Scene, type Town } from './scene.ts'
import { type EventName, missing, SUBJECTS, type Subject } from './subjects.ts'
import { type Answer, type At, NOT_THERE, OBJECTS, type ObjectName, type Row, WHO, type Who } from './words.ts'

/** Everybody asks for everything, of a Parley that serves by the time the tests run: as many lines of the table at once as it has `towns`. */
export function accessHolds(towns: readonly (() => Town)[]): void {
  test('every route and every event has its rows in the table, and each row all its cells', () => {
    const lines = missing()
    assert.ok(lines.length === 0, lines.join('\n'))
  })

  const free = [...towns]
  describe('everybody is answered as the table says', { concurrency: towns.length }, () => {
    for (const subject of SUBJECTS)
      for (const row of subject.rows)
        for (const object of OBJECTS) {
          if (!row[object]) continue
          const title = `${subject.title}${row.as ? `, ${row.as}` : ''}, of ${object}`
          test(title, async () => {
            const town = free.pop()!
            try {
              await rowHolds(town(), subject, row, object)
            } finally {
              free.push(town)
            }
          })
        }
  })
}

/** Those who are refused ask for the same one, since it stays as it is; whoever changes it gets one of their own. */
async function rowHolds(town: Town, subject: Subject, row: Row, object: ObjectName): Promise<void> {
  const cells = row.only === undefined || row.only === town.shape ? row[object]! : NOT_THERE
  const together = row.harmless || subject.operation?.method === 'get'
  const alone = (who: Who): boolean => !together && (cells[who] === 'ok' || cells[who] === 'nothing')
  const shared = WHO.filter((who) => !alone(who))
  if (shared.length > 0) {
    const scene = await makeScene(town, object, shared)
    const asking = await Promise.all(shared.map((who) => atOf(town, scene, row, who)))
    const refused = asking.filter(({ who }) => cells[who] !== 'ok')
    const before = await scene.state(refused)
    for (const at of refused) await cellHolds(town, subject, row, at, scene.nowhere(at), cells[at.who])
    assert.deepEqual(await scene.state(refused), before, 'who is refused changes nothing')
    for (const at of asking)
      if (!refused.includes(at)) await cellHolds(town, subject, row, at, scene.nowhere(at), cells[at.who])
  }
  for (const who of WHO.filter(alone)) {
    const scene = await makeScene(town, object, [who])
    const at = await atOf(town, scene, row, who)
    await cellHolds(town, subject, row, at, scene.nowhere(at), cells[who])
  }
}

async function atOf(town: Town, scene: Scene, row: Row, who: Who): Promise<At> {
  const at = scene.at(who)
  if (row.lastAct) {
    const me = await newPerson(town.url, 'leaving')
    Object.assign(at, { me, ...(at.sessionId === at.me.sessionId && { sessionId: me.sessionId, token: me.token }) })
  }
  return { ...at, ...(await row.given?.(at)) }
}

async function cellHolds(
  town: Town,
  subject: Subject,
  row: Row,
  at: At,
  nowhere: At | undefined,
  expected: Answer,
): Promise<void> {
  const asked = (one: At) =>
    subject.operation ? request(town, subject.operation, row, one) : event(town, subject.event, row, one)
  const got = await asked(at)
  const where = `${at.who} is answered ${JSON.stringify(got)}`
  if (expected !== 'ok' && expected !== 'nothing') {
    const code = expected === 'absent' ? 'not_found' : expected
    assert.deepEqual([got.status, got.code], [FAULT_STATUS[code], code], where)
  } else {
    const good = subject.operation ? Object.keys(subject.operation.replies).filter((status) => status < '400') : ['200']
    assert.ok(good.includes(String(got.status)), where)
  }
  if (!nowhere || !COMPARED.includes(expected)) return
  const ofNothing = await asked(nowhere)
  if (expected === 'ok') assert.notDeepEqual(got, ofNothing, `${at.who} gets what one gets of what does not exist`)
  else assert.deepEqual(got, ofNothing, `${at.who} can tell it from what does not exist`)
}

/** The answers that say something of whether there is such a thing. */
const COMPARED: readonly Answer[] = ['ok', 'nothing', 'not_found']

/** Whatever one might tell something by, but what is another in every answer. */
interface Said {
  status: number
  code?: string | undefined
  body: unknown
  headers?: string[]
}

const UNTOLD = new Set(['requestId', 'retryAfterMs', 'indexedUpTo'])
const told = (body: unknown): unknown =>
  JSON.parse(JSON.stringify(body ?? null, (name, value) => (UNTOLD.has(name) ? undefined : value)))

async function request({ url }: Town, { method, path }: Operation, row: Row, at: At): Promise<Said> {
  const parameters: Record<string, string> = { ...parametersOf(path, at), ...row.path?.(at) }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(
      parameters[name] ?? (at as unknown as Record<string, string>)[name] ?? assert.fail(`what is ${name} of ${path}?`),
    ),
  )
  const query = row.query ? `?${new URLSearchParams(row.query(at))}` : ''
  const reply = await ask<unknown>(url + filled + query, method.toUpperCase(), {
    ...(at.who !== 'anonymous' && { token: at.me.token }),
    ...(row.body && { body: row.body(at) }),
  })
  const body = told(reply.body)
  return { status: reply.status, code: (body as Problem | null)?.code, body, headers: [...reply.headers.keys()] }
}

function parametersOf(path: string, at: At): Record<string, string> {
  const id = path.includes('/sessions/') ? at.sessionId : path.includes('/users/') ? at.userId : at.conversationId
  return { id, userId: at.userId, receiverId: at.conversationId, seq: String(at.seq), emoji: '👍' }
}

async function event(town: Town, name: EventName, row: Row, at: At): Promise<Said> {
  const ack = await (at.who === 'anonymous' ? refusedSocket(town) : acknowledged(town, name, row, at))
  if (ack.ok) return { status: 200, body: told(ack.data) }
  return { status: ack.error.status, code: ack.error.code, body: told(ack.error) }
}

const acknowledged = async (town: Town, name: EventName, row: Row, at: At): Promise<Ack<unknown>> =>
  (await town.device(at.me)).ask<unknown>(name, row.body?.(at))

/** Who does not say who they are gets no socket, and can say nothing over it. */
const refusedSocket = async ({ url }: Town): Promise<Ack<unknown>> => ({
  ok: false,
  error: (await anonymousDevice(url)) as Problem,
})
