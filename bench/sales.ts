import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { type Address, type Hex, maxUint256 } from 'viem'
import type { PrivateKeyAccount } from 'viem/accounts'
import { payerIban } from '../src/providers/bank/simulated/incoming.ts'
import { approveData, disperseData } from '../src/providers/chain/tokens.ts'
import { SANDBOX_CHAIN_IDS } from '../src/sandbox/chain/chains.ts'
import { findFreePort } from '../src/sandbox/chain/node-process.ts'
import { type Api, openApi, untilAnswered } from './api.ts'
import { fundWallet, openNode } from './chain-node.ts'
import { type Benchmark, median } from './measure.ts'
import { memoryFigures } from './payments.ts'
import { addCustomers, liftLimits } from './people.ts'
import { describeUse, readProcessorTime } from './processor.ts'
import { startReceiver } from './receiver.ts'
import { type ServerProcess, startProcess } from './servers.ts'
import { openWorld, type World } from './world.ts'

/** What is asked for, and a little more that is offered, so that keeping up with it proves the figure. */
const REQUIRED_PER_SECOND = 50
const OFFERED_PER_SECOND = Number(process.env.BENCH_SALES_PER_SECOND ?? 52)
const WARM_UP_SECONDS = 15
const SECONDS = Number(process.env.BENCH_SALES_SECONDS ?? 60)
/** Sales may be on their way this long when the load ends. */
const DRAIN_SECONDS = 60
/** Deposits come in batches of one transaction each, so that the chain isn't the limit. */
const BATCHES_PER_SECOND = 4
const CONNECTIONS = 16
const AMOUNT = '100'
const UNITS = 100_000_000n
const FLOAT = '900000.00'
const GAS_A_TRANSFER = 70_000n
const FEES = { maxFeePerGas: 10n ** 13n, maxPriorityFeePerGas: 10n ** 9n }
const EVENTS = ['CRYPTO_RECEIVED', 'TRANSFER_RAMPOFF_FINISHED'] as const

