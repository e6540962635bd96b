import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createSecrets } from '../kernel/secrets.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { formatPrice, parsePrice } from '../money/rate.ts'
import { createQuoteIds, QUOTE_ID_MAX_LENGTH, type QuoteTerms, type QuoteTexts } from './quote-id.ts'
import { createQuoteSignature } from './quote-signature.ts'

const NOW = new Date('2026-06-26T10:30:00Z')
const secrets = createSecrets(Buffer.alloc(32, 7))
const quoteIds = createQuoteIds(secrets)

function makeTerms(terms: Partial<QuoteTerms> = {}): QuoteTerms {
  return {
    integrationId: 1,
    side: 'buy',
    paymentType: 'card',
    fiat: 'EUR',
    coin: 'polygon:USDC',
    amountUnits: 15050n,
    price: parsePrice('0.9215', 'nearest')!,
    feeUnits: 483n,
    networkFeeUnits: 5n,
    coinUnits: 158_024_959n,
    issuedAt: NOW,
    expiresAt: new Date(NOW.getTime() + 60_000),
    ...terms,
  }
}

function textsOf(terms: QuoteTerms): QuoteTexts {
  const { integrationId, side, paymentType, fiat, coin, issuedAt, expiresAt } = terms
  return {
    ...{ integrationId, side, paymentType, fiat, coin, issuedAt, expiresAt },
    amount: formatAmount(terms.amountUnits, assetOf(fiat)),
    price: formatPrice(terms.price),
    fee: formatAmount(terms.feeUnits, assetOf(fiat)),
    networkFee: formatAmount(terms.networkFeeUnits, assetOf(fiat)),
    tokens: formatAmount(terms.coinUnits, assetOf(coin)),
  }
}

describe('a quote id', () => {
  test('carries its terms', () => {
    const units = fc.bigInt({ min: 0n, max: 10n ** 30n })
    fc.assert(
      fc.property(units, units, units, fc.nat(), (amountUnits, feeUnits, coinUnits, integrationId) => {
        const terms = makeTerms({ amountUnits, feeUnits, coinUnits, integrationId })
        const id = quoteIds.sign(textsOf(terms))
        assert.deepEqual(quoteIds.open(id, NOW), { terms })
        assert.ok(id.length <= QUOTE_ID_MAX_LENGTH)
        assert.match(id, /^[A-Za-z0-9_.-]+$/)
      }),
    )
  })

  test('is good until it expires, not at that moment', () => {
    const id = quoteIds.sign(textsOf(makeTerms()))
    assert.ok(quoteIds.open(id, new Date(NOW.getTime() + 59_999)).terms)
    assert.deepEqual(quoteIds.open(id, new Date(NOW.getTime() + 60_000)), { problem: 'expired' })
  })

  test('of the same terms and moment is another each time', () => {
    const ids = new Set(Array.from({ length: 1_000 }, () => quoteIds.sign(textsOf(makeTerms()))))
    assert.equal(ids.size, 1_000)
  })

  test('with any character changed, added or left out is unknown', () => {
    const id = quoteIds.sign(textsOf(makeTerms()))
    for (let place = 0; place < id.length; place += 1) {
      for (const other of ['A', 'Q', '_', '']) {
        const altered = id.slice(0, place) + other + id.slice(place + 1)
        if (altered === id) continue
        assert.deepEqual(quoteIds.open(altered, NOW), { problem: 'unknown' }, altered)
      }
    }
    for (const altered of [`${id}A`, `${id}=`, `${id} `, beyondByte(id), `A${id}`, id.toUpperCase()]) {
      assert.deepEqual(quoteIds.open(altered, NOW), { problem: 'unknown' })
    }
  })

  test('of another master key, of another purpose, or made up is unknown', () => {
    const others = [
      createQuoteIds(createSecrets(Buffer.alloc(32, 8))).sign(textsOf(makeTerms())),
      '',
      '.',
      'a.b',
      'x'.repeat(513),
      `${Buffer.from('1|1|buy').toString('base64url')}.${secrets.index('other', 'x').toString('base64url')}`,
    ]
    for (const id of others) assert.deepEqual(quoteIds.open(id, NOW), { problem: 'unknown' })
  })
})

/** The same text to anybody who looks at the low bytes alone. */
const beyondByte = (id: string): string => String.fromCharCode(id.charCodeAt(0) + 0x100) + id.slice(1)

describe('the signature', () => {
  test('is HMAC-SHA256', () => {
    const keys = fc.uint8Array({ minLength: 1, maxLength: 64 })
    const texts = fc.string({ maxLength: 600, unit: 'grapheme-ascii' })
    fc.assert(
      fc.property(keys, fc.array(texts, { minLength: 1, maxLength: 3 }), (bytes, signed) => {
        const key = Buffer.from(bytes)
        const sign = createQuoteSignature(key)
        // Several by one signer: nothing of the last text is left when the next is shorter.
        for (const text of signed) {
          assert.equal(sign(text), createHmac('sha256', key).update(text).digest('base64url'))
        }
      }),
    )
  })
})
