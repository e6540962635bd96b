import { getAt } from './template.ts'

export interface Mismatch {
  where: string
  expected: string
  got: string
}

/** The names that `{"$is": …}` takes: what a value must look like. */
const KINDS: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === 'string',
  text: (value) => typeof value === 'string' && value.trim() !== '',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  array: Array.isArray,
  time: textLike(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
  uuid: textLike(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i),
  payment_id: textLike(/^[A-Za-z0-9]{25}$/),
  decimal: textLike(/^\d+(\.\d+)?$/),
  digits: textLike(/^\d+$/),
  url: (value) => typeof value === 'string' && /^https?:\/\/[^\s]+$/.test(value) && URL.canParse(value),
  iban: textLike(/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/),
  bic: textLike(/^[A-Z0-9]{8}([A-Z0-9]{3})?$/),
  password: textLike(/^[A-Za-z0-9]{12}$/),
  txid: textLike(/^0x[0-9a-f]{64}$/),
}

function textLike(pattern: RegExp): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && pattern.test(value)
}

/**
 * Compares what was got with what a case expects. An object must have the expected fields and may have more; types
 * count (`5` is not `"5"`); an object whose keys begin with `$` is a matcher, of which all must hold:
 *
 *     {"$is": "time"} {"$regex": "^evt_"} {"$any": true} {"$absent": true} {"$nullable": …} {"$oneOf": […]} {"$not": …}
 *     {"$each": …, "$atLeast": 1} {"$contains": …} {"$length": 4} {"$newestFirst": "created_at"}
 *     {"$numberOf": "data.tokens_exact"} {"$hundredthsOf": "data.fiat_amount_exact"} {"$only": ["id", "status"]}
 */
export function match(expected: unknown, got: unknown, root: unknown = got, where = ''): Mismatch[] {
  if (isMatcher(expected)) {
    return Object.entries(expected).flatMap(([name, argument]) => {
      const operator = OPERATORS[name]
      if (!operator) throw new Error(`There is no matcher ${name}.`)
      return operator(argument as never, { got, root, where })
    })
  }
  if (Array.isArray(expected)) return matchArray(expected, got, root, where)
  if (typeof expected === 'object' && expected !== null) {
    if (!isObject(got)) return [mismatch(where, 'an object', got)]
    return Object.entries(expected).flatMap(([key, inner]) =>
      match(inner, Object.hasOwn(got, key) ? got[key] : undefined, root, where ? `${where}.${key}` : key),
    )
  }
  return Object.is(expected, got) ? [] : [mismatch(where, show(expected), got)]
}

function matchArray(expected: unknown[], got: unknown, root: unknown, where: string): Mismatch[] {
  if (!Array.isArray(got)) return [mismatch(where, `a list of ${expected.length}`, got)]
  if (got.length !== expected.length) return [mismatch(where, `a list of ${expected.length}`, got)]
  return expected.flatMap((inner, index) => match(inner, got[index], root, `${where}[${index}]`))
}

interface Context {
  got: unknown
  root: unknown
  where: string
}

const OPERATORS: Record<string, (argument: never, context: Context) => Mismatch[]> = {
  $is(kind: string, { got, where }) {
    const holds = KINDS[kind]
    if (!holds) throw new Error(`There is no kind ${kind}.`)
    return holds(got) ? [] : [mismatch(where, `a value of kind ${kind}`, got)]
  },
  $regex: (pattern: string, { got, where }) =>
    typeof got === 'string' && new RegExp(pattern, 'u').test(got)
      ? []
      : [mismatch(where, `text like /${pattern}/`, got)],
  $any: (_: true, { got, where }) => (got === undefined ? [mismatch(where, 'a value', got)] : []),
  $absent: (_: true, { got, where }) => (got === undefined ? [] : [mismatch(where, 'no such field', got)]),
  $nullable: (inner: unknown, { got, root, where }) => (got === null ? [] : match(inner, got, root, where)),
  $not: (inner: unknown, { got, root, where }) =>
    match(inner, got, root, where).length > 0 ? [] : [mismatch(where, `not ${show(inner)}`, got)],
  $oneOf: (choices: unknown[], { got, root, where }) =>
    choices.some((choice) => match(choice, got, root, where).length === 0)
      ? []
      : [mismatch(where, `one of ${choices.map(show).join(', ')}`, got)],
  $each: (inner: unknown, { got, root, where }) =>
    Array.isArray(got)
      ? got.flatMap((one, index) => match(inner, one, root, `${where}[${index}]`))
      : [mismatch(where, 'a list', got)],
  $atLeast: (least: number, { got, where }) =>
    sizeOf(got) >= least ? [] : [mismatch(where, `at least ${least}`, got)],
  $length: (length: number, { got, where }) =>
    (typeof got === 'string' || Array.isArray(got)) && got.length === length
      ? []
      : [mismatch(where, `${length} long`, got)],
  $contains: (inner: unknown, { got, root, where }) =>
    Array.isArray(got) && got.some((one) => match(inner, one, root).length === 0)
      ? []
      : [mismatch(where, `a list that contains ${show(inner)}`, got)],
  $newestFirst: (field: string, { got, where }) => {
    const times = Array.isArray(got) ? got.map((one) => String(getAt(one, field))) : undefined
    return times?.every((time, index) => index === 0 || time <= times[index - 1]!)
      ? []
      : [mismatch(where, `a list with the newest ${field} first`, times ?? got)]
  },
  $numberOf: (path: string, { got, root, where }) => {
    const exact = getAt(root, path)
    return typeof got === 'number' && typeof exact === 'string' && Number(exact) === got
      ? []
      : [mismatch(where, `the JSON number of ${path} (${show(exact)})`, got)]
  },
  $hundredthsOf: (path: string, { got, root, where }) => {
    const exact = getAt(root, path)
    const [whole = '', decimals = ''] = String(exact).split('.')
    return Number.isInteger(got) &&
      String(got) === String(BigInt(whole + decimals.padEnd(2, '0').slice(0, 2)))
      ? []
      : [mismatch(where, `${path} (${show(exact)}) as integer hundredths`, got)]
  },
  $only: (names: string[], { got, where }) => {
    const more = isObject(got) ? Object.keys(got).filter((name) => !names.includes(name)) : undefined
    return more?.length === 0 ? [] : [mismatch(where, `no field but ${names.join(', ')}`, got)]
  },
}

function isMatcher(value: unknown): value is Record<string, unknown> {
  return (
    isObject(value) && Object.keys(value).length > 0 && Object.keys(value).every((key) => key.startsWith('$'))
  )
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The number itself, or how long the list or text is. */
function sizeOf(value: unknown): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' || Array.isArray(value) ? value.length : Number.NaN
}

const mismatch = (where: string, expected: string, got: unknown): Mismatch => ({
  where,
  expected,
  got: got === undefined ? 'nothing' : show(got),
})

const MOST_SHOWN = 600

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text
}