export const sales: Benchmark = {
  name: 'sales',
  about:
    'whole sales, from the deposit to finished, both webhooks delivered, the coins swept meanwhile; two processes; and their memory',
  async run(tell) {
    const world = await openWorld()
    const port = await findFreePort()
    const env = { ...world.env, PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` }
    const first = await startProcess('bench/serve-app.ts', [], { ...env, ROLE: 'all' })
    const second = await startProcess('bench/serve-app.ts', [], { ...env, ROLE: 'worker' })
    try {
      const run = await measure(world, [first, second], tell)
      const between = (run.perSecond * SECONDS) / 2
      return [
        {
          what: 'whole sales, deposit to finished',
          measured: `${run.perSecond.toFixed(1)}/s sustained ${SECONDS} s`,
          baseline: `${REQUIRED_PER_SECOND}/s`,
          ratio: run.perSecond / REQUIRED_PER_SECOND,
          required: { atLeast: 1 },
        },
        {
          what: 'more sales under way at the end than at the middle of the run, of those that came in between',
          measured: `${Math.round(run.backlog.end - run.backlog.middle)}`,
          baseline: `${Math.round(between)} (${run.medianMs} ms from the deposit to the last webhook)`,
          ratio: (run.backlog.end - run.backlog.middle) / between,
          required: { atMost: 0.02 },
        },
        ...memoryFigures('api and worker', first.memory.slice(-SECONDS)),
        ...memoryFigures('worker', second.memory.slice(-SECONDS)),
      ]
    } finally {
      await second.stop()
      await first.stop()
      await world.stop()
    }
  },
}

interface Backlog {
  middle: number
  end: number
}

interface Run {
  perSecond: number
  backlog: Backlog
  medianMs: number
}

interface OpenSale {
  id: string
  wallet: Address
}

async function measure(
  world: World,
  servers: readonly [ServerProcess, ServerProcess],
  tell: (line: string) => void,
): Promise<Run> {
  const waiting = new Map<string, { startedMs: number; events: Set<string> }>()
  const ended: { atMs: number; tookMs: number }[] = []
  const receiver = await startReceiver('sandbox-secret', (type, data) => {
    const sale = waiting.get(String(data.id))
    sale?.events.add(type)
    if (!sale || sale.events.size < EVENTS.length) return
    waiting.delete(String(data.id))
    ended.push({ atMs: performance.now(), tookMs: performance.now() - sale.startedMs })
  })
  const api = await openApi(servers[0].url, CONNECTIONS)
  const inside = world.open()
  try {
    for (const type of EVENTS) await api.call('POST', '/api/subscribeToWebhook', { type, url: receiver.url })
    const count = Math.ceil(OFFERED_PER_SECOND * (WARM_UP_SECONDS + SECONDS))
    const made = await prepareSales(world, api, count)
    const payer = await openPayer(world)
    tell(`${made.length} sales wait for their coins`)
    const used = readProcessorTime(world, servers)
    const beganMs = performance.now()
    const looks: Look[] = []
    const ticker = setInterval(async () => {
      const atMs = performance.now() - beganMs
      looks.push({ atMs, waiting: waiting.size })
      if (looks.length % 5 === 0)
        tell(
          `${Math.round(atMs / 1000)} s: ${ended.length} whole, ${waiting.size} under way, ${await countUnswept(inside.db)} addresses not swept, ${servers.map(({ memory }) => `${Math.round((memory.at(-1)?.rss ?? 0) / 1048576)} MB`).join(' and ')}`,
        )
    }, 1000)
    try {
      await offer(made, payer, (sale) => {
        waiting.set(sale.id, { startedMs: performance.now(), events: new Set() })
      })
    } finally {
      clearInterval(ticker)
    }
    const fromMs = beganMs + WARM_UP_SECONDS * 1000
    const counted = ended.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + SECONDS * 1000)
    const drainEndsMs = performance.now() + DRAIN_SECONDS * 1000
    while (waiting.size > 0 && performance.now() < drainEndsMs) await sleep(50)
    if (waiting.size > 0)
      throw new Error(`${waiting.size} sales did not end: ${[...waiting.keys()].slice(0, 3)}`)
    tell(describeUse(used, readProcessorTime(world, servers), made.length))
    await checkEnd(inside.db, made.length)
    tell(await describeSweeping(inside.db, beganMs))
    return {
      perSecond: counted.length / SECONDS,
      backlog: { middle: waitingIn(looks, 0.25, 0.5), end: waitingIn(looks, 0.75, 1) },
      medianMs: Math.round(median(counted.map(({ tookMs }) => tookMs))),
    }
  } finally {
    await inside.close()
    await api.close()
    await receiver.stop()
  }
}

interface Look {
  atMs: number
  waiting: number
}

/** How many were under way in a part of the time that counts. */
function waitingIn(looks: readonly Look[], from: number, to: number): number {
  const within = looks.filter(({ atMs }) => {
    const place = (atMs / 1000 - WARM_UP_SECONDS) / SECONDS
    return place >= from && place < to
  })
  return median(within.map(({ waiting }) => waiting))
}

/** Sales that wait for their coins, each of a customer of its own, and money on the account that they are paid from. */
async function prepareSales(world: World, api: Api, count: number): Promise<OpenSale[]> {
  const inside = world.open()
  try {
    await liftLimits(inside.db)
    const customers = await addCustomers(inside, count)
    const sandbox = await api.call<{ bank_accounts: { iban: string; currency: string }[] }>(
      'GET',
      '/api/sandbox',
    )
    const { iban } = sandbox.bank_accounts.find(({ currency }) => currency === 'EUR')!
    const transfer = { iban, amount: FLOAT, concept: 'float', name: 'Sandbox Remittances' }
    await api.call('POST', '/api/sandbox/bank/transfer', transfer)
    const made: OpenSale[] = []
    const waiting = [...customers]
    const make = async (): Promise<void> => {
      for (let customer = waiting.pop(); customer !== undefined; customer = waiting.pop()) {
        const fields = {
          user_id: customer,
          amount: AMOUNT,
          blockchain: 'polygon',
          symbol: 'USDC',
          iban: payerIban(`seller ${customer}`),
        }
        made.push(await untilAnswered(() => api.call<OpenSale>('POST', '/api/createRampoff', fields)))
      }
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, make))
    await sql`analyze`.execute(inside.db)
    return made
  } finally {
    await inside.close()
  }
}

/** Somebody who sends to many in one transaction. */
interface Payer {
  send(to: readonly Address[]): Promise<void>
}

async function openPayer(world: World): Promise<Payer> {
  const node = await openNode(world)
  const account = await fundWallet(node)
  let nonce = 0
  const give = async (to: Address, data: Hex, gas: bigint): Promise<void> => {
    await node.rpc.call('eth_sendRawTransaction', await sign(account, { to, data, gas, nonce }))
    nonce += 1
  }
  await give(node.usdc, approveData(node.disperse, maxUint256), GAS_A_TRANSFER)
  return {
    send: (to) =>
      give(
        node.disperse,
        disperseData(
          node.usdc,
          to,
          to.map(() => UNITS),
        ),
        100_000n + GAS_A_TRANSFER * BigInt(to.length),
      ),
  }
}

const sign = (
  account: PrivateKeyAccount,
  request: { to: Address; data: Hex; gas: bigint; nonce: number },
): Promise<Hex> =>
  account.signTransaction({
    type: 'eip1559',
    chainId: SANDBOX_CHAIN_IDS.polygon!,
    value: 0n,
    ...FEES,
    ...request,
  })

/** Sends deposits at an even pace, whatever becomes of those before. */
async function offer(
  made: readonly OpenSale[],
  payer: Payer,
  begin: (sale: OpenSale) => void,
): Promise<void> {
  const beganMs = performance.now()
  const size = OFFERED_PER_SECOND / BATCHES_PER_SECOND
  for (let batch = 0; Math.round(batch * size) < made.length; batch += 1) {
    const dueMs = beganMs + (batch * 1000) / BATCHES_PER_SECOND
    if (dueMs > performance.now()) await sleep(dueMs - performance.now())
    const sales = made.slice(Math.round(batch * size), Math.round((batch + 1) * size))
    for (const sale of sales) begin(sale)
    await payer.send(sales.map(({ wallet }) => wallet))
  }
}

type Db = ReturnType<World['open']>['db']

/** Addresses whose coins are here and have not got to the hot wallet. */
async function countUnswept(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select (select count(*) from deposits where state = 'final')::int
         - (select count(*) from sweeps where state = 'done')::int as count`.execute(db)
  return rows[0]!.count
}

/** Sweeping is no part of a sale and may take longer: how fast it goes, in words. */
async function describeSweeping(db: Db, beganMs: number): Promise<string> {
  const deadline = performance.now() + DRAIN_SECONDS * 1000
  while ((await countUnswept(db)) > 0 && performance.now() < deadline) await sleep(250)
  const { rows } = await sql<{ done: number }>`
    select count(*)::int as done from sweeps where state = 'done'`.execute(db)
  const seconds = (performance.now() - beganMs) / 1000
  return `${rows[0]!.done} addresses swept in ${seconds.toFixed(0)} s, ${(rows[0]!.done / seconds).toFixed(1)}/s; ${await countUnswept(db)} left`
}

/** By the tables: every sale is paid, once, of its own amount. */
async function checkEnd(db: Db, count: number): Promise<void> {
  const { rows } = await sql<{
    finished: number
    deposits: number
    sent: number
    paid: bigint
    owed: bigint
  }>`
    select (select count(*) from sales where state = 'finished')::int as finished,
           (select count(*) from deposits where state = 'final' and outcome = 'credited')::int as deposits,
           (select count(*) from simulated.bank_transfers where direction = 'out' and state = 'booked')::int as sent,
           (select sum(units) from simulated.bank_transfers where direction = 'out' and state = 'booked') as paid,
           (select sum(fiat_units) from sales where state = 'finished') as owed`.execute(db)
  const [{ finished, deposits, sent, paid, owed }] = rows as [(typeof rows)[number]]
  if (finished !== count || deposits !== count || sent !== count || paid !== owed)
    throw new Error(
      `Of ${count} sales ${finished} are finished, ${deposits} deposits are counted, ${sent} transfers are sent.`,
    )
}
