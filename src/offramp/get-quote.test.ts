import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type PaymentWorld, setSettings, startPaymentWorld } from '../../test/support/payments.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import { addFaults } from '../providers/faults.ts'

let t: PaymentWorld
before(async () => {
  t = await startPaymentWorld()
})
beforeEach(() => setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand })))
after(() => t.stop())

/** 5,000 USDC on Polygon for euros, unless told. */
async function quote(query: Record<string, string | undefined> = {}) {
  const given = { amount: '5000', symbol: 'USDC', ...query }
  const filled = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const { status, body } = await t.api('GET', `/api/rampoff/quote?${new URLSearchParams(filled)}`)
  assert.equal(status, 200)
  return body
}

const digits = (text: string): bigint => BigInt(text.replace('.', ''))

describe('GET /api/rampoff/quote', () => {
  test('says what coins bring, and adds up to the cent', async () => {
    const { status, data } = await quote({ symbol: 'usdc', blockchain: 'Polygon', fiat: 'eur' })
    assert.equal(status, 'ok')
    assert.deepEqual(
      [data.fiat_symbol, data.amount, data.symbol, data.blockchain],
      ['EUR', '5000.000000', 'USDC', 'polygon'],
    )
    assert.match(data.price, /^0\.\d{6}$/)
    const worth = (5_000n * digits(data.price)) / 10_000n
    const up = (percentHundredths: bigint) => (worth * percentHundredths + 9_999n) / 10_000n
    assert.equal(digits(data.fee), up(80n) + 20n + up(50n))
    assert.equal(digits(data.fiat_amount), worth - digits(data.fee))
  })

  test('its id carries the terms until it expires', async () => {
    const { data } = await quote()
    const { terms } = t.app.pricing.openQuote(data.quote_id)
    assert.ok(terms)
    assert.deepEqual(
      [terms.side, terms.paymentType, terms.fiat, terms.coin, terms.coinUnits, terms.networkFeeUnits],
      ['sell', 'transfer', 'EUR', 'polygon:USDC', 5_000_000_000n, 0n],
    )
    assert.deepEqual([terms.amountUnits, terms.feeUnits], [digits(data.fiat_amount), digits(data.fee)])
    assert.equal(Date.parse(data.expires_at), terms.expiresAt.getTime())
    assert.equal(terms.expiresAt.getTime() - terms.issuedAt.getTime(), 60_000)
    assert.ok(data.quote_id.length <= 512)
  })

  test('18 decimals on BNB Smart Chain, judged to the last', async () => {
    const { data } = await quote({ blockchain: 'BSC', symbol: 'busd', amount: '5000.000000000000000001' })
    assert.equal(data.amount, '5000.000000000000000001')
    const { errors } = await quote({ amount: '5000.0000001' })
    assert.deepEqual(errors, { amount: ['must have at most 6 decimals in USDC'] })
  })

  test('in the currencies of Latin America; pesos of Chile have no decimals', async () => {
    for (const [fiat, form] of [
      ['CLP', /^\d+$/],
      ['mxn', /^\d+\.\d\d$/],
      ['COP', /^\d+\.\d\d$/],
      ['PEN', /^\d+\.\d\d$/],
      ['ARS', /^\d+\.\d\d$/],
    ] as const) {
      const { data } = await quote({ fiat, amount: '500' })
      assert.equal(data.fiat_symbol, fiat.toUpperCase())
      assert.match(data.fiat_amount, form)
    }
  })

  test('names every missing field at once', async () => {
    const { error, errors } = await quote({ amount: undefined, symbol: undefined })
    assert.deepEqual([error, Object.keys(errors).sort()], ['fail_mandatory_field', ['amount', 'symbol']])
  })

  for (const amount of ['0', '-5', '1e3', 'NaN', '', ' ', '1,5', '1'.repeat(31)]) {
    test(`invalid_field for the amount ${JSON.stringify(amount)}`, async () => {
      const { error, errors } = await quote({ amount })
      assert.deepEqual([error, Object.keys(errors)], ['invalid_field', ['amount']])
    })
  }

  test('min_sale and max_sale by what the coins are worth, each with the bound in the message', async () => {
    const low = await quote({ amount: '1' })
    assert.equal(low.error, 'min_sale')
    assert.match(low.message, /the minimum is 20\.00 EUR/)
    const high = await quote({ amount: '9'.repeat(30) })
    assert.equal(high.error, 'max_sale')
    assert.match(high.message, /the maximum is 10000\.00 EUR/)
  })

  test('min_sale when the fees take everything', async () => {
    await setSettings(t, (settings) => ({
      ...settings,
      sales: { ...settings.sales, minimum: { EUR: '0.01' } },
    }))
    const { error, message } = await quote({ amount: '0.2' })
    assert.deepEqual([error, /fees take all/.test(message)], ['min_sale', true])
  })

  test('fiat, coin, payout and price, each by its code', async () => {
    assert.equal((await quote({ fiat: 'XXX' })).error, 'fiat_not_supported')
    assert.equal((await quote({ symbol: 'DOGE' })).error, 'coin_not_supported')
    assert.equal((await quote({ blockchain: 'solana' })).error, 'coin_not_supported')
    await setSettings(t, (settings) => ({ ...settings, sales: { ...settings.sales, fees: {} } }))
    assert.equal((await quote()).error, 'method_not_allowed')
    await setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand }))
    await addFaults(t.app, { provider: 'price', kind: 'stale', count: 1 })
    await t.app.pricing.prices.refresh()
    assert.equal((await quote()).error, 'price_unavailable')
    await t.app.pricing.prices.refresh()
    assert.equal((await quote()).status, 'ok')
  })

  test('is answered from memory: no query runs for it', async () => {
    await quote()
    let queries = 0
    const count = () => {
      queries += 1
    }
    t.app.pool.on('acquire', count)
    await t.app.pricing.stop()
    try {
      for (let call = 0; call < 20; call += 1) assert.equal((await quote()).status, 'ok')
    } finally {
      t.app.pool.off('acquire', count)
      t.app.pricing.start()
    }
    assert.equal(queries, 0)
  })
})
