import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import type { CompiledEndpoint } from './call.ts'
import type { ApiRequest, Endpoint } from './endpoint.ts'
import { type FieldErrors, fail } from './errors.ts'
import type { Faults } from './validate.ts'

type Input = Record<'body' | 'query' | 'params', Record<string, unknown>>

export interface Faulty {
  errors: FieldErrors
  missing: string[]
  /** What was sent without what is faulty. */
  sound: Input
}

/** All that is wrong with the fields as far as it can be seen without waiting; nearly always nothing. */
export function findFaults(
  app: Pick<App, 'clock'>,
  compiled: CompiledEndpoint,
  input: Input,
  asText: boolean,
  integration: Integration,
): Faulty | undefined {
  const params = compiled.params(input.params, true)
  const query = compiled.query(input.query, true)
  if (compiled.endpoint.judgeBody) {
    refuseInSentences(compiled.endpoint.judgeBody(input.body, { integration }))
    return undefined
  }
  const body = compiled.body(input.body, asText)
  const { check, requires } = compiled.endpoint
  const sound = {
    body: withoutFaulty(input.body, body),
    query: withoutFaulty(input.query, query),
    params: withoutFaulty(input.params, params),
  }
  const required = requires?.({ body: sound.body })
  const lacking = required?.filter((field) => valueAt(input.body, field) === undefined) ?? []
  const extra = check?.(sound as never, { integration, now: app.clock.now() })
  const found = [params, query, body].filter((faults) => faults !== undefined)
  if (found.length === 0 && lacking.length === 0 && (extra === undefined || isEmpty(extra))) return undefined
  const errors: FieldErrors = Object.assign(
    Object.create(null),
    ...found.map((faults) => faults.missing),
    Object.fromEntries(lacking.map((field) => [field, [`The ${field} field is required.`]])),
    ...found.map((faults) => faults.invalid),
    extra,
  )
  return { errors, missing: [...found.flatMap((faults) => Object.keys(faults.missing)), ...lacking], sound }
}

/** Refuses faulty fields, and names what else is wrong. */
export async function refuseFaulty(
  app: App,
  { findFurther, findMissing }: Endpoint,
  { errors, missing, sound }: Faulty,
  context: Pick<ApiRequest, 'files' | 'integration'>,
): Promise<never> {
  const stored = await findMissing?.(app, { body: sound.body as never, integration: context.integration })
  for (const [field, problems] of Object.entries(stored ?? {})) {
    if (errors[field] !== undefined) continue
    errors[field] = problems
    missing.push(field)
  }
  const further = await findFurther?.(app, { body: sound.body, query: sound.query, ...context } as never)
  for (const [field, problems] of Object.entries(further ?? {})) errors[field] ??= problems
  if (missing.length > 0) fail('fail_mandatory_field', `Missing: ${missing.join(', ')}.`, { errors })
  const texts = Object.entries(errors).map(([field, problems]) => `${field} ${problems[0]}`)
  fail('invalid_field', `${texts.join('; ')}.`, { errors })
}

/** The first sentence, and how many more there are. */
function refuseInSentences(errors: FieldErrors): void {
  const [first, ...others] = Object.values(errors).flat()
  if (first === undefined) return
  const more =
    others.length === 0 ? '' : ` (and ${others.length} more error${others.length === 1 ? '' : 's'})`
  fail('invalid_field', first + more, { errors, inSentences: true })
}

function isEmpty(errors: FieldErrors): boolean {
  for (const _ in errors) return false
  return true
}

/** Of an object in a field only the faulty members are left out; any other field is left out as a whole. */
function withoutFaulty(input: Record<string, unknown>, faults: Faults | undefined): Record<string, unknown> {
  if (!faults) return input
  const sound = { ...input }
  for (const place of [...Object.keys(faults.invalid), ...Object.keys(faults.missing)]) {
    const [field = '', member, ...deeper] = place.split('.')
    const value = sound[field]
    if (member !== undefined && deeper.length === 0 && isObject(value)) {
      const { [member]: _faulty, ...others } = value
      sound[field] = others
    } else delete sound[field]
  }
  return sound
}

/** What stands at `field`, or at `field.member`. */
function valueAt(input: Record<string, unknown>, place: string): unknown {
  const [field = '', member] = place.split('.')
  const value = input[field]
  if (member === undefined) return value
  return isObject(value) ? value[member] : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
