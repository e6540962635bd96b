import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One webhook as it came in, its signature checked. */
export interface Received {
  id: string
  type: string
  sequence: number
  data: Record<string, unknown>
  signatureIsValid: boolean
}

export interface Receiver {
  url: string
  received: Received[]
  /** Waits for the first event of this type that passes `test`. */
  waitFor(type: string, test?: (event: Received) => boolean, withinMs?: number): Promise<Received>
  stop(): Promise<void>
}

const MOST_SECONDS_APART = 300

/** Whether a webhook is ours: HMAC-SHA256 over the raw body followed by the timestamp, keyed with the api_secret. */
export function verifySignature(
  rawBody: Buffer,
  headers: IncomingMessage['headers'],
  apiSecret: string,
  nowSeconds: number,
): boolean {
  const timestamp = String(headers['x-timestamp'] ?? '')
  if (!/^\d+$/.test(timestamp) || Math.abs(nowSeconds - Number(timestamp)) > MOST_SECONDS_APART) return false
  const expected = createHmac('sha256', apiSecret).update(rawBody).update(timestamp).digest()
  const given = Buffer.from(String(headers['x-signature'] ?? ''), 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Listens for webhooks on a loopback port. It may get an event twice: it keeps each id once. */
export async function startReceiver(
  apiSecret: string,
  onEvent: (event: Received) => void,
): Promise<Receiver> {
  const received: Received[] = []
  const waiting = new Set<() => void>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const rawBody = Buffer.concat(chunks)
    const signatureIsValid = verifySignature(rawBody, request.headers, apiSecret, Date.now() / 1000)
    response.writeHead(signatureIsValid ? 204 : 401).end()
    const event = {
      ...(JSON.parse(rawBody.toString('utf8')) as Omit<Received, 'signatureIsValid'>),
      signatureIsValid,
    }
    if (received.some(({ id }) => id === event.id)) return
    received.push(event)
    onEvent(event)
    for (const look of waiting) look()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/webhooks`,
    received,
    waitFor(type, test = () => true, withinMs = 20_000) {
      return new Promise((resolve, reject) => {
        const end = (): void => {
          clearTimeout(timer)
          waiting.delete(look)
        }
        const look = (): void => {
          const found = received.find((event) => event.type === type && test(event))
          if (!found) return
          end()
          resolve(found)
        }
        const timer = setTimeout(() => {
          end()
          reject(new Error(`No webhook ${type} came within ${withinMs / 1000} s.`))
        }, withinMs)
        waiting.add(look)
        look()
      })
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
