import { randomBytes } from 'node:crypto'
import type { Secrets } from '../kernel/secrets.ts'
import { equalInConstantTime } from '../kernel/secrets.ts'
import { amountOf } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { type Price, parsePrice } from '../money/rate.ts'
import { createQuoteSignature } from './quote-signature.ts'

interface QuoteFor {
  integrationId: number
  side: 'buy' | 'sell'
  /** Lower case; for a sale the payout's. */
  paymentType: string
  /** Asset ids: `EUR`, `polygon:USDC`. */
  fiat: string
  coin: string
  issuedAt: Date
  /** To be used before this moment of the platform's time. */
  expiresAt: Date
}

/** What is signed: the very texts that the caller was shown, amounts in major units with all of their decimals. */
export interface QuoteTexts extends QuoteFor {
  amount: string
  price: string
  fee: string
  networkFee: string
  tokens: string
}

/** What a quote promised, carried by its id; nothing is stored until the id is used. */
export interface QuoteTerms extends QuoteFor {
  amountUnits: bigint
  price: Price
  feeUnits: bigint
  networkFeeUnits: bigint
  coinUnits: bigint
}

export type OpenedQuote =
  | { terms: QuoteTerms; problem?: undefined }
  | { problem: 'unknown' | 'expired'; terms?: undefined }

/** The longest a quote id may be; ours are shorter. */
export const QUOTE_ID_MAX_LENGTH = 512

const VERSION = '2'
const FIELDS = 14

/** Two quotes of the same moment and terms are two quotes: each can be used once. */
const process = randomBytes(6).toString('base64url')
let count = 0

export interface QuoteIds {
  /** An opaque text that carries the terms and can't be altered or made up without the master key. */
  sign(texts: QuoteTexts): string
  /**
   * Reads a quote id back. `unknown`: not one of ours, or altered. The signature is over the text itself and compared
   * as text, so that no other spelling of the same bytes passes as a second quote.
   */
  open(quoteId: string, now: Date): OpenedQuote
}

export function createQuoteIds(secrets: Secrets): QuoteIds {
  const signature = createQuoteSignature(secrets.index('quote', 'signing key'))
  const scratch = Buffer.alloc(QUOTE_ID_MAX_LENGTH)
  return {
    sign(texts) {
      const length = scratch.write(writeFields(texts), 'latin1')
      const body = scratch.toString('base64url', 0, length)
      // Joined rather than concatenated: V8 writes flat text as JSON three times faster than text in pieces.
      return [body, signature(body)].join('.')
    },
    open(quoteId, now) {
      if (quoteId.length > QUOTE_ID_MAX_LENGTH) return { problem: 'unknown' }
      const point = quoteId.indexOf('.')
      const body = quoteId.slice(0, point)
      // Buffers drop what is beyond a byte, so other characters would pass for the ones that were signed.
      if (point < 1 || !/^[A-Za-z0-9_-]+$/.test(body)) return { problem: 'unknown' }
      if (!equalInConstantTime(quoteId.slice(point + 1), signature(body))) return { problem: 'unknown' }
      const fields = Buffer.from(body, 'base64url').toString('latin1').split('|')
      if (fields[0] !== VERSION || fields.length !== FIELDS) return { problem: 'unknown' }
      const terms = readFields(fields)
      return now < terms.expiresAt ? { terms } : { problem: 'expired' }
    },
  }
}

function writeFields(texts: QuoteTexts): string {
  count += 1
  const order = `${VERSION}|${texts.integrationId}|${texts.side}|${texts.paymentType}|${texts.fiat}|${texts.coin}`
  const figures = `${texts.amount}|${texts.price}|${texts.fee}|${texts.networkFee}|${texts.tokens}`
  return `${order}|${figures}|${texts.issuedAt.getTime()}|${texts.expiresAt.getTime()}|${process}${count.toString(36)}`
}

/** The fields are ours, signed; a wrong one is a mistake in this file, so it throws. */
function readFields(fields: readonly string[]): QuoteTerms {
  const [
    ,
    integrationId,
    side,
    paymentType,
    fiat,
    coin,
    amount,
    price,
    fee,
    network,
    coins,
    issued,
    expires,
  ] = fields as [string, string, 'buy' | 'sell', ...string[]]
  const money = assetOf(fiat!)
  return {
    integrationId: Number(integrationId),
    side,
    paymentType: paymentType!,
    fiat: fiat!,
    coin: coin!,
    amountUnits: amountOf(amount!, money),
    price: parsePrice(price!, 'nearest')!,
    feeUnits: amountOf(fee!, money),
    networkFeeUnits: amountOf(network!, money),
    coinUnits: amountOf(coins!, assetOf(coin!)),
    issuedAt: new Date(Number(issued)),
    expiresAt: new Date(Number(expires)),
  }
}
