import type { TSchema } from 'typebox'

/** A schema object of OpenAPI 3.1, which is JSON Schema 2020-12. */
export type Schema = { [keyword: string]: unknown }

/** Our own formats, written so that any reader of JSON Schema can check them. */
const FORMATS: Readonly<Record<string, Schema>> = {
  amount: { pattern: '^\\d{1,30}(\\.\\d{1,30})?$' },
  'customer-id': { pattern: '^\\d{1,15}$' },
  text: {},
  'web-address': { format: 'uri' },
  symbol: { pattern: '^[A-Za-z0-9]{1,16}$' },
  chain: { pattern: '^[A-Za-z0-9_-]{1,32}$' },
  moment: { pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}:\\d{2}([.]\\d{1,6})?(Z|[+-]\\d{2}:\\d{2}))?$' },
  country: { pattern: '^[A-Za-z]{2}$' },
}

/** What a field that may be sent as a number is as one. */
const NUMBERS: Readonly<Record<string, Schema>> = {
  amount: { type: 'number', exclusiveMinimum: 0 },
  'customer-id': { type: 'integer', minimum: 0 },
}

/** Schemas with a name of their own in the document, by identity: they are referred to, not repeated. */
export type NamedSchemas = ReadonlyMap<TSchema, string>

/** Turns a schema of ours into one of OpenAPI. A field marked `x-text` may be a JSON number too. */
export function toOpenApi(schema: TSchema, named: NamedSchemas): Schema {
  const name = named.get(schema)
  return name === undefined ? convert(schema, named) : { $ref: `#/components/schemas/${name}` }
}

/** The same, written out although it has a name: for the place where the name is defined. */
export function defineOpenApi(schema: TSchema, named: NamedSchemas): Schema {
  return convert(schema, named)
}

function convert(schema: TSchema, named: NamedSchemas): Schema {
  const { format, 'x-text': mayBeNumber, ...rest } = schema as Schema
  const converted: Schema = {}
  for (const [keyword, value] of Object.entries(rest))
    converted[keyword] = convertKeyword(keyword, value, named)
  if (typeof format === 'string') Object.assign(converted, FORMATS[format] ?? { format })
  return mayBeNumber ? orNumber(converted, format as string) : converted
}

function convertKeyword(keyword: string, value: unknown, named: NamedSchemas): unknown {
  switch (keyword) {
    case 'properties':
    case 'patternProperties':
      return Object.fromEntries(
        Object.entries(value as Record<string, TSchema>).map(([key, inner]) => [
          key,
          toOpenApi(inner, named),
        ]),
      )
    case 'items':
    case 'additionalProperties':
      return typeof value === 'boolean' ? value : toOpenApi(value as TSchema, named)
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
      return (value as TSchema[]).map((inner) => toOpenApi(inner, named))
    default:
      return value
  }
}

function orNumber({ description, examples, ...text }: Schema, format: string): Schema {
  const number = NUMBERS[format] ?? { type: 'number' }
  return { oneOf: [text, number], ...(description ? { description } : {}), ...(examples ? { examples } : {}) }
}
