import { parseArgs } from 'node:util'
import type { Scene } from './begin.ts'
import { buy } from './buy.ts'
import { createCompany } from './company.ts'
import { findOrStartServer, findServer } from './own-server.ts'
import { startReceiver } from './receiver.ts'
import { sell } from './sell.ts'
import { paint, showWebhook } from './show.ts'

const HELP = `npm run demo -- [buy | sell] [options]

Plays a remittance company that follows the guides: each call, its answer and time, and the webhooks with their
signatures checked.

  buy     (default) euros in by card, coins in the customer's wallet on the chain, before and after
  sell    coins in by a real transaction from the customer's wallet, euros out by the bank, with the line on its statement

Uses the server that runs, or starts one of its own for the time of the demo.

  --url <url>         the server, which must run (default: PUBLIC_URL, or http://127.0.0.1:8080, or one of its own)
  --api-key <key>     default: sandbox-key
  --api-secret <s>    default: sandbox-secret
  --amount <amount>   euros to buy for (150.50), or USDC to sell (100)
  --help
`

const FLOWS = {
  buy: { title: 'the buy flow', run: buy, amount: '150.50', unit: 'euros', decimals: 2 },
  sell: { title: 'the sell flow', run: sell, amount: '100', unit: 'USDC', decimals: 6 },
} as const

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      'api-key': { type: 'string', default: 'sandbox-key' },
      'api-secret': { type: 'string', default: 'sandbox-secret' },
      amount: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const name = positionals[0] ?? 'buy'
  if (positionals.length > 1 || !(name in FLOWS))
    throw new Error(`There is no demo called ${positionals.join(' ')}. There are: buy, sell.`)
  const known = name as keyof typeof FLOWS
  if (values.amount !== undefined) refuseNoAmount(known, values.amount)
  return { ...values, name: known }
}

/** Before anything is asked of the server: what it would refuse later on should leave nothing behind. */
function refuseNoAmount(name: keyof typeof FLOWS, amount: string): void {
  const { amount: usual, unit, decimals } = FLOWS[name]
  const parts = /^\d{1,15}(?:\.(\d+))?$/.exec(amount)
  if (parts && (parts[1]?.length ?? 0) <= decimals && /[1-9]/.test(amount)) return
  throw new Error(
    `--amount ${amount} is no amount of ${unit}: write it like ${usual}, above zero, with at most ${decimals} decimals.`,
  )
}

async function demo({ name, url, amount, ...values }: ReturnType<typeof readArguments>): Promise<void> {
  const usual = process.env.PUBLIC_URL ?? `http://127.0.0.1:${process.env.PORT ?? 8080}`
  const flow = FLOWS[name]
  const server = url === undefined ? await findOrStartServer(usual) : await findServer(url)
  console.log(
    `${paint('bold', `CryptoPocket: ${flow.title}`)}\n${server.kind === 'own' ? 'An own server was started under' : 'Against the server under'} ${server.url}`,
  )
  const receiver = await startReceiver(values['api-secret'], showWebhook)
  const company = createCompany(server.url, values['api-key'], values['api-secret'])
  const undo: Scene['undo'] = []
  try {
    await flow.run({ url: server.url, company, receiver, undo }, amount ?? flow.amount)
  } finally {
    // However it ended, the company's own webhooks go where they went before.
    for (const back of undo.reverse())
      await back().catch((error) => console.error(`Not put back: ${error.message}`))
    await receiver.stop()
    await server.stop()
  }
}

try {
  const given = readArguments()
  if (given.help) console.log(HELP)
  else await demo(given)
} catch (error) {
  console.error(`\n${paint('red', '✗')} ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
