import { CLIENT_EVENTS } from '@parley/protocol/channels'
import type { Operation } from '@parley/protocol/operation'
import { OPERATIONS } from '@parley/protocol/operations'
import { z } from 'zod'
import { EVENTS, ROUTES } from './table.ts'
import { OBJECTS, type ObjectName, type Row, type Table, WHO } from './words.ts'

export type EventName = keyof typeof CLIENT_EVENTS
/** A route or an event: what rows of the table are about. */
export type Subject = { title: string; rows: readonly Row[] } & (
  | { operation: Operation; event?: never }
  | { event: EventName; operation?: never }
)

const rowsOf = (table: Table, name: string): readonly Row[] => [table[name] ?? []].flat()

export const SUBJECTS: readonly Subject[] = [
  ...OPERATIONS.map((operation) => ({
    title: `${operation.method.toUpperCase()} ${operation.path}`,
    rows: rowsOf(ROUTES, operation.name),
    operation,
  })),
  ...(Object.keys(CLIENT_EVENTS) as EventName[]).map((event) => ({
    title: `the event ${event}`,
    rows: rowsOf(EVENTS, event),
    event,
  })),
]

const TABLE = 'test/access/table.ts'

/** What the table lacks, or has too much; each says what to write. */
export function missing(): string[] {
  const unknown = [
    ...Object.keys(ROUTES).filter((name) => !OPERATIONS.some((operation) => operation.name === name)),
    ...Object.keys(EVENTS).filter((name) => !Object.hasOwn(CLIENT_EVENTS, name)),
  ]
  return [
    ...SUBJECTS.flatMap(missingOf),
    ...unknown.map((name) => `${name} is in ${TABLE} and in no document: take it out.`),
  ]
}

function missingOf(subject: Subject): string[] {
  const { title, rows, operation } = subject
  const objects = objectsOf(subject)
  const lacking = objects.filter((object) => !rows.some((row) => row[object]))
  const holes = rows.flatMap((row) =>
    OBJECTS.flatMap((object) =>
      row[object] ? WHO.filter((who) => !row[object]![who]).map((who) => `${object}, ${who}`) : [],
    ),
  )
  if (rows.length > 0 && lacking.length === 0 && holes.length === 0) return []
  if (holes.length > 0) return [`${title}: ${TABLE} says nothing of ${holes.join('; ')}.`]
  const name = operation?.name ?? `'${subject.event}'`
  const line = lacking.map((object) => `${object}: ${cellsFor(subject, object)}`).join(', ')
  return [
    `${title} has no row for ${lacking.join(', ')} in ${TABLE}. Write one line there, for instance
    ${name}: { ${line} },
    with \`body: (at) => ({ … })\` before it where it takes one. Its words are explained in test/access/words.ts.`,
  ]
}

/** Those that a row must be there for. */
function objectsOf({ rows, operation, event }: Subject): ObjectName[] {
  const path = operation?.path ?? ''
  if (path.includes('{seq}')) return ['ownMessage', 'othersMessage', 'ownDirectMessage', 'othersDirectMessage']
  if (path.startsWith('/api/conversations/{id}')) return ['group', 'direct']
  if (path.includes('{receiverId}')) return ['group', 'direct', 'user']
  if (path.includes('{userId}') || path.includes('/users/{id}')) return ['user']
  if (path.includes('/sessions/{id}')) return ['ownSession', 'othersSession']
  if (event) {
    const said = JSON.stringify(z.toJSONSchema(CLIENT_EVENTS[event].data, { io: 'input', unrepresentable: 'any' }))
    if (said.includes('"conversationId"')) return ['group', 'direct']
    if (said.includes('"userIds"')) return ['user']
  }
  const some = OBJECTS.filter((object) => rows.some((row) => row[object]))
  return some.length > 0 ? some : ['self']
}

function cellsFor({ operation }: Subject, object: ObjectName): string {
  if (operation?.who === 'Anyone') return 'anyone()'
  if (object === 'self' || object === 'ownSession') return 'signedIn()'
  if (object === 'user') return 'visible()'
  if (object === 'othersSession') return `signedIn('not_found')`
  if (/direct/i.test(object)) return 'pair()'
  if (operation?.who === 'Owner or admin') return 'leaders()'
  return operation?.who === 'Owner' ? 'owners()' : 'members()'
}
