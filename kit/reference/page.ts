import type { AsyncApi } from '@parley/protocol/asyncapi'
import { CLIENT_EVENTS, SERVER_EVENTS } from '@parley/protocol/channels'
import { FAULT_STATUS } from '@parley/protocol/fault'
import type { OpenApi, Parameter, PathOperation } from '@parley/protocol/openapi'
import { ANYWHERE } from '@parley/protocol/problem'
import type { JsonSchema } from '@parley/protocol/schemas'
import { type Html, html, prose } from '../html.ts'
import { fieldsOf, kindOf, schemaAnchor } from './schema.ts'

type Named = Readonly<Record<string, JsonSchema>>
type Listed = PathOperation & { method: string; path: string }

/** The documents as one page to read: no script, nothing from elsewhere. */
export function page(http: OpenApi, socket: AsyncApi): string {
  const operations = Object.entries(http.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Listed => ({ ...operation, method, path })),
  )
  const chapters = [...Map.groupBy(operations, ({ tags }) => tags[0] ?? '')]
  const schemas = { ...socket.components.schemas, ...http.components.schemas }
  const named = Object.entries(schemas).sort(([one], [other]) => one.localeCompare(other))
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Parley: reference</title>
<link rel="stylesheet" href="/docs/reference.css">
</head>
<body>
<a class="skip" href="#content">To the content</a>
<nav aria-label="Contents">
<p class="brand"><a href="#start">Parley</a> <span>${http.info.version}</span></p>
<ul><li><a href="#start">Start here</a></li><li><a href="#refusals">Refusals</a></li></ul>
${chapters.map(([tag, all]) => html`<h2>${tag}</h2><ul>${all.map(link)}</ul>`)}
<h2>Socket: a client says</h2><ul>${Object.keys(CLIENT_EVENTS).map((name) => html`<li><a href="#says-${name}">${name}</a></li>`)}</ul>
<h2>Socket: the server tells</h2><ul>${Object.keys(SERVER_EVENTS).map((name) => html`<li><a href="#tells-${name}">${name}</a></li>`)}</ul>
<h2>Schemas</h2><ul>${named.map(([name]) => html`<li><a href="#${schemaAnchor(name)}">${name}</a></li>`)}</ul>
</nav>
<main id="content">
${introduction(http)}
${chapters.map(([tag, all]) => html`<section><h2>${tag}</h2>${all.map((one) => operation(one, schemas))}</section>`)}
<section><h2>Socket: what a client says</h2>
<p>Each event takes an acknowledgement and gets exactly one: <code>{"ok": true, "data": …}</code>, or <code>{"ok": false, "error": …}</code> with a <a href="#${schemaAnchor('Problem')}">Problem</a>.</p>
${Object.entries(CLIENT_EVENTS).map(([name, { summary, faults }]) => said(name, summary, faults, socket))}</section>
<section><h2>Socket: what the server tells</h2>
<p>Told to all devices that may know of it. What is ephemeral may be lost; of the rest, <code>sync</code> finds what was.</p>
${Object.entries(SERVER_EVENTS).map(([name, event]) => told(name, 'ephemeral' in event, socket))}</section>
<section><h2>Schemas</h2>${named.map(schema)}</section>
</main>
</body>
</html>
`
  return document.html
}

const link = ({ operationId, summary }: Listed): Html => html`<li><a href="#${operationId}">${summary}</a></li>`

function introduction({ info }: OpenApi): Html {
  return html`<section id="start"><h1>Parley’s interfaces</h1>
<p class="lead">${prose(info.description)}</p>
<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1) and <a href="/asyncapi.json">asyncapi.json</a> (AsyncAPI 3).</p>
<h3>Sign in</h3>
<p><a href="#register">Make an account</a>, then <a href="#logIn">log in</a>. Send the token of the reply with each request, and <a href="#refresh">refresh</a> it before it ends.</p>
<pre><code>curl http://localhost:3000/api/user/login \\
  -H 'Content-Type: application/json' \\
  -d '{"email": "john@example.com", "password": "securePass123", "tokens": "body"}'

curl http://localhost:3000/api/messages/send \\
  -H 'Authorization: Bearer eyJhbGciOiJFZERTQSIs…' \\
  -H 'Content-Type: application/json' \\
  -d '{"receiverId": "0198f3c2-7a51-7c3e-9d0e-5f1b2a3c4d5e", "message": "Hello there!"}'</code></pre>
