import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A message on its way: an answer to the client, or a webhook to its receiver. */
export interface Passing {
  method: string
  /** With the query. */
  path: string
  /** What the client asked, or undefined without a JSON body. */
  // biome-ignore lint/suspicious/noExplicitAny: deviations change whatever they like.
  asked: any
  status: number
  headers: Record<string, string>
  text: string
}

export interface Deviation {
  /** Changes what was asked before the server sees it; answers the path to ask for. */
  request?(request: { method: string; path: string; headers: Record<string, string> }): void
  answer?(passing: Passing): void
  /** `text` is what is posted, `headers` the proof. */
  webhook?(passing: Passing): void
}

/** Stands between a client and the server, and the server and its webhook receivers, and alters what passes. */
export interface AlteringProxy {
  url: string
  /** The one deviation in force; undefined: everything passes as it is. */
  deviation: Deviation | undefined
  close(): Promise<void>
}

const HOP = new Set(['connection', 'content-length', 'host', 'keep-alive', 'transfer-encoding'])
const HOOK = '/proxied-webhook?to='

export async function startAlteringProxy(target: string): Promise<AlteringProxy> {
  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const headers = keep(request.headers)
    const path = request.url ?? '/'
    if (path.startsWith(HOOK)) return deliver(response, path, headers, body.toString('utf8'))
    const asking = { method: request.method ?? 'GET', path, headers }
    proxy.deviation?.request?.(asking)
    const sent = redirectHooks(path, headers, body)
    const answer = await fetch(target + asking.path, {
      method: asking.method,
      headers,
      body: sent.length > 0 ? new Uint8Array(sent) : undefined,
      redirect: 'manual',
    })
    const passing: Passing = {
      method: asking.method,
      path,
      asked: readJson(body.toString('utf8')),
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      // The receiver's own address, where the server lists it.
      text: restoreHooks(await answer.text()),
    }
    for (const name of [...HOP, 'content-encoding']) delete passing.headers[name]
    proxy.deviation?.answer?.(passing)
    response.writeHead(passing.status, passing.headers).end(passing.text)
  }

  async function deliver(
    response: ServerResponse,
    path: string,
    headers: Record<string, string>,
    text: string,
  ): Promise<void> {
    const passing = { method: 'POST', path, asked: undefined, status: 0, headers, text }
    proxy.deviation?.webhook?.(passing)
    const to = decodeURIComponent(path.slice(HOOK.length))
    const answer = await fetch(to, { method: 'POST', headers, body: new TextEncoder().encode(passing.text) })
    await answer.arrayBuffer()
    response.writeHead(answer.status).end()
  }

  /** Webhooks go by the proxy too: a subscription's url becomes one of its own. */
  function redirectHooks(path: string, headers: Record<string, string>, body: Buffer): Buffer {
    if (!/Webhook/.test(path) || body.length === 0) return body
    const hook = (to: string): string =>
      to.startsWith('http://127.0.0.1:') ? `${url}${HOOK}${encodeURIComponent(to)}` : to
    if (headers['content-type']?.includes('form')) {
      const form = new URLSearchParams(body.toString('utf8'))
      const to = form.get('url')
      if (to !== null) form.set('url', hook(to))
      return Buffer.from(String(form))
    }
    const json = readJson(body.toString('utf8')) as { url?: string } | undefined
    return json?.url === undefined ? body : Buffer.from(JSON.stringify({ ...json, url: hook(json.url) }))
  }

  const restoreHooks = (text: string): string =>
    text.replaceAll(/http:\/\/127\.0\.0\.1:\d+\/proxied-webhook\?to=([\w%.-]+)/g, (_, to: string) =>
      decodeURIComponent(to),
    )

  const proxy: AlteringProxy = {
    url,
    deviation: undefined,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

function keep(headers: IncomingMessage['headers']): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!HOP.has(name)) kept[name] = [value].flat().join(', ')
  }
  return kept
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
