import type { JsonSchema } from '@parley/protocol/schemas'
import { type Html, html, prose } from '../html.ts'

/** The anchor of a named schema. */
export const schemaAnchor = (name: string): string => `schema-${name}`

/** What a schema asks for, in a few words; names are links. */
export function kindOf(schema: JsonSchema): Html {
  const { $ref, type, format, items, anyOf, oneOf, allOf, enum: values } = schema
  if ($ref !== undefined) {
    const name = $ref.slice($ref.lastIndexOf('/') + 1)
    return html`<a href="#${schemaAnchor(name)}">${name}</a>`
  }
  if ('const' in schema) return html`<code>${JSON.stringify(schema.const)}</code>`
  if (values) return either(values.map((value) => html`<code>${JSON.stringify(value)}</code>`))
  const of = anyOf ?? oneOf
  if (of) return either(of.map(kindOf))
  if (allOf?.[0]) return kindOf(allOf[0])
  if (items) return html`list of ${kindOf(items)}`
  if (format === 'date-time') return html`time`
  if (format === 'uuid') return html`UUID`
  return html`${type ?? 'anything'}`
}

const either = (kinds: Html[]): Html => kinds.reduce((all, kind) => html`${all} <span class="or">or</span> ${kind}`)

/** A table of the fields of an object, those of objects within it under dotted names; nothing where there are none. */
export function fieldsOf(schema: JsonSchema): Html | undefined {
  const rows = rowsOf(schema, '')
  if (rows.length === 0) return undefined
  return html`<div class="wide"><table>
<thead><tr><th>Field</th><th>Kind</th><th>What it is</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}

function rowsOf({ properties = {}, required = [] }: JsonSchema, prefix: string): Html[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    if (schema.not) return []
    const path = prefix + name
    const optional = !required.includes(name)
    const inner = schema.properties ? schema : schema.items?.properties ? schema.items : undefined
    return [
      html`<tr><td><code>${path}</code>${optional && html` <span class="optional">optional</span>`}</td><td>${inner ? html`${inner === schema ? 'object' : 'list of objects'}` : kindOf(schema)}</td><td>${prose(schema.description)} ${limitsOf(schema)}</td></tr>`,
      ...(inner ? rowsOf(inner, inner === schema ? `${path}.` : `${path}[].`) : []),
    ]
  })
}

function limitsOf({
  minLength,
  maxLength,
  minItems,
  maxItems,
  minimum,
  maximum,
  ...schema
}: JsonSchema): Html | undefined {
  const words = [
    range(minLength, maxLength, 'characters'),
    range(minItems, maxItems, 'of them'),
    range(minimum, maximum, ''),
    schema.default === undefined ? undefined : `${JSON.stringify(schema.default)} unless given`,
  ].filter((each) => each !== undefined)
  return words.length > 0 ? html`<span class="limits">${words.join('; ')}</span>` : undefined
}

function range(min: number | undefined, max: number | undefined, unit: string): string | undefined {
  if (max !== undefined)
    return `${min === undefined ? 'at most ' : `${min} to `}${max.toLocaleString('en')} ${unit}`.trim()
  return min === undefined ? undefined : `at least ${min} ${unit}`.trim()
}
