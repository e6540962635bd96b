import { randomBytes } from 'node:crypto'
import { createPublicClient, erc20Abi, type Hex, http, parseAbiItem } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { findAsset } from '../../src/money/asset.ts'
import type { Random } from '../support/random.ts'

/** Pairs that are bought: tokens with 6 and 18 decimals on both chains, and native coins. */
const PAIRS = [
  ['polygon', 'USDC'],
  ['polygon', 'USDC'],
  ['polygon', 'USDC'],
  ['polygon', 'USDT'],
  ['polygon', 'POL'],
  ['bsc', 'USDC'],
  ['bsc', 'BNB'],
] as const

export interface Bought {
  externalId: string
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
  /** One payment, created and paid by card. Resolves when both were answered, however often the server died. */
  buy(): Promise<void>
  api(method: string, path: string, body?: unknown, key?: string): Promise<Answer>
  stop(): void
}

interface Answer {
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
    while (!stopped) {
      const answer = await once(method, path, body, key)
      if (answer?.error === 'authorization_incorrect') await authenticate()
      else if (answer && answer.error !== 'request_in_progress' && answer.error !== 'unexpected_error')
        return answer
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    return { status: 'stopped' }
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

  return {
    bought,
    api,
    async prepare(count) {
      for (let n = 0; n < count; n += 1) {
        const { data } = await must(
          'POST',
          '/api/registerUser',
          { name: `Buyer ${n}`, email: `buyer${n}@example.com`, country: 'ES' },
          `customer-${n}`,
        )
        await must('POST', '/api/sandbox/kyc', { user_id: data.id, outcome: 'valid' })
        customers.push(data.id)
      }
      for (const id of customers) {
        while (!stopped && (await must('GET', `/api/kyc/check?user_id=${id}`)).data.kyc_status !== 'valid') {
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    },
    async buy() {
      const [chain, symbol] = random.pick(PAIRS)
      const one: Bought = {
        externalId: `fault-${bought.length}`,
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
        payment_type: 'card',
        external_id: one.externalId,
        wallet: one.wallet,
      }
      const created = await must('POST', '/api/createGuidedPayment', body, `create-${one.externalId}`)
      if (stopped) return
      one.paymentId = created.data.payment_id
      const paid = await api(
        'POST',
        `/api/sandbox/payments/${one.paymentId}/pay`,
        {},
        `pay-${one.externalId}`,
      )
      one.paid = paid.status === 'ok'
      if (!stopped && !one.paid) await confirmPaid(one, paid)
    },
    stop() {
      stopped = true
    },
  }

  /** A refused second try may mean that the first, unanswered one was paid. */
  async function confirmPaid(one: Bought, refused: Answer): Promise<void> {
    const { data } = await must('GET', `/api/payment/${one.paymentId}`)
    if (['payment_received', 'coins_sent'].includes(data.status)) one.paid = true
    else
      throw new Error(
        `Paying ${one.paymentId} (${data.status}) was refused: ${refused.error}: ${refused.message}`,
      )
  }
}

const TRANSFER = parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)')

/** What the chain itself says arrived in a wallet: units, and in how many transfers (1 for native coins that arrived at all). */
export async function arrivedOnChain(
  rpcUrl: string,
  tokens: Record<string, Hex>,
  { chain, symbol, wallet }: Bought,
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
