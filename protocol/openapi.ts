import { FAULT_STATUS, type FaultCode } from './fault.ts'
import type { Operation } from './operation.ts'
import { OPERATIONS } from './operations.ts'
import { ANYWHERE, Problem } from './problem.ts'
import { type JsonSchema, type Schemas, writeSchemas } from './schemas.ts'
import { VERSION } from './version.ts'

/** The document of the HTTP interface (OpenAPI 3.1), as far as its readers here use it. */
export interface OpenApi {
  openapi: string
  info: { title: string; version: string; description: string }
  paths: Record<string, Record<string, PathOperation>>
  components: { schemas: Record<string, JsonSchema>; securitySchemes: object }
  [more: string]: unknown
}

export interface PathOperation {
  operationId: string
  tags: string[]
  summary: string
  description?: string
  /** Whom it serves, in words. */
  'x-who': string
  parameters?: Parameter[]
  requestBody?: { required: boolean; content: Content }
  responses: Record<string, { description: string; content?: Content }>
  [more: string]: unknown
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  description?: string
  schema: JsonSchema
}

type Content = Record<string, { schema: JsonSchema }>

/** Writes the document from the list of operations. `closed` is for tests: see `Form`. */
export function openApi({ closed = false } = {}): OpenApi {
  const schemas = writeSchemas({ target: 'draft-2020-12', closed })
  const paths: OpenApi['paths'] = {}
  for (const operation of OPERATIONS) {
    paths[operation.path] ??= {}
    paths[operation.path]![operation.method] = describe(operation, schemas)
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Parley',
      version: VERSION,
      description:
        'Accounts, conversations and messages. What happens meanwhile is told over the socket: see `/asyncapi.json`. Replies may gain fields: bear with those you do not know.',
      ...LICENSE,
    },
    servers: [{ url: '/' }],
    tags: [...new Set(OPERATIONS.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: schemas.usedBy(paths),
      securitySchemes: {
        accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        refreshCookie: { type: 'apiKey', in: 'cookie', name: 'parley_refresh' },
      },
    },
  }
}

const LICENSE = { license: { name: 'MIT', identifier: 'MIT' } }

const SECURITY = {
  Anyone: [],
  // The refresh token may be in the body, too.
  'Holder of a refresh token': [{ refreshCookie: [] }, {}],
  other: [{ accessToken: [] }],
}

function describe(operation: Operation, schemas: Schemas): PathOperation {
  const { name, tag, summary, description, who, body } = operation
  const parameters = parametersOf(operation, schemas)
  return {
    operationId: name,
    tags: [tag],
    summary,
    ...(description && { description }),
    'x-who': who,
    security: who === 'Anyone' || who === 'Holder of a refresh token' ? SECURITY[who] : SECURITY.other,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: !operation.bodyOptional, content: json(schemas.of(body, 'input')) } }),
    responses: { ...repliesOf(operation, schemas), ...refusalsOf(operation, schemas) },
  }
}

/** Those that are no ids. */
const IN_PATH: Record<string, JsonSchema> = {
  code: { type: 'string', pattern: '^[A-Za-z0-9_-]{64}$' },
  seq: { type: 'integer', minimum: 1 },
  emoji: { type: 'string', description: 'One emoji, percent-encoded' },
}

const json = (schema: JsonSchema): Content => ({ 'application/json': { schema } })

function parametersOf({ path, query, idempotencyKey }: Operation, schemas: Schemas): Parameter[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(
    ([, name]): Parameter => ({
      name: name!,
      in: 'path',
      required: true,
      schema: IN_PATH[name!] ?? { type: 'string', format: 'uuid' },
      ...(name === 'receiverId' && { description: 'A user, or a group' }),
    }),
  )
  const { properties = {}, required = [] } = query ? schemas.inline(query, 'input') : {}
  // The limits of a query are the same wherever it is used, so it is written out and not named.
  const inQuery = Object.entries(properties).map(
    ([name, schema]): Parameter => ({ name, in: 'query', required: required.includes(name), schema }),
  )
  const key: Parameter = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description: 'Made by the client, new for each thing it means to make',
    schema:
      idempotencyKey === 'UUID'
        ? { type: 'string', format: 'uuid' }
        : { type: 'string', pattern: '^[\\x21-\\x7e]{1,200}$' },
  }
  return [...inPath, ...inQuery, ...(idempotencyKey ? [key] : [])]
}

function repliesOf({ replies }: Operation, schemas: Schemas): PathOperation['responses'] {
  return Object.fromEntries(
    Object.entries(replies).map(([status, reply]) => {
      if (reply === null) return [status, { description: 'Done' }]
      if (typeof reply === 'string')
        return [
          status,
          {
            description: 'The document',
            content: { [reply]: { schema: reply === 'application/json' ? {} : { type: 'string' } } },
          },
        ]
      return [status, { description: GOOD[status] ?? 'Done', content: json(schemas.of(reply, 'output')) }]
    }),
  )
}

const GOOD: Record<string, string> = { 201: 'Made', 503: 'A part is down' }

/** One response for each status, with the codes it may have. */
function refusalsOf({ faults = [], replies }: Operation, schemas: Schemas): PathOperation['responses'] {
  const byStatus = Map.groupBy(new Set<FaultCode>([...faults, ...ANYWHERE]), (code) => FAULT_STATUS[code])
  return Object.fromEntries(
    [...byStatus]
      .sort(([one], [other]) => one - other)
      .filter(([status]) => !(status in replies))
      .map(([status, codes]) => {
        const schema = { allOf: [schemas.of(Problem, 'output'), { properties: { code: { enum: codes } } }] }
        return [status, { description: codes.join(', '), content: { 'application/problem+json': { schema } } }]
      }),
  )
}
