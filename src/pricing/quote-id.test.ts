import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createSecrets } from '../kernel/secrets.ts'
import { parsePrice } from '../money/rate.ts'
import { openQuote, QUOTE_ID_MAX_LENGTH, type QuoteTerms, signQuote } from './quote-id.ts'

const NOW = new Date('2026-06-26T10:30:00Z')
const secrets = createSecrets(Buffer.alloc(32, 7))

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

describe('a quote id', () => {
  test('carries its terms', () => {
    const units = fc.bigInt({ min: 0n, max: 10n ** 40n })
    fc.assert(
      fc.property(units, units, units, fc.nat(), (amountUnits, feeUnits, coinUnits, integrationId) => {
        const terms = makeTerms({ amountUnits, feeUnits, coinUnits, integrationId })
        const id = signQuote(secrets, terms)
        assert.deepEqual(openQuote(secrets, id, NOW), { terms })
        assert.ok(id.length <= QUOTE_ID_MAX_LENGTH)
        assert.match(id, /^[A-Za-z0-9_.-]+$/)
      }),
    )
  })

  test('is good until it expires, not at that moment', () => {
    const id = signQuote(secrets, makeTerms())
    assert.ok(openQuote(secrets, id, new Date(NOW.getTime() + 59_999)).terms)
    assert.deepEqual(openQuote(secrets, id, new Date(NOW.getTime() + 60_000)), { problem: 'expired' })
  })

  test('of the same terms and moment is another each time', () => {
    const ids = new Set(Array.from({ length: 1_000 }, () => signQuote(secrets, makeTerms())))
    assert.equal(ids.size, 1_000)
  })

  test('with any character changed, added or left out is unknown', () => {
    const id = signQuote(secrets, makeTerms())
    for (let place = 0; place < id.length; place += 1) {
      for (const other of ['A', 'Q', '_', '']) {
        const altered = id.slice(0, place) + other + id.slice(place + 1)
        if (altered === id) continue
        assert.deepEqual(openQuote(secrets, altered, NOW), { problem: 'unknown' }, altered)
      }
    }
    for (const altered of [`${id}A`, `${id}=`, `${id} `, `A${id}`, id.toUpperCase()]) {
      assert.deepEqual(openQuote(secrets, altered, NOW), { problem: 'unknown' })
    }
  })

  test('of another master key, of another purpose, or made up is unknown', () => {
    const others = [
      signQuote(createSecrets(Buffer.alloc(32, 8)), makeTerms()),
      '',
      '.',
      'a.b',
      'x'.repeat(513),
      `${Buffer.from('1|1|buy').toString('base64url')}.${secrets.index('other', 'x').toString('base64url')}`,
    ]
    for (const id of others) assert.deepEqual(openQuote(secrets, id, NOW), { problem: 'unknown' })
  })
})
