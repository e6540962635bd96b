import { randomBytes } from 'node:crypto'
import type { Address } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { amountOf, formatAmount } from '../../src/money/amount.ts'
import { findAsset } from '../../src/money/asset.ts'
import { powerOfTen } from '../../src/money/rounding.ts'
import { payerIban } from '../../src/providers/bank/simulated/incoming.ts'
import { MAGIC_PAYEES, type PayeeFate } from '../../src/providers/bank/simulated/magic.ts'
import type { Random } from '../support/random.ts'
import type { Answer, Buyers, Pair } from './buyers.ts'
import type { Senders, Sent } from './senders.ts'

/** Pairs that are sold: tokens with 6 and 18 decimals on both chains, and native coins. */
export const SOLD_PAIRS: readonly Pair[] = [
  ['polygon', 'USDC'],
  ['polygon', 'USDC'],
  ['polygon', 'USDC'],
  ['polygon', 'USDT'],
  ['polygon', 'POL'],
  ['bsc', 'USDC'],
  ['bsc', 'BNB'],
]

/** One transfer to the sale's address: a part of what was asked, in percent, of its coin or of another one. */
interface Part {
  percent: number
  of?: 'other'
  from?: 'blocked'
  takenBack?: true
}

interface Plan {
  /** While the sale waits for coins, one after the other. */
  inTime: readonly Part[]
  /** When its window is over. */
  late?: readonly Part[]
  ends: 'finished' | 'expired' | 'refunded' | 'in_review'
  /** What the integrator hears, in this order. */
  hears: readonly string[]
  /** What goes back to the customer's wallet, in parts as above. */
  back?: Part
  /** What the bank makes of the transfer, when it does not book it for good. */
  bank?: Extract<PayeeFate['does'], 'refuse' | 'reject' | 'return'>
  /** Native coins have no other coin beside them. */
  tokensOnly?: true
}

const RECEIVED = 'CRYPTO_RECEIVED'
const FINISHED = 'TRANSFER_RAMPOFF_FINISHED'
const REFUNDED = 'RAMPOFF_REFUNDED'
const EXPIRED = 'RAMPOFF_EXPIRED'
const IN_REVIEW = 'RAMPOFF_IN_REVIEW'

export const SALE_EVENTS = [RECEIVED, FINISHED, REFUNDED, EXPIRED, IN_REVIEW, 'RAMPOFF_FAILED'] as const

/** What customers do with the address they are given, and where that must end. Sales are worth some 60 EUR. */
export const PLANS = {
  exact: { inTime: [{ percent: 100 }], ends: 'finished', hears: [RECEIVED, FINISHED] },
  more: { inTime: [{ percent: 130 }], ends: 'finished', hears: [RECEIVED, FINISHED] },
  parts: { inTime: [{ percent: 40 }, { percent: 60 }], ends: 'finished', hears: [RECEIVED, FINISHED] },
  less: { inTime: [{ percent: 60 }], ends: 'finished', hears: [RECEIVED, FINISHED] },
  // Worth less than a sale may be.
  too_little: {
    inTime: [{ percent: 10 }],
    ends: 'refunded',
    hears: [RECEIVED, REFUNDED],
    back: { percent: 10 },
  },
  late: {
    inTime: [],
    late: [{ percent: 100 }],
    ends: 'finished',
    hears: [EXPIRED, RECEIVED, FINISHED],
  },
  nothing: { inTime: [], ends: 'expired', hears: [EXPIRED] },
  wrong_coin: {
    inTime: [{ percent: 30, of: 'other' }, { percent: 100 }],
    ends: 'finished',
    hears: [RECEIVED, FINISHED],
    back: { percent: 30, of: 'other' },
    tokensOnly: true,
  },
  wrong_alone: {
    inTime: [{ percent: 30, of: 'other' }],
    ends: 'refunded',
    hears: [REFUNDED],
    back: { percent: 30, of: 'other' },
    tokensOnly: true,
  },
  // Worth less than moving it costs, and not even the coin that is asked.
  dust: {
    inTime: [{ percent: 0.1, of: 'other' }, { percent: 100 }],
    ends: 'finished',
    hears: [RECEIVED, FINISHED],
    tokensOnly: true,
  },
  taken_back: {
    inTime: [{ percent: 100, takenBack: true }, { percent: 100 }],
    ends: 'finished',
    hears: [RECEIVED, FINISHED],
  },
  refused: { inTime: [{ percent: 100 }], ends: 'in_review', hears: [RECEIVED, IN_REVIEW], bank: 'refuse' },
  rejected: { inTime: [{ percent: 100 }], ends: 'in_review', hears: [RECEIVED, IN_REVIEW], bank: 'reject' },
  // A day after it was sent.
  sent_back: {
    inTime: [{ percent: 100 }],
    ends: 'in_review',
    hears: [RECEIVED, FINISHED, IN_REVIEW],
    bank: 'return',
  },
  blocked: { inTime: [{ percent: 100, from: 'blocked' }], ends: 'in_review', hears: [IN_REVIEW] },
} as const satisfies Record<string, Plan>

export type SaleCase = keyof typeof PLANS

export const planOf = (kind: SaleCase): Plan => PLANS[kind]

const WORTH_EUR = 60n

