import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { TSchema } from 'typebox'
import { digitsOf, hasUnstorableText } from './body.ts'
import type { FieldErrors } from './errors.ts'
import { FORMATS } from './fields.ts'

const strict = createAjv(false)
/** For query strings and forms, whose values are all text. */
const coercing = createAjv(true)

function createAjv(coerceTypes: boolean): Ajv {
  const ajv = new Ajv({ allErrors: true, coerceTypes, strict: false, validateFormats: true, verbose: true })
  for (const [name, { test }] of Object.entries(FORMATS))
    ajv.addFormat(name, { type: 'string', validate: test })
  return ajv
}

export interface Faults {
  missing: FieldErrors
  invalid: FieldErrors
}

export type Validator = (input: Record<string, unknown>, asText: boolean) => Faults | undefined

/** A whole number as text. The schema's own conversion would take `1e1`, `0x2`, `+1`, `1.0`, `01` and ` 1`, too. */
const WHOLE_NUMBER = /^(0|-?[1-9]\d*)$/

/**
 * Compiles an object schema into a check that names every faulty field at once. Numbers in fields marked `x-text`
 * are replaced by their digits first; with `asText` (query, form) values are converted by the schema, whole numbers
 * only where they are written in plain digits.
 */
export function compileValidator(schema: TSchema | undefined): Validator {
  if (!schema) return () => undefined
  const validators = { strict: strict.compile(schema), coercing: coercing.compile(schema) }
  const properties = (schema as { properties?: Record<string, Record<string, unknown>> }).properties ?? {}
  const textFields = Object.keys(properties).filter((key) => properties[key]?.['x-text'])
  const wholeFields = Object.keys(properties).filter((key) => properties[key]?.type === 'integer')
  return (input, asText) => {
    for (const key of textFields) {
      const value = input[key]
      if (typeof value === 'number') input[key] = digitsOf(input, key, value)
    }
    const odd = asText ? wholeFields.filter((key) => isOddNumber(input[key])) : []
    const validate: ValidateFunction = asText ? validators.coercing : validators.strict
    // Nearly every request is sound, and then nothing more is made or looked at.
    const sound = validate(input)
    if (sound && odd.length === 0 && !hasUnstorableText(input)) return undefined
    const faults = faultsOf(input, sound ? [] : (validate.errors ?? []), odd)
    return Object.keys(faults.missing).length + Object.keys(faults.invalid).length > 0 ? faults : undefined
  }
}

const isOddNumber = (value: unknown): boolean => typeof value === 'string' && !WHOLE_NUMBER.test(value)

/** `odd` are the fields whose numbers are not written in plain digits, whatever the schema made of them. */
function faultsOf(
  input: Record<string, unknown>,
  errors: readonly ErrorObject[],
  odd: readonly string[],
): Faults {
  // Without a prototype, as a caller may name a field `constructor` or `__proto__`.
  const faults: Faults = { missing: Object.create(null), invalid: Object.create(null) }
  for (const key of Object.keys(input)) {
    if (hasUnstorableText(key) || hasUnstorableText(input[key]))
      add(faults.invalid, key.toWellFormed(), 'must be UTF-8 without NUL and half characters')
  }
  for (const key of odd) add(faults.invalid, key, 'must be a whole number in plain digits')
  for (const error of errors) {
    if (!odd.includes(error.instancePath.slice(1))) record(faults, error)
  }
  return faults
}

function record(faults: Faults, error: ErrorObject): void {
  const place = error.instancePath.slice(1).replaceAll('/', '.')
  if (error.keyword === 'required') {
    const field = [place, error.params.missingProperty].filter(Boolean).join('.')
    add(faults.missing, field, `The ${field} field is required.`)
    return
  }
  // What is blank fails its format too, which says the same.
  if (error.keyword === 'minLength' && error.parentSchema?.format !== undefined) return
  add(faults.invalid, place || 'body', describe(error))
}

function describe(error: ErrorObject): string {
  switch (error.keyword) {
    case 'format':
      return FORMATS[error.params.format]?.message ?? `must be a valid ${error.params.format}`
    case 'enum':
      return `must be one of: ${error.params.allowedValues.join(', ')}`
    case 'maxLength':
      return `must have at most ${error.params.limit} characters`
    case 'minLength':
      return 'must not be blank'
    case 'const':
      return `must be ${JSON.stringify(error.params.allowedValue)}`
    case 'type':
      // Such a field takes a number as well; a wrong type is told in the words of its format.
      if (error.parentSchema?.['x-text']) return FORMATS[error.parentSchema.format]?.message ?? 'is invalid'
      if (error.params.type === 'object' && error.parentSchema?.properties)
        return `must be an object with ${Object.keys(error.parentSchema.properties).join(', ')}`
      return `must be ${[error.params.type].flat().join(' or ')}`
    default:
      return error.message ?? 'is invalid'
  }
}

function add(errors: FieldErrors, field: string, text: string): void {
  const texts = (errors[field] ??= [])
  if (!texts.includes(text)) texts.push(text)
}
