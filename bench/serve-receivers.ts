import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * Receivers of webhooks, each on a port of its own: all acknowledge at once but the last, which takes what comes and
 * never answers. Tells the addresses, comma separated, and when it has answered as many more as it is told to count.
 */
const count = Number(process.argv[2])
let awaited = 0
process.on('message', (wanted) => {
  awaited = Number(wanted)
})
const urls = await Promise.all(
  Array.from({ length: count }, async (_, place) => {
    const server = createServer((request, response) => {
      request.resume()
      if (place === count - 1) return
      request.once('end', () => {
        response.writeHead(204).end()
        awaited -= 1
        if (awaited === 0) process.send?.('answered')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`
  }),
)
console.log(`ready ${urls.join(',')}`)
process.once('SIGTERM', () => process.exit(0))