export interface Sold {
  externalId: string
  kind: SaleCase
  chain: string
  symbol: string
  units: bigint
  /** The customer's account at another bank, and the wallet for what goes back: another one for each sale. */
  iban: string
  refundWallet: Address
  saleId?: string
  address?: Address
  /** What is final on the chain. */
  sent: Sent[]
  done: { inTime: boolean; late: boolean }
}

/** Customers who sell, through a connection that may break at any moment. */
export interface Sellers {
  sold: Sold[]
  /** Registers and verifies customers. */
  prepare(customers: number): Promise<void>
  /** One sale, created, and all coins of it that come in time sent and final on the chain. */
  sell(how?: { kind?: SaleCase; pairs?: readonly Pair[] }): Promise<Sold>
  /** What comes late, once every window is over. */
  sendLate(): Promise<void>
}

export function createSellers(buyers: Buyers, senders: Senders, random: Random): Sellers {
  const sold: Sold[] = []
  const customers: number[] = []

  async function must(method: string, path: string, body?: unknown, key?: string): Promise<Answer> {
    const answer = await buyers.api(method, path, body, key)
    if (answer.status === 'error') throw new Error(`${method} ${path}: ${answer.error}: ${answer.message}`)
    return answer
  }

  /** So many coins as are worth some 60 EUR, without more decimals than anybody writes. */
  async function amountFor(chain: string, symbol: string): Promise<bigint> {
    const { data } = await must('GET', `/api/token-price?symbol=${symbol}&chain=${chain}`)
    const asset = findAsset(chain, symbol)!
    const [whole = '', part = ''] = String(data.price).split('.')
    const priceUnits = BigInt(whole + part.padEnd(8, '0').slice(0, 8))
    const units = ((WORTH_EUR + BigInt(random.below(10))) * powerOfTen(asset.decimals + 8)) / priceUnits
    const step = powerOfTen(asset.decimals - 4)
    return (units / step) * step
  }

  async function create(one: Sold): Promise<void> {
    const body = {
      user_id: customers[sold.indexOf(one) % customers.length],
      amount: formatAmount(one.units, findAsset(one.chain, one.symbol)!),
      symbol: one.symbol,
      blockchain: one.chain,
      iban: one.iban,
      external_id: one.externalId,
      refund_wallet: one.refundWallet,
    }
    const { data } = await must('POST', '/api/createRampoff', body)
    one.saleId = data.id
    one.address = data.wallet
  }

  async function send(one: Sold, parts: readonly Part[]): Promise<void> {
    for (const part of parts) {
      const { symbol, units } = partOf(one, part)
      const order = { chain: one.chain, symbol, units, to: one.address! }
      const sent = part.takenBack
        ? await senders.sendAndTakeBack(order)
        : await senders.send(part.from ? { ...order, from: part.from } : order)
      if (!sent) continue
      one.sent.push(sent)
      // It was to be taken back and could not be: it is the deposit.
      if (part.takenBack) return
    }
  }

  return {
    sold,
    async prepare(count) {
      for (let n = customers.length; customers.length < count; n += 1) {
        const person = { name: `Seller ${n}`, email: `seller${n}@example.com`, country: 'ES' }
        const { data } = await must('POST', '/api/registerUser', person, `seller-${n}`)
        await must('POST', '/api/sandbox/kyc', { user_id: data.id, outcome: 'valid' })
        customers.push(data.id)
      }
    },
    async sell({ kind = 'exact', pairs = SOLD_PAIRS } = {}) {
      const plan = planOf(kind)
      const fitting = pairs.filter(([chain, symbol]) => !plan.tokensOnly || otherOf(chain, symbol) !== null)
      const [chain, symbol] = random.pick(fitting)
      const externalId = `sale-${sold.length}`
      const one: Sold = {
        externalId,
        kind,
        chain,
        symbol,
        units: 0n,
        iban: plan.bank ? ibanThatWill(plan.bank) : payerIban(externalId),
        refundWallet: privateKeyToAddress(`0x${randomBytes(32).toString('hex')}`),
        sent: [],
        done: { inTime: false, late: false },
      }
      sold.push(one)
      one.units = await amountFor(chain, symbol)
      await create(one)
      await send(one, plan.inTime)
      one.done.inTime = true
      return one
    },
    async sendLate() {
      const waiting = sold.filter(({ done }) => !done.late)
      await Promise.all(
        waiting.map(async (one) => {
          await send(one, planOf(one.kind).late ?? [])
          one.done.late = true
        }),
      )
    },
  }
}

const ibanThatWill = (does: PayeeFate['does']): string =>
  MAGIC_PAYEES.find(
    ({ value, fate }) => fate.does === does && fate.keptUnits === 0n && !value.startsWith('…'),
  )!.value

/** A token that is not the one that is asked, on the same chain. */
function otherOf(chain: string, symbol: string): string | null {
  if (findAsset(chain, symbol)?.kind === 'native') return null
  if (chain === 'polygon') return symbol === 'USDC' ? 'USDT' : 'USDC'
  return symbol === 'USDC' ? 'BUSD' : 'USDC'
}

/** The coin and units of a part. */
export function partOf(one: Sold, { percent, of }: Part): { symbol: string; units: bigint } {
  const asset = findAsset(one.chain, one.symbol)!
  const symbol = of === 'other' ? otherOf(one.chain, one.symbol)! : one.symbol
  const other = findAsset(one.chain, symbol)!
  const units = (one.units * BigInt(percent * 10)) / 1000n
  return { symbol, units: amountOf(formatAmount(units, asset), other) }
}
