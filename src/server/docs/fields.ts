import type { Schema } from '../openapi-schema.ts'
import { escapeHtml } from './html.ts'
import { renderInline } from './markdown.ts'

/** One field of a request or an answer, nested ones with their whole path. */
export interface Field {
  path: string
  type: string
  required: boolean
  description: string
  /** The object's name, when the field is one that is described elsewhere. */
  object: string | undefined
}

/** Every field below a schema, in its order; an array's are named `field[]`. */
export function fieldsOf(schema: Schema, prefix = ''): Field[] {
  const object = unwrap(schema)
  if (object.type === 'array') return fieldsOf(object.items as Schema, `${prefix}[]`)
  const required = (object.required ?? []) as string[]
  return Object.entries((object.properties ?? {}) as Record<string, Schema>).flatMap(([name, field]) => {
    const path = prefix === '' || prefix === '[]' ? name : `${prefix}.${name}`
    const inner = unwrap(field)
    const own: Field = {
      path,
      type: typeOf(field),
      required: required.includes(name),
      description: describe(field),
      object: objectOf(inner.type === 'array' ? (inner.items as Schema) : inner),
    }
    return [own, ...fieldsOf(field, path)]
  })
}

/** The object's name behind a reference. */
export function objectOf(schema: Schema): string | undefined {
  return typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined
}

export function renderFields(fields: readonly Field[], { requests }: { requests: boolean }): string {
  const rows = fields.map((field) => {
    const mark = requests && field.required ? ' <b class="must">required</b>' : ''
    const link = field.object ? ` <a href="#object-${field.object}">${escapeHtml(field.object)}</a>` : ''
    const text = field.description ? `<dd>${renderInline(field.description)}</dd>` : '<dd></dd>'
    return `<div><dt><code class="name">${escapeHtml(field.path)}</code> <span class="type">${escapeHtml(field.type)}</span>${link}${mark}</dt>${text}</div>`
  })
  return `<dl class="fields">${rows.join('')}</dl>`
}

/** What is left of a choice between something and null. */
function unwrap(schema: Schema): Schema {
  const options = (schema.anyOf as Schema[] | undefined)?.filter(({ type }) => type !== 'null')
  return options?.length === 1 ? options[0]! : schema
}

function typeOf(schema: Schema): string {
  const options = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined
  if (options?.every((option) => 'const' in option)) return 'one word'
  if (options) return [...new Set(options.map(typeOf))].join(' or ')
  if (objectOf(schema)) return 'object'
  if (Array.isArray(schema.enum)) return 'one word'
  if (schema.type === 'array') return `list of ${plural(typeOf(schema.items as Schema))}`
  if (schema.format === 'date-time') return 'time'
  if (schema.format === 'uri') return 'address'
  if (schema.type === 'string') return schema.pattern?.toString().includes('\\.') ? 'decimal text' : 'text'
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  return typeof schema.type === 'string' ? schema.type : 'anything'
}

const plural = (type: string): string => (type === 'text' || type === 'anything' ? type : `${type}s`)

function describe(schema: Schema): string {
  const inner = unwrap(schema)
  const parts = [schema.description ?? inner.description ?? '']
  const words = wordsOf(inner)
  if (words.length > 0) parts.push(`One of ${words.map((word) => `\`${word}\``).join(', ')}.`)
  if (typeof inner.maxLength === 'number' && inner.maxLength > 64)
    parts.push(`At most ${inner.maxLength} characters.`)
  return parts.filter(Boolean).join(' ')
}

function wordsOf(schema: Schema): string[] {
  if (Array.isArray(schema.enum)) return schema.enum.map(String)
  const options = (schema.anyOf ?? []) as Schema[]
  return options.filter((option) => 'const' in option).map((option) => String(option.const))
}
