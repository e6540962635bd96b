import { randomBytes } from 'node:crypto'
import { createPublicClient, erc20Abi, type Hex, http, parseAbiItem } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { findAsset } from '../../src/money/asset.ts'
import { eventually } from '../support/app.ts'
import type { Random } from '../support/random.ts'

/** Whether the long runs were asked for. */
export const FULL = process.env.FAULTS === 'full'

export type Pair = readonly [chain: string, symbol: string]

/** Pairs that are bought: tokens with 6 and 18 decimals on both chains, and native coins. */
export const PAIRS: readonly Pair[] = [
  ['polygon', 'USDC'],
  ['polygon', 'USDC'],
  ['polygon', 'USDC'],
  ['polygon', 'USDT'],
  ['polygon', 'POL'],
  ['bsc', 'USDC'],
  ['bsc', 'BNB'],
]

/** Answers after which the same call is made again: the first one still runs, or somebody it needs is away. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'request_in_progress',
  'unexpected_error',
  'error_payment_creation',
  'price_unavailable',
  'coin_unavailable',
])
const PAUSE_MS = 100
const PATIENCE_MS = 300_000

export type PaymentType = 'card' | 'transfer' | 'psd2'

export interface Bought {
  externalId: string
  paymentType: PaymentType
  chain: string
  symbol: string
  wallet: Hex
  paymentId?: string
  paid: boolean
}

/** Customers who buy, through a connection that may break at any moment: each call is repeated until it is answered. */
export interface Buyers {
  bought: Bought[]
  /** Registers and verifies customers. */
  prepare(customers: number): Promise<void>
  /** One payment, created and paid, by card unless told. Resolves when it is paid, however often the server died. */
  buy(how?: { paymentType?: PaymentType; pairs?: readonly Pair[] }): Promise<Bought>
  /** Calls until it is answered with more than a wish to come back. */
  api(method: string, path: string, body?: unknown, key?: string): Promise<Answer>
  /** Calls once; nothing when there was no answer. */
  once(method: string, path: string, body?: unknown): Promise<Answer | undefined>
  stop(): void
}

export interface Answer {
  status: string
  error?: string
  message?: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read what an endpoint answered.
  data?: any
}

export function createBuyers(url: string, random: Random): Buyers {
  const bought: Bought[] = []
  const customers: number[] = []
  let token = ''
  let stopped = false

  async function once(
    method: string,
    path: string,
    body?: unknown,
    key?: string,
  ): Promise<Answer | undefined> {
    try {
      const headers: Record<string, string> = { auth: token }
      if (body !== undefined) headers['content-type'] = 'application/json'
      if (key) headers['idempotency-key'] = key
      const response = await fetch(url + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(15_000),
      })
      return (await response.json()) as Answer
    } catch {
      // The server died under the call, or isn't up yet: what it did is unknown, so the same call is made again.
      return undefined
    }
  }

  async function api(method: string, path: string, body?: unknown, key?: string): Promise<Answer> {
    const deadline = performance.now() + PATIENCE_MS
    let answer: Answer | undefined
    while (!stopped) {
      answer = await once(method, path, body, key)
      if (answer?.error === 'authorization_incorrect') await authenticate()
      else if (answer && !TRANSIENT.has(answer.error ?? '')) return answer
      if (performance.now() > deadline)
        throw new Error(`${method} ${path} was tried in vain: ${answer?.error}: ${answer?.message}`)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    throw new Error(`${method} ${path}: the customers were stopped.`)
  }

  async function authenticate(): Promise<void> {
    const answer = await once('POST', '/api/authenticate', {
      api_key: 'sandbox-key',
      api_secret: 'sandbox-secret',
    })
    if (answer?.data) token = answer.data.token
  }

  async function must(method: string, path: string, body?: unknown, key?: string): Promise<Answer> {
    const answer = await api(method, path, body, key)
    if (answer.status === 'error') throw new Error(`${method} ${path}: ${answer.error}: ${answer.message}`)
    return answer
  }

  async function register(n: number): Promise<void> {
    const { data } = await must(
      'POST',
      '/api/registerUser',
      { name: `Buyer ${n}`, email: `buyer${n}@example.com`, country: 'ES' },
      `customer-${n}`,
    )
    await must('POST', '/api/sandbox/kyc', { user_id: data.id, outcome: 'valid' })
    customers.push(data.id)
  }

  /** A refused second try may mean that the first, unanswered one was paid: the payment shows it a moment later. */
  async function confirmPaid({ paymentId }: Bought, refused: Answer): Promise<void> {
    const what = `payment ${paymentId} to be paid, which was refused: ${refused.error}: ${refused.message}`
    await eventually(
      what,
      async () => PAID.has((await must('GET', `/api/payment/${paymentId}`)).data.status),
      PATIENCE_MS,
    )
  }

  return {
    bought,
    api,
    once,
    async prepare(count) {
      const first = customers.length
      await authenticate()
      for (let n = first; n < first + count; n += 1) await register(n)
    },
    async buy({ paymentType = 'card', pairs = PAIRS } = {}) {
      const [chain, symbol] = random.pick(pairs)
      const one: Bought = {
        externalId: `fault-${bought.length}`,
        paymentType,
        chain,
        symbol,
        wallet: privateKeyToAddress(`0x${randomBytes(32).toString('hex')}`),
        paid: false,
      }
      const customer = customers[bought.length % customers.length]
      bought.push(one)
      const body = {
        user_id: customer,
        coin_symbol: symbol,
        coin_chain: chain,
        fiat_amount: `${20 + random.below(20)}.${10 + random.below(90)}`,
        payment_type: paymentType,
        external_id: one.externalId,
        wallet: one.wallet,
      }
      // A repeated call must find what the first one did, by its external_id alone as well as by a key. The key of a
      // call whose process died is free only after a minute, for which short runs have no time.
      const key = FULL && random.chance(0.5) ? one.externalId : undefined
      const created = await must('POST', '/api/createGuidedPayment', body, key)
      one.paymentId = created.data.payment_id
      const path = `/api/sandbox/payments/${one.paymentId}/pay`
      const paid = await api('POST', path, {})
      if (paid.status !== 'ok') await confirmPaid(one, paid)
      one.paid = true
      return one
    },
    stop() {
      stopped = true
    },
  }
}

const PAID: ReadonlySet<string> = new Set(['payment_received', 'coins_sent'])

const TRANSFER = parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)')

/** What the chain itself says arrived in a wallet: units, and in how many transfers (1 for native coins that arrived at all). */
export async function arrivedOnChain(
  rpcUrl: string,
  tokens: Record<string, Hex>,
  { chain, symbol, wallet }: Pick<Bought, 'chain' | 'symbol' | 'wallet'>,
): Promise<{ units: bigint; transfers: number }> {
  const client = createPublicClient({ transport: http(rpcUrl) })
  if (findAsset(chain, symbol)?.kind === 'native') {
    const units = await client.getBalance({ address: wallet })
    return { units, transfers: units > 0n ? 1 : 0 }
  }
  const address = tokens[symbol] as Hex
  const [units, logs] = await Promise.all([
    client.readContract({ address, abi: erc20Abi, functionName: 'balanceOf', args: [wallet] }),
    client.getLogs({ address, event: TRANSFER, args: { to: wallet }, fromBlock: 0n }),
  ])
  return { units, transfers: logs.length }
}
