/**
 * Numbers and amounts that another run or another price makes different. Of everything else an example shows, the
 * program answers the same value.
 */
const VARYING = new Set([
  // Counted or given out anew.
  'id',
  'user_id',
  'sequence',
  'concept',
  'total',
  'last_page',
  'rows',
  'steps',
  'duration_ms',
  'attempt',
  // What prices make.
  'price',
  'tokens',
  'tokens_exact',
  'coin_amount',
  'coin_amount_exact',
  'fiat_amount',
  'fee',
  'payout.amount',
  'payouts[].amount',
  // What the sandbox's world held before.
  'balance',
  'advanced_by_seconds',
])

/** Texts that depend on where the program runs. */
const FREE = new Set(['source'])

/** Objects whose keys are data: the example may show some of them. */
const OPEN = new Set(['tokens', 'fault_kinds'])

/**
 * Texts that are never the same twice; two of one kind are alike. The first that fits decides. What is drawn at random
 * may come without a digit: one id of eighty does.
 */
const KINDS: readonly [kind: string, pattern: RegExp][] = [
  ['time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/],
  ['day', /^\d{4}-\d\d-\d\d$/],
  ['email', /^[^@\s]+@example\.(com|org)$/],
  ['uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/],
  ['event', /^evt_[A-Za-z0-9]{16,}$/],
  ['hash', /^0x[0-9a-f]{64}$/],
  ['address', /^0x[0-9a-fA-F]{40}$/],
  ['iban', /^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/],
  ['id', /^[A-Za-z0-9]{25}$/],
  // What the stories call their payments and sales.
  ['order', /^(order|sale)-[a-z]+-\d+$/],
  ['password', /^(?![a-z]*$|[A-Z]*$)[A-Za-z0-9]{12}$/],
  ['secret', /^(?![a-z_]*$|[A-Z_]*$|\d*$)[\w.~|=-]{32,}$/],
]

/**
 * What an example says and the answer does not, in words with the place of each. Both must have the same fields and
 * types; texts of one kind (a time, an id, an address) are alike, links by their path, lists when each element of the
 * example has one like it in the answer (a long list may be shown in part), and all else must be equal.
 */
export function unlike(example: unknown, real: unknown, place = ''): string[] {
  const key = place.split('.').at(-1)?.replace('[]', '') ?? ''
  if (Array.isArray(example)) return unlikeLists(example, real, place)
  if (isObject(example)) return unlikeObjects(example, real, place, OPEN.has(key))
  if (FREE.has(key) && typeof example === 'string' && typeof real === 'string') return []
  const inner = place.split('.').slice(-2).join('.')
  if (alike(example, real, VARYING.has(key) || VARYING.has(inner))) return []
  return [`${place || 'the answer'} is ${JSON.stringify(real)}, not ${JSON.stringify(example)}`]
}

function unlikeLists(example: unknown[], real: unknown, place: string): string[] {
  if (!Array.isArray(real)) return [`${place} is no list`]
  if (example.length === 0) return real.length === 0 ? [] : [`${place} is not empty: ${JSON.stringify(real)}`]
  return example.flatMap((element) => {
    const found = real.map((one) => unlike(element, one, `${place}[]`))
    if (found.some((problems) => problems.length === 0)) return []
    const nearest = found.sort((a, b) => a.length - b.length)[0]
    return nearest ?? [`${place} is empty`]
  })
}

function unlikeObjects(example: Json, real: unknown, place: string, open: boolean): string[] {
  if (!isObject(real)) return [`${place || 'the answer'} is ${JSON.stringify(real)}, no object`]
  const at = (name: string): string => (place === '' ? name : `${place}.${name}`)
  const names = Object.keys(example)
  return [
    ...names.filter((name) => !(name in real)).map((name) => `${at(name)} is not in the answer`),
    ...(open ? [] : Object.keys(real).filter((name) => !(name in example))).map(
      (name) => `${at(name)} is not in the example, and is ${JSON.stringify(real[name])}`,
    ),
    ...names.filter((name) => name in real).flatMap((name) => unlike(example[name], real[name], at(name))),
  ]
}

function alike(example: unknown, real: unknown, varies: boolean): boolean {
  if (example === real) return true
  if (typeof example !== typeof real) return false
  if (typeof example === 'number') return varies && (!Number.isInteger(example) || Number.isInteger(real))
  if (typeof example !== 'string' || typeof real !== 'string') return false
  if (varies && /^\d+(\.\d+)?$/.test(example)) return decimalsOf(example) === decimalsOf(real)
  if (URL.canParse(example) && example.includes('://')) return pathKind(example) === pathKind(real)
  const kind = kindOf(example)
  return kind !== undefined && kind === kindOf(real)
}

const kindOf = (text: string): string | undefined => KINDS.find(([, pattern]) => pattern.test(text))?.[0]

const decimalsOf = (text: string): number | undefined =>
  /^\d+(\.\d+)?$/.test(text) ? (text.split('.')[1]?.length ?? 0) : undefined

/** A link's path and the names in its query, ids and secrets by their kind. Hosts are each server's own. */
function pathKind(link: string): string | undefined {
  if (!URL.canParse(link)) return undefined
  const { pathname, searchParams } = new URL(link)
  const segments = pathname.split('/').map((segment) => kindOf(segment) ?? segment)
  return [...segments, ...searchParams.keys()].join('/')
}

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
