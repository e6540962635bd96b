import { fail } from './errors.ts'

/** Levels that a name may go down: `legal_representative[name]` has two. */
const DEEPEST = 4
const MOST_FIELDS = 1_000

/** What was given under one name: the texts themselves, and what stands in brackets behind it. */
interface Given {
  texts: string[]
  parts: Map<string, Given> | undefined
}

const NAME = /^([^[\]]+)((?:\[[^[\]]*\])*)$/

/**
 * The body that a form's fields stand for. `a[b]` is `b` of the object `a`, `a[0]` the first of the list `a`, `a[]` its
 * next. A field given twice is a list of both, which no text field takes: nobody guesses which one was meant. Throws
 * `invalid_json` for more fields or levels than are taken.
 */
export function readFields(
  fields: readonly (readonly [name: string, value: string])[],
): Record<string, unknown> {
  if (fields.length > MOST_FIELDS) {
    fail('invalid_json', `The form has too many fields: at most ${MOST_FIELDS}.`)
  }
  const body = new Map<string, Given>()
  for (const [name, value] of fields) {
    const path = pathOf(name)
    if (path.length > DEEPEST) {
      fail('invalid_json', `The form is nested too deeply: at most ${DEEPEST} levels.`)
    }
    place(body, path, value)
  }
  return objectOf(body)
}

/** The field that a form's name leads to, as it is sent: `b` for `a[b]`, `a%5Bb%5D` and `b[0]`. */
export function fieldNamed(sent: string): string {
  const name = sent.replaceAll(/%5b/gi, '[').replaceAll(/%5d/gi, ']')
  return pathOf(name).findLast((part) => !/^\d*$/.test(part)) ?? name
}

/** A name whose brackets don't match is a name like any other. */
function pathOf(name: string): string[] {
  const [, first, behind] = NAME.exec(name) ?? []
  if (first === undefined || behind === undefined) return [name]
  return [first, ...[...behind.matchAll(/\[([^\]]*)\]/g)].map(([, part = '']) => part)]
}

function place(into: Map<string, Given>, [first = '', ...rest]: readonly string[], value: string): void {
  const key = first === '' ? String(into.size) : first
  const given = into.get(key) ?? { texts: [], parts: undefined }
  into.set(key, given)
  if (rest.length === 0) {
    given.texts.push(value)
    return
  }
  given.parts ??= new Map()
  place(given.parts, rest, value)
}

function meantBy({ texts, parts }: Given): unknown {
  const values: unknown[] = parts === undefined ? texts : [...texts, listOrObject(parts)]
  return values.length === 1 ? values[0] : values
}

/** A list when the names are 0, 1, 2 and so on, in any order. */
function listOrObject(parts: ReadonlyMap<string, Given>): unknown {
  const isList = Array.from({ length: parts.size }, (_, at) => String(at)).every((key) => parts.has(key))
  if (!isList) return objectOf(parts)
  return Array.from({ length: parts.size }, (_, at) => meantBy(parts.get(String(at))!))
}

/** Without a prototype, as a caller may name a field `__proto__`. */
function objectOf(parts: ReadonlyMap<string, Given>): Record<string, unknown> {
  const object: Record<string, unknown> = Object.create(null)
  for (const [name, given] of parts) object[name] = meantBy(given)
  return object
}
