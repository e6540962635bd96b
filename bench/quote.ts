import autocannon from 'autocannon'
import { type Benchmark, interleave } from './measure.ts'
import { startProcess } from './servers.ts'
import { authenticate, openWorld } from './world.ts'

const ROUNDS = 9
const SECONDS = 2
const CONNECTIONS = 20
const PATH = '/api/quote?amount=150.50&symbol=USDC&chain=polygon&payment_type=card'

export const quote: Benchmark = {
  name: 'quote',
  about: 'GET /api/quote against a bare Fastify route that answers the same bytes',
  async run(tell) {
    const world = await openWorld()
    const app = await startProcess('bench/serve-app.ts', [], { ...world.env, ROLE: 'api' })
    const auth = await authenticate(app.url)
    const bytes = await firstQuote(app.url + PATH, auth)
    const bare = await startProcess('bench/serve-bytes.ts', [bytes.toString('base64')])
    try {
      const { a, b, ratio } = await interleave(
        ROUNDS,
        () => load(app.url + PATH, auth),
        () => load(bare.url + PATH, auth),
        tell,
      )
      return [
        {
          what: 'quotes',
          measured: `${Math.round(a)}/s`,
          baseline: `${Math.round(b)}/s bare`,
          ratio,
          required: { atLeast: 0.5 },
        },
      ]
    } finally {
      await bare.stop()
      await app.stop()
      await world.stop()
    }
  },
}

/** The bytes of a quote, once prices and wallets have been read. */
async function firstQuote(url: string, auth: string): Promise<Buffer> {
  for (let n = 0; n < 300; n += 1) {
    const bytes = Buffer.from(await (await fetch(url, { headers: { auth } })).arrayBuffer())
    if (bytes.includes('"quote_id"')) return bytes
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`No quote was given: ${await (await fetch(url, { headers: { auth } })).text()}`)
}

async function load(url: string, auth: string): Promise<number> {
  const result = await autocannon({ url, connections: CONNECTIONS, duration: SECONDS, headers: { auth } })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} refused, ${result.errors} errors`)
  return result['2xx'] / result.duration
}
