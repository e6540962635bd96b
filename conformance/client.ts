import type { Answer, Exchange, RequestSpec } from './model.ts'

export interface Pair {
  apiKey: string
  apiSecret: string
}

export interface Client {
  baseUrl: string
  /** Sends a request as the case wrote it, its variables filled in. Throws `NoAnswer` when the server gives none. */
  send(request: RequestSpec): Promise<Exchange>
  /** New tokens for both pairs; tokens age with the sandbox's clock. */
  authenticate(): Promise<void>
  token(who: 'first' | 'second'): string
}

export class NoAnswer extends Error {}

// The sandbox’s clock may work for a minute before it answers.
const TIMEOUT_MS = 90_000
/** A server that limits the rate is waited for, unless the case is about that. */
const LONGEST_PAUSE_SECONDS = 65

/** The kit's side of the wire. `onExchange` sees every request and answer. */
export function createClient(given: {
  baseUrl: string
  first: Pair
  second: Pair | undefined
  onExchange: (exchange: Exchange, request: RequestSpec) => void
}): Client {
  const tokens: Partial<Record<'first' | 'second', string>> = {}

  async function send(request: RequestSpec): Promise<Exchange> {
    const { url, headers, body } = prepare(request)
    const curl = describe({ request, url, headers, body, secrets: secretsOf() })
    for (;;) {
      const answer = await exchange(url, { method: request.method, headers, body })
      const pauseSeconds = Number(answer.headers['retry-after'])
      const limited = answer.status === 429 && !request.path.endsWith('/authenticate')
      if (limited && pauseSeconds <= LONGEST_PAUSE_SECONDS) {
        await new Promise((resolve) => setTimeout(resolve, pauseSeconds * 1000))
        continue
      }
      const sent = { answer, curl }
      given.onExchange(sent, request)
      return sent
    }
  }

  function prepare(request: RequestSpec) {
    const query = Object.entries(request.query ?? {}).map(([name, value]) => [name, String(value)])
    const url = `${given.baseUrl}${request.path}${query.length > 0 ? `?${new URLSearchParams(query)}` : ''}`
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value
    const who = request.as ?? 'first'
    if (who !== 'nobody') headers.auth ??= token(who)
    if (request.honest) headers.prefer ??= 'http-status'
    const body = bodyOf(request, headers)
    return { url, headers, body }
  }

  function token(who: 'first' | 'second'): string {
    const known = tokens[who]
    if (known === undefined) throw new NoAnswer(`There is no token of the ${who} pair: authenticate failed.`)
    return known
  }

  async function authenticate(): Promise<void> {
    for (const who of ['first', 'second'] as const) {
      const pair = given[who]
      if (!pair) continue
      const { answer } = await send({
        method: 'POST',
        path: '/api/authenticate',
        as: 'nobody',
        json: { api_key: pair.apiKey, api_secret: pair.apiSecret },
      })
      const { data } = (answer.body ?? {}) as { data?: { token?: unknown } }
      if (typeof data?.token !== 'string') throw new NoAnswer(describeRefusal(given.baseUrl, pair, answer))
      tokens[who] = data.token
    }
  }

  /** What reports must not show. */
  function secretsOf(): [secret: string, name: string][] {
    const known: [string | undefined, string][] = [
      [tokens.first, '$TOKEN'],
      [tokens.second, '$SECOND_TOKEN'],
      [given.first.apiSecret, '$API_SECRET'],
      [given.second?.apiSecret, '$SECOND_SECRET'],
    ]
    return known.filter((one): one is [string, string] => one[0] !== undefined)
  }

  return { baseUrl: given.baseUrl, send, authenticate, token }
}

/** One sentence: what a server of the contract refuses with is shown, and nothing of what any other answers. */
function describeRefusal(baseUrl: string, { apiKey }: Pair, { status, headers, body }: Answer): string {
  const { error, message } = (body ?? {}) as { error?: unknown; message?: unknown }
  if (typeof error === 'string' && typeof message === 'string') {
    return `authenticate refuses the key ${apiKey}: ${error}: ${message}`.slice(0, 400)
  }
  const type = headers['content-type']?.split(';', 1)[0] ?? 'no content type'
  return `${baseUrl} does not speak the partner API: POST /api/authenticate answers ${status} (${type}) without a token and without an error of the contract.`
}

type Body = string | Uint8Array<ArrayBuffer> | undefined

function bodyOf(request: RequestSpec, headers: Record<string, string>): Body {
  const { json, form, text, base64, type } = request
  if (type !== undefined) headers['content-type'] = type
  // Null stands for no body, so that one case can send some requests with and some without.
  if (json !== undefined && json !== null) {
    headers['content-type'] ??= 'application/json'
    return JSON.stringify(json)
  }
  if (form !== undefined) {
    headers['content-type'] ??= 'application/x-www-form-urlencoded'
    return String(new URLSearchParams(form))
  }
  // As bytes, or fetch would add a content type of its own.
  if (text !== undefined) return new TextEncoder().encode(text)
  if (base64 !== undefined) return new Uint8Array(Buffer.from(base64, 'base64'))
  return undefined
}

async function exchange(url: string, init: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text,
      body: parse(text),
    }
  } catch (error) {
    const { message, cause } = error as Error
    throw new NoAnswer(`No answer from ${url}: ${cause instanceof Error ? cause.message : message}`)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const MOST_SHOWN = 2_000

/** The request as a command to paste; tokens and secrets are shell variables in it. */
function describe(given: {
  request: RequestSpec
  url: string
  headers: Record<string, string>
  body: Body
  secrets: [secret: string, name: string][]
}): string {
  const { request, url, headers, body, secrets } = given
  const quote = (text: string): string => {
    const escaped = text.replaceAll("'", `'\\''`)
    return secrets.reduce((shown, [secret, name]) => shown.replaceAll(secret, `'"${name}"'`), `'${escaped}'`)
  }
  const shown = typeof body === 'string' ? body : body && Buffer.from(body).toString('latin1')
  const data =
    shown && (shown.length > MOST_SHOWN ? `${shown.slice(0, MOST_SHOWN)}… (${shown.length} bytes)` : shown)
  return [
    `curl -i -X ${request.method} ${quote(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...(data === undefined ? [] : [`--data-binary ${quote(data)}`]),
  ].join(' ')
}
