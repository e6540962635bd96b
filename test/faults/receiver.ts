import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Random } from '../support/random.ts'

/** A receiver of webhooks that sometimes fails, and remembers what it was told. */
export interface FaultyReceiver {
  url: string
  /** Event ids by `<type> <payment id>`. */
  seen: Map<string, Set<string>>
  /** What was heard of each payment, sale or customer, each event once, in the order in which it was first heard. */
  heard: Map<string, { id: string; type: string; sequence: number }[]>
  stop(): Promise<void>
}

export async function startFaultyReceiver(random: Random, failureRate: number): Promise<FaultyReceiver> {
  const seen = new Map<string, Set<string>>()
  const heard: FaultyReceiver['heard'] = new Map()
  const failed = new Set<string>()
  const server = createServer(async (request, response) => {
    // Others on the machine may try a port that was theirs a moment ago; a webhook is a POST.
    if (request.method !== 'POST') return void response.writeHead(405).end()
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const event = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    // Each event fails once at most: after the third failure it would come minutes later.
    const fails = !failed.has(event.id) && random.chance(failureRate)
    if (fails) failed.add(event.id)
    const isHeard = fails && random.chance(0.5)
    if (fails && !isHeard) return void response.writeHead(503).end()
    const key = `${event.type} ${event.data.id}`
    seen.set(key, (seen.get(key) ?? new Set()).add(event.id))
    const ofSubject = heard.get(event.data.id) ?? []
    if (!ofSubject.some(({ id }) => id === event.id))
      ofSubject.push({ id: event.id, type: event.type, sequence: event.sequence })
    heard.set(event.data.id, ofSubject)
    // Heard, but the sender never learns that it was.
    if (isHeard) return void request.socket.destroy()
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    seen,
    heard,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
