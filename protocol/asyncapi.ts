import { ANY_EVENT, CLIENT_EVENTS, type ClientEvent, SERVER_EVENTS, type ServerEvent } from './channels.ts'
import { Problem } from './problem.ts'
import { type JsonSchema, type Schemas, writeSchemas } from './schemas.ts'
import { VERSION } from './version.ts'

/** The document of the socket's events (AsyncAPI 3), as far as its readers here use it. */
export interface AsyncApi {
  asyncapi: string
  channels: { socket: { messages: Record<string, Message> } & Record<string, unknown> }
  components: { schemas: Record<string, JsonSchema> } & Record<string, unknown>
  [more: string]: unknown
}

interface Message {
  name: string
  title: string
  summary?: string
  payload: JsonSchema
}

/**
 * Writes the document from the lists of events: what a client sends is received here, and answered by an ack. The messages are
 * named after the event, with `.request` and `.ack` behind it for what clients send. `closed` is for tests: see `Form`.
 */
export function asyncApi({ closed = false } = {}): AsyncApi {
  // What AsyncAPI 3 takes without a schema format of its own.
  const schemas = writeSchemas({ target: 'draft-07', closed })
  const asked = Object.entries<ClientEvent>(CLIENT_EVENTS)
  const told = Object.entries<ServerEvent>(SERVER_EVENTS)
  const messages = Object.fromEntries([
    ...asked.flatMap(([name, event]) => [
      [`${name}.request`, requestOf(name, event, schemas)],
      [`${name}.ack`, ackOf(name, event, schemas)],
    ]),
    ...told.map(([name, event]) => [name, eventOf(name, event, schemas)]),
  ]) as Record<string, Message>
  const socket = { $ref: '#/channels/socket' }
  const message = (name: string) => ({ $ref: `#/channels/socket/messages/${name}` })
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Parley',
      version: VERSION,
      description:
        'Socket.IO 4, by WebSocket or polling. Everything that is told is a hint, the log is the truth: an entry whose `rev` is not the next is fetched with `sync`. Events may gain fields.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: {
      here: {
        host: 'localhost:3000',
        protocol: 'ws',
        security: [{ $ref: '#/components/securitySchemes/accessToken' }],
      },
    },
    channels: {
      socket: {
        address: '/socket.io/',
        description:
          'Connect with `auth: {token}` and the query `p=<partition>` that log-in tells. Wait for `hello`. Each event that a client sends is acknowledged exactly once.',
        messages,
      },
    },
    operations: Object.fromEntries([
      ...asked.map(([name]) => [
        `receive.${name}`,
        {
          action: 'receive',
          channel: socket,
          messages: [message(`${name}.request`)],
          reply: { channel: socket, messages: [message(`${name}.ack`)] },
        },
      ]),
      ...told.map(([name]) => [`send.${name}`, { action: 'send', channel: socket, messages: [message(name)] }]),
    ]),
    components: {
      schemas: schemas.usedBy(messages),
      securitySchemes: { accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  }
}

const requestOf = (name: string, { summary, data }: ClientEvent, schemas: Schemas): Message => ({
  name,
  title: name,
  summary,
  payload: schemas.of(data, 'input'),
})

function ackOf(name: string, { ack, faults }: ClientEvent, schemas: Schemas): Message {
  const goods = (Array.isArray(ack) ? ack : [ack]).map((schema) => schemas.of(schema, 'output'))
  const codes = [...new Set([...faults, ...ANY_EVENT])]
  return {
    name,
    title: `Ack of ${name}`,
    payload: {
      anyOf: [
        {
          type: 'object',
          required: ['ok', 'data'],
          properties: { ok: { const: true }, data: goods.length === 1 ? goods[0]! : { anyOf: goods } },
        },
        {
          type: 'object',
          required: ['ok', 'error'],
          properties: {
            ok: { const: false },
            error: { allOf: [schemas.of(Problem, 'output'), { properties: { code: { enum: codes } } }] },
          },
        },
      ],
    },
  }
}

const eventOf = (name: string, { summary, data, last }: ServerEvent, schemas: Schemas): Message => ({
  name,
  title: name,
  summary: last ? `${summary} The socket is closed after this.` : summary,
  payload: schemas.of(data, 'output'),
})
