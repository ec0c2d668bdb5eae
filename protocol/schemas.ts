import { z } from 'zod'
import * as problems from './problem.ts'
import * as replies from './replies.ts'
import * as requests from './requests.ts'

/** JSON Schema, as far as the documents and the page that shows them use it. */
export interface JsonSchema {
  $ref?: string
  type?: string
  format?: string
  description?: string
  const?: unknown
  enum?: unknown[]
  default?: unknown
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
  not?: JsonSchema
}

/** The schemas of one document. */
export interface Schemas {
  /** What may be sent (`input`) or what is answered (`output`): a reference where the schema has a name. */
  of(schema: z.ZodType, io: 'input' | 'output'): JsonSchema
  /** The same, written out whether it has a name or not. */
  inline(schema: z.ZodType, io: 'input' | 'output'): JsonSchema
  /** The named ones that `document`, or one that it names, refers to. */
  usedBy(document: unknown): Record<string, JsonSchema>
}

/** How they are written. With `closed`, replies have nothing beyond what is said of them; without, clients must bear with more. */
export interface Form {
  target: 'draft-2020-12' | 'draft-07'
  closed: boolean
}

const POINTER = '#/components/schemas/'

/** Writes the schemas of this package as JSON Schema, under the names by which they are exported. */
export function writeSchemas({ target, closed }: Form): Schemas {
  const options = (io: 'input' | 'output') =>
    ({ target, io, unrepresentable: 'any', override: (found: Written) => tidy(found, closed) }) as const
  const asInput = z.registry<{ id: string }>()
  const asOutput = z.registry<{ id: string }>()
  for (const [registry, modules] of [
    [asInput, [requests]],
    [asOutput, [replies, problems]],
  ] as const)
    for (const module of modules)
      for (const [id, schema] of Object.entries(module)) if (schema instanceof z.ZodType) registry.add(schema, { id })
  const uri = (id: string): string => POINTER + id
  const named: Record<string, JsonSchema> = Object.fromEntries(
    [
      z.toJSONSchema(asInput, { ...options('input'), uri }),
      z.toJSONSchema(asOutput, { ...options('output'), uri }),
    ].flatMap(({ schemas }) => Object.entries(schemas).map(([name, schema]) => [name, strip(schema)])),
  )

  const inline: Schemas['inline'] = (schema, io) => strip(z.toJSONSchema(schema, options(io)))

  return {
    inline,
    of(schema, io) {
      const name = (io === 'input' ? asInput : asOutput).get(schema)?.id
      return name === undefined ? inline(schema, io) : { $ref: uri(name) }
    },
    usedBy(document) {
      const used = new Set<string>()
      const look = (part: unknown): void => {
        for (const [, name] of JSON.stringify(part).matchAll(REFERENCE)) {
          if (used.has(name!)) continue
          used.add(name!)
          look(named[name!])
        }
      }
      look(document)
      return Object.fromEntries([...used].sort().map((name) => [name, named[name]!]))
    },
  }
}

const REFERENCE = new RegExp(`"${POINTER}(\\w+)"`, 'g')
const UUID = /^\^\[0-9a-f/

type Written = { zodSchema: z.core.$ZodTypes; jsonSchema: object }

function tidy({ zodSchema, jsonSchema: written }: Written, closed: boolean): void {
  const jsonSchema: JsonSchema = written
  if (!closed && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
  if (zodSchema._zod.def.type === 'undefined') jsonSchema.not = {}
  if (jsonSchema.pattern && UUID.test(jsonSchema.pattern)) jsonSchema.format = 'uuid'
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
}

/** Without what only a schema that stands alone needs. */
function strip({ $schema, $id, ...schema }: { $schema?: unknown; $id?: unknown }): JsonSchema {
  return schema
}
