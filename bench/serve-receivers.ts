import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * Receivers of webhooks, each on a port of its own: all acknowledge at once but the last, which takes what comes and
 * never answers. Tells the addresses, comma separated.
 */
const count = Number(process.argv[2])
const urls = await Promise.all(
  Array.from({ length: count }, async (_, place) => {
    const server = createServer((request, response) => {
      request.resume()
      if (place < count - 1) request.once('end', () => response.writeHead(204).end())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`
  }),
)
console.log(`ready ${urls.join(',')}`)
process.once('SIGTERM', () => process.exit(0))