<h3>Hear</h3>
<p>With any client of Socket.IO 4. Wait for <a href="#tells-hello">hello</a>, then <a href="#says-sync">sync</a>: what the socket tells is a hint, the log is the truth.</p>
<pre><code>const socket = io('http://localhost:3000', { auth: { token }, query: { p: partition } })
socket.on('message.new', ({ sender, text }) =&gt; console.log(sender, text))</code></pre>
<h3>Repeat</h3>
<p>A send is repeated with the same <code>id</code> until it is answered: it is stored once, and each answer is the first. Other requests that make something take <code>Idempotency-Key</code>; with the same key, other content is refused with <code>idempotency.mismatch</code>. Log-in makes a session each time; all else does no harm when it is repeated.</p>
<h3>Pages</h3>
<p>Lists give <code>nextCursor</code> and <code>prevCursor</code> where there is more. Cursors are opaque. One that has ended is refused with <code>cursor.expired</code>: start anew without it.</p>
</section>
<section id="refusals"><h2>Refusals</h2>
<p>All have one shape, over HTTP (<code>application/problem+json</code>, RFC 9457) and in acknowledgements: <a href="#${schemaAnchor('Problem')}">Problem</a>. Programs act on <code>code</code> and <code>retryable</code>. What one may not see is answered as what is not there.</p>
<div class="wide"><table><thead><tr><th>Code</th><th>Status</th></tr></thead><tbody>${Object.entries(FAULT_STATUS).map(
    ([code, status]) => html`<tr><td><code>${code}</code></td><td>${status}</td></tr>`,
  )}</tbody></table></div></section>`
}

function operation(listed: Listed, schemas: Named): Html {
  const { method, path, operationId, summary, description, parameters = [], requestBody, responses } = listed
  const good = Object.entries(responses).filter(([status]) => status < '400' || !refusal(status, listed))
  const codes = Object.entries(responses)
    .filter(([status]) => refusal(status, listed))
    .flatMap(([, { description }]) => description.split(', '))
    .filter((code) => !ANYWHERE.some((anywhere) => anywhere === code))
  return html`<article id="${operationId}"><h3>${summary}</h3>
<p class="call"><span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code> <span class="who">${listed['x-who']}</span></p>
${description && html`<p>${prose(description)}</p>`}
${parametersOf(parameters)}
${requestBody && part(requestBody.required ? 'Body' : 'Body, optional', requestBody.content['application/json']!.schema, schemas)}
${good.map(([status, { content }]) => {
  const [type, reply] = Object.entries(content ?? {})[0] ?? []
  if (!reply) return html`<h4>${status}</h4><p>No body.</p>`
  return reply.schema.$ref || reply.schema.properties
    ? part(status, reply.schema)
    : html`<h4>${status}</h4><p><code>${type ?? ''}</code></p>`
})}
${refusals(codes)}</article>`
}

const refusal = (status: string, { responses }: Listed): boolean =>
  'application/problem+json' in (responses[status]?.content ?? {})

function parametersOf(parameters: Parameter[]): Html | undefined {
  if (parameters.length === 0) return undefined
  const places = Map.groupBy(parameters, (parameter) => parameter.in)
  return html`${[...places].map(
    ([place, all]) =>
      html`<h4>${PLACES[place]}</h4>${fieldsOf({
        properties: Object.fromEntries(
          all.map(({ name, schema, description = schema.description }) => [
            name,
            { ...schema, ...(description && { description }) },
          ]),
        ),
        required: all.filter(({ required }) => required).map(({ name }) => name),
      })}`,
  )}`
}

const PLACES: Record<Parameter['in'], string> = { path: 'In the path', query: 'Query', header: 'Header' }

/** A schema under a title, written out where it has a name of its own too. */
function part(title: string, schema: JsonSchema, schemas: Named = {}): Html {
  const meant = schemas[schema.$ref?.slice(schema.$ref.lastIndexOf('/') + 1) ?? ''] ?? schema
  return html`<h4>${title}${schema.$ref !== undefined && html` ${kindOf(schema)}`}</h4>${fieldsOf(meant)}`
}

const refusals = (codes: readonly string[]): Html | false =>
  codes.length > 0 && html`<p class="refusals">Refused with ${codes.map((code) => html`<code>${code}</code> `)}</p>`

function said(name: string, summary: string, faults: readonly string[], socket: AsyncApi): Html {
  const { messages } = socket.channels.socket
  const good = messages[`${name}.ack`]!.payload.anyOf?.[0]?.properties?.data
  return html`<article id="says-${name}"><h3><code>${name}</code></h3><p>${prose(summary)}</p>
${part('Data', messages[`${name}.request`]!.payload, socket.components.schemas)}
${good && html`<h4>Acknowledged with ${kindOf(good)}</h4>${fieldsOf(good)}`}
${refusals(faults)}</article>`
}

function told(name: string, ephemeral: boolean, { channels, components }: AsyncApi): Html {
  const { summary, payload } = channels.socket.messages[name]!
  return html`<article id="tells-${name}"><h3><code>${name}</code>${ephemeral && html` <span class="who">Ephemeral</span>`}</h3>
<p>${prose(summary)}</p>${part('Data', payload, components.schemas)}</article>`
}

function schema([name, schema]: [string, JsonSchema]): Html {
  const body = fieldsOf(schema) ?? html`<p>${schema.properties ? 'Has no fields.' : kindOf(schema)}</p>`
  return html`<article id="${schemaAnchor(name)}"><h3>${name}</h3>${schema.description && html`<p>${prose(schema.description)}</p>`}${body}</article>`
}
