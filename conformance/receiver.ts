import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BadOption } from './options.ts'

export interface Delivery {
  path: string
  headers: Record<string, string>
  rawBody: string
  /** Undefined when the body is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: cases look into it by path.
  body: any
  receivedAtMs: number
}

/** A small webhook receiver, and a place from which the server may fetch files. */
export interface Receiver {
  /** What the server is told to post to. */
  url: string
  deliveries: Delivery[]
  /** Answers the next `times` deliveries of this type with `status`. */
  answerNext(type: string, status: number, times: number): void
  /** Resolves at the next delivery or after `ms`. */
  next(ms: number): Promise<void>
  close(): Promise<void>
}

/** Listens on `port` (0: a free one); `publicUrl` is how the server reaches it, this machine's loopback unless told. */
export async function startReceiver({
  port,
  publicUrl,
}: {
  port: number
  publicUrl: string | undefined
}): Promise<Receiver> {
  const deliveries: Delivery[] = []
  const refusals = new Map<string, { status: number; times: number }>()
  let wake = () => {}

  const server = createServer((request, response) => {
    receive(request, response).catch(() => response.destroy())
  })

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const delivery = readDelivery(request, Buffer.concat(chunks).toString('utf8'))
    deliveries.push(delivery)
    const refusal = refusals.get(delivery.body?.type)
    const refused = refusal !== undefined && refusal.times > 0
    if (refused) refusal.times -= 1
    response.writeHead(refused ? refusal.status : 204).end()
    wake()
  }

  server.listen(port, publicUrl === undefined ? '127.0.0.1' : '0.0.0.0')
  await once(server, 'listening').catch((error: Error) => {
    throw new BadOption(`The webhook receiver can't listen on port ${port}: ${error.message}.`)
  })
  const bound = (server.address() as AddressInfo).port
  return {
    url: publicUrl ?? `http://127.0.0.1:${bound}`,
    deliveries,
    answerNext: (type, status, times) => void refusals.set(type, { status, times }),
    next: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      }),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function readDelivery(request: IncomingMessage, rawBody: string): Delivery {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) headers[name] = [value].flat().join(', ')
  let body: unknown
  try {
    body = JSON.parse(rawBody)
  } catch {
    body = undefined
  }
  return { path: request.url ?? '/', headers, rawBody, body, receivedAtMs: Date.now() }
}
