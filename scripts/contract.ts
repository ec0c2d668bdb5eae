import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { asyncApi } from '@parley/protocol/asyncapi'
import { CLIENT_EVENTS, SERVER_EVENTS } from '@parley/protocol/channels'
import { openApi } from '@parley/protocol/openapi'
import { OPERATIONS } from '@parley/protocol/operations'
import type { JsonSchema } from '@parley/protocol/schemas'
import { Ajv, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Exchange } from './exchange.ts'

/** Records the HTTP exchanges and socket frames of test processes, and holds them against the documents. */
export interface Recording extends Disposable {
  /** Give these to `node` for each process that is to be recorded. */
  readonly args: string[]
  /** What was not as the documents say. With `all`, also what they say and nobody has asked or heard. */
  judge(all: boolean): { exchanges: number; problems: string[] }
}

/** Starts with an empty folder; it is removed at the end. */
export function record(): Recording {
  const folder = mkdtempSync(join(tmpdir(), 'parley-contract-'))
  const recorder = pathToFileURL(join(import.meta.dirname, 'record.ts'))
  recorder.searchParams.set('folder', folder)
  return {
    args: [`--import=${recorder.href}`],
    judge(all) {
      const judge = openJudge()
      let exchanges = 0
      // The last line of a process that was killed may be cut off.
      for (const name of existsSync(folder) ? readdirSync(folder) : [])
        for (const line of readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1)) {
          judge.hear(JSON.parse(line) as Exchange)
          exchanges++
        }
      return { exchanges, problems: [...judge.problems(), ...(all ? judge.missing() : [])] }
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Holds what was said against the documents, in which replies are closed: nothing may be there that they do not name. */
export interface Judge {
  hear(exchange: Exchange): void
  /** One line for each kind of problem. */
  problems(): string[]
  /** Operations and events that were never seen to go well. */
  missing(): string[]
}

export function openJudge(): Judge {
  const http = openApi({ closed: true })
  const socket = asyncApi({ closed: true })
  const options = { strict: false, validateFormats: false, allErrors: true }
  const coercing = new Ajv2020({ ...options, coerceTypes: true }).addSchema(http, 'http')
  const ajvs = {
    http: new Ajv2020(options).addSchema(http, 'http'),
    socket: new Ajv(options).addSchema(socket, 'socket'),
  }
  const routes = OPERATIONS.map((operation) => ({ ...operation, matches: matcher(operation.path) }))
    // Where two match, the one with fewer parameters is meant.
    .sort((one, other) => one.path.split('{').length - other.path.split('{').length)
  const compiled = new Map<string, ValidateFunction>()
  const problems = new Map<string, string>()
  const done = new Set<string>()

  /** What is wrong with a value, by the schema at that place of a document. */
  function wrong(document: 'http' | 'socket', path: string[], value: unknown): string | undefined {
    const pointer = path.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')
    const validate =
      compiled.get(`${document}#/${pointer}`) ?? ajvs[document].compile({ $ref: `${document}#/${pointer}` })
    compiled.set(`${document}#/${pointer}`, validate)
    if (validate(value)) return undefined
    return (validate.errors ?? [])
      .map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
      .slice(0, 3)
      .join('; ')
  }

  function hearHttp(exchange: Extract<Exchange, { via: 'http' }>): string | undefined {
    const { method, url, route, status, contentType, reply, body, key } = exchange
    if (method === 'OPTIONS' || status === 304) return undefined
    const asked = method === 'HEAD' ? 'get' : method.toLowerCase()
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    const operation = routes.find((one) => one.method === asked && one.matches.test(pathname))
    // Where nothing of ours is mounted, or not yet.
    if (!operation || (route === undefined && status === 404)) {
      if (route !== undefined) return `${method} ${route} is a route that no document names`
      if (status < 400) return `${method} ${pathname} was answered with ${status}, and no document names it`
      return method === 'HEAD' ? undefined : wrong('http', ['components', 'schemas', 'Problem'], JSON.parse(reply))
    }
    const what = `${operation.method.toUpperCase()} ${operation.path}`
    if (route !== undefined && !operation.path.replaceAll(/\{(\w+)\}/g, ':$1').endsWith(route === '/' ? '' : route))
      return `${what} was answered by the route ${route}`
    const place = ['paths', operation.path, operation.method]
    const said = http.paths[operation.path]![operation.method]!
    const response = said.responses[status]
    if (!response) return `${what}: ${status} is no documented status: ${reply.slice(0, 200)}`
    const type = contentType.split(';')[0]!
    if (response.content === undefined && reply !== '') return `${what}: ${status} has a body, and should have none`
    if (response.content && !(type in response.content)) return `${what}: ${status} is ${type || 'without a type'}`
    if (response.content && /[/+]json$/.test(type) && method !== 'HEAD') {
      const fault = wrong('http', [...place, 'responses', String(status), 'content', type, 'schema'], JSON.parse(reply))
      if (fault) return `${what}: the reply ${status} is not as documented: ${fault}`
    }
    if (status >= 400) return undefined
    done.add(operation.name)
    if (said.requestBody && body !== undefined) {
      const fault = wrong('http', [...place, 'requestBody', 'content', 'application/json', 'schema'], body)
      if (fault) return `${what} took a body that is not as documented: ${fault}`
    }
    const fault = wrongParameters(said.parameters ?? [], searchParams)
    if (fault) return `${what} took a query that is not as documented: ${fault}`
    if (key !== undefined && operation.method === 'post' && !operation.idempotencyKey)
      return `${what} was given an Idempotency-Key, which it does not take`
    return undefined
  }

  function wrongParameters(
    parameters: { name: string; in: string; required: boolean; schema: JsonSchema }[],
    query: URLSearchParams,
  ) {
    const inQuery = parameters.filter((parameter) => parameter.in === 'query')
    const schema = {
      type: 'object',
      properties: Object.fromEntries(inQuery.map(({ name, schema }) => [name, schema])),
      required: inQuery.filter(({ required }) => required).map(({ name }) => name),
    }
    const id = JSON.stringify(schema)
    const validate = compiled.get(id) ?? coercing.compile(schema)
    compiled.set(id, validate)
    return validate(Object.fromEntries(query)) ? undefined : coercing.errorsText(validate.errors)
  }

  function hearSocket(exchange: Exclude<Exchange, { via: 'http' }>): string | undefined {
    const { event, data } = exchange
    const place = (message: string) => ['channels', 'socket', 'messages', message, 'payload']
    if (exchange.via === 'event') {
      if (!Object.hasOwn(SERVER_EVENTS, event)) return `the server told ${event}, which no document names`
      done.add(`told ${event}`)
      const fault = wrong('socket', place(event), data)
      return fault && `${event} is not as documented: ${fault}`
    }
    if (!Object.hasOwn(CLIENT_EVENTS, event)) {
      const { ok, error } = exchange.ack as { ok: boolean; error: unknown }
      if (ok) return `${event} was served, and no document names it`
      return wrong('socket', ['components', 'schemas', 'Problem'], error)
    }
    const fault = wrong('socket', place(`${event}.ack`), exchange.ack)
    if (fault)
      return `the ack of ${event} is not as documented: ${fault} in ${JSON.stringify(exchange.ack).slice(0, 300)}`
    if (!(exchange.ack as { ok: boolean }).ok) return undefined
    done.add(`asked ${event}`)
    const badly = wrong('socket', place(`${event}.request`), data)
    return badly && `${event} was served, and was not as documented: ${badly}`
  }

  return {
    hear(exchange) {
      const problem = exchange.via === 'http' ? hearHttp(exchange) : hearSocket(exchange)
      if (problem && !problems.has(problem)) problems.set(problem, exchange.seenBy)
    },
    problems: () => [...problems].map(([problem, seenBy]) => `${problem} (${seenBy})`),
    missing: () => [
      ...OPERATIONS.filter(({ name }) => !done.has(name)).map(
        ({ method, path }) => `${method.toUpperCase()} ${path} is documented, and no test has a good answer of it`,
      ),
      ...Object.keys(CLIENT_EVENTS)
        .filter((event) => !done.has(`asked ${event}`))
        .map((event) => `${event} is documented, and no test has a good ack of it`),
      ...Object.keys(SERVER_EVENTS)
        .filter((event) => !done.has(`told ${event}`) && event !== NEVER_READ)
        .map((event) => `${event} is documented, and no test is told it`),
    ],
  }
}

/** Told to whom does not read: no stock client ever hears of it. The tests that do are those that read the bytes themselves. */
const NEVER_READ = 'slow.consumer'

const matcher = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`)
