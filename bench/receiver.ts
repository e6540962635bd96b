import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Receiver {
  url: string
  stop(): Promise<void>
}

/** Takes webhooks: checks each signature, acknowledges, and tells of each event. `onEvent` may hear of one twice. */
export async function startReceiver(
  apiSecret: string,
  onEvent: (type: string, data: Record<string, unknown>) => void,
): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      if (!isSigned(body, request.headers, apiSecret)) return response.writeHead(401).end()
      const { type, data } = JSON.parse(body.toString('utf8'))
      onEvent(type, data)
      return response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function isSigned(body: Buffer, headers: IncomingMessage['headers'], apiSecret: string): boolean {
  const expected = createHmac('sha256', apiSecret)
    .update(body)
    .update(String(headers['x-timestamp']))
    .digest()
  const given = Buffer.from(String(headers['x-signature']), 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
