import type { Endpoint } from '../../src/server/endpoint.ts'
import type { Random } from '../support/random.ts'

export interface FuzzedRequest {
  method: string
  path: string
  headers: Record<string, string>
  body?: Buffer
}

/** Things that exist, so that a request gets past the first look-up now and then. */
export interface World {
  tokens: readonly string[]
  /** Values by the name of the field or parameter. */
  known: Record<string, readonly string[]>
}

/** Values that have broken programs before, and a few ordinary ones. */
const NASTY: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  1e30,
  1e-30,
  1.005,
  9_007_199_254_740_992,
  Number.MAX_VALUE,
  '',
  ' ',
  '0',
  '-1',
  '+1',
  '1e30',
  '1e400',
  'NaN',
  'Infinity',
  '0x10',
  '1,50',
  '1.',
  '.5',
  '00000000000000000001',
  '1.0000000000000000000000001',
  '9'.repeat(400),
  'null',
  'undefined',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'é',
  '😀',
  '‮',
  'a'.repeat(10_000),
  '%00',
  '%',
  '../../etc/passwd',
  "' or 1=1 --",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what somebody may send.
  '${7*7}',
  '<script>alert(1)</script>',
  [],
  {},
  [[]],
  [null],
  { $gt: '' },
  { toString: 1 },
  ['USDC', 'USDC'],
  'USDC',
  'polygon',
  'EUR',
  'eur',
  'card',
  'PSD2',
  '0x0000000000000000000000000000000000000000',
  '0x52908400098527886E0F7030069857D2E4169EE7',
  '0x52908400098527886e0F7030069857D2E4169EE7',
  'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq',
  'https://example.com/x',
  'http://127.0.0.1:1/x',
  'http://169.254.169.254/',
  'https://user:pw@example.com',
  'javascript:alert(1)',
  'ftp://x',
  'http://[::1]/',
  'data:text/plain,x',
  'a@b.co',
  'a@@b',
  '2026-02-30',
  '0000-00-00',
  'PAY_IN',
  '90d',
  '1s',
  '-1s',
  '999999d',
]

const DEEP = '['.repeat(5_000) + ']'.repeat(5_000)

/** One request for the endpoint: its example, with some of it spoilt. */
export function fuzzRequest(endpoint: Endpoint, world: World, random: Random): FuzzedRequest {
  const headers: Record<string, string> = {}
  if (random.chance(0.93)) headers.auth = random.pick(world.tokens)
  else if (random.chance(0.5)) headers.auth = random.pick(['x', 'a'.repeat(5000), 'Bearer x', '%00'])
  if (random.chance(0.5))
    headers.prefer = random.pick(['http-status', 'wait=10, http-status', 'HTTP-STATUS', 'x', ''])
  if (random.chance(0.15))
    headers['idempotency-key'] = random.pick([
      'k1',
      'k2',
      '',
      'x'.repeat(256),
      'ключ'.replaceAll(/[^\x20-\x7e]/g, '?'),
    ])
  if (endpoint.audience === 'page' && random.chance(0.95)) headers['x-page'] = '1'

  const path =
    endpoint.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(parameter(name, world, random)),
    ) + query(endpoint, world, random)
  const request: FuzzedRequest = { method: endpoint.method, path, headers }
  if (endpoint.method !== 'GET') request.body = body(endpoint, world, random, headers)
  return request
}

function parameter(name: string, world: World, random: Random): string {
  const known = world.known[name]
  if (known && random.chance(0.7)) return random.pick(known)
  const value = random.pick(NASTY)
  return typeof value === 'string' && value !== '' && value.isWellFormed() && value.length < 3000
    ? value
    : 'x'
}

function fieldsOf(schema: unknown): string[] {
  return Object.keys((schema as { properties?: object } | undefined)?.properties ?? {})
}

function query(endpoint: Endpoint, world: World, random: Random): string {
  const names = fieldsOf(endpoint.query)
  if (names.length === 0 && random.chance(0.9)) return ''
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(
    spoil(valuesFor(endpoint, names, world, random), names, random),
  )) {
    for (const one of Array.isArray(value) ? value : [value])
      query.append(name.toWellFormed(), asText(one).toWellFormed().slice(0, 4000))
  }
  return random.chance(0.02) ? '?%zz=%' : `?${query}`
}

/** The example's values where it has them, what exists where its name is known. */
function valuesFor(
  endpoint: Endpoint,
  names: readonly string[],
  world: World,
  random: Random,
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const name of names) {
    const known = world.known[name]
    const example = endpoint.examples.request?.[name]
    if (known) values[name] = random.pick(known)
    else if (example !== undefined) values[name] = example
    else if (random.chance(0.2)) values[name] = random.pick(NASTY)
  }
  return values
}

function spoil(
  values: Record<string, unknown>,
  names: readonly string[],
  random: Random,
): Record<string, unknown> {
  const spoilt = { ...values }
  for (let times = random.below(3); times > 0; times -= 1) {
    const name = random.pick(names.length > 0 ? names : ['x'])
    const how = random.below(4)
    if (how === 0) delete spoilt[name]
    else if (how === 3) spoilt[asText(random.pick(NASTY)).slice(0, 50)] = random.pick(NASTY)
    else spoilt[name] = random.pick(NASTY)
  }
  return spoilt
}

/** Some of the values can't be made text by JavaScript itself. */
const asText = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))

function body(endpoint: Endpoint, world: World, random: Random, headers: Record<string, string>): Buffer {
  const names = fieldsOf(endpoint.body)
  const values = spoil(valuesFor(endpoint, names, world, random), names, random)
  headers['content-type'] =
    endpoint.raw && random.chance(0.8) ? random.pick(endpoint.raw.contentTypes) : 'application/json'
  if (random.chance(0.12)) return broken(values, random, headers)
  if (random.chance(0.15)) {
    headers['content-type'] = 'application/x-www-form-urlencoded'
    return Buffer.from(
      new URLSearchParams(
        Object.entries(values).map(([name, value]) => [name.toWellFormed(), asText(value).toWellFormed()]),
      ).toString(),
    )
  }
  return Buffer.from(JSON.stringify(values))
}

function broken(values: Record<string, unknown>, random: Random, headers: Record<string, string>): Buffer {
  switch (random.below(8)) {
    case 0:
      return Buffer.from(JSON.stringify(values).slice(0, -1))
    case 1:
      return Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])
    case 2:
      return Buffer.from(DEEP)
    case 3:
      headers['content-type'] = random.pick([
        'text/plain',
        'multipart/form-data',
        'x',
        'application/json; charset=utf-16',
        'application/octet-stream',
      ])
      return Buffer.from(JSON.stringify(values))
    case 4:
      return Buffer.alloc(0)
    case 5:
      return Buffer.from(
        random.pick([
          'null',
          '[]',
          '1',
          '"x"',
          'true',
          '{"a":1}{"b":2}',
          '{"amount":1e999}',
          '{"__proto__":{"x":1}}',
        ]),
      )
    case 6:
      return Buffer.from(`{"a":${DEEP}}`)
    default:
      return Buffer.alloc(300_000, 0x78)
  }
}
