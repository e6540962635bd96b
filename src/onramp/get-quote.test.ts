import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { fundHotWallets, NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { DEFAULT_SETTINGS, type IntegrationSettings } from '../common/integration.ts'
import { addFaults } from '../providers/faults.ts'

let t: TestApp

before(async () => {
  t = await startTestApp({ lanes: false, env: NO_CHAINS })
  await fundHotWallets(t.app)
  // The tests ask the sources themselves: a round of the timer would take the faults that they order.
  await t.app.pricing.prices.stop()
  await t.app.pricing.prices.refresh()
})
after(() => t.stop())

/** 150.50 EUR by card for USDC on Polygon, unless told. */
async function quote(query: Record<string, string | undefined> = {}) {
  const given = { amount: '150.50', symbol: 'USDC', payment_type: 'card', ...query }
  const filled = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const { status, body } = await t.api('GET', `/api/quote?${new URLSearchParams(filled)}`)
  assert.equal(status, 200)
  return body
}

async function withSettings(settings: Partial<IntegrationSettings>, run: () => Promise<void>): Promise<void> {
  const set = async (next: IntegrationSettings) => {
    await t.app.db
      .updateTable('integrations')
      .set({ settings: JSON.stringify(next) })
      .execute()
    t.app.authenticator.forget()
  }
  await set({ ...DEFAULT_SETTINGS, ...settings })
  try {
    await run()
  } finally {
    await set(DEFAULT_SETTINGS)
  }
}

describe('GET /api/quote', () => {
  test('says what an amount buys, and adds up', async () => {
    const { status, data } = await quote({ symbol: 'usdc', payment_type: 'CARD', chain: 'Polygon' })
    assert.equal(status, 'ok')
    assert.deepEqual(
      [data.symbol, data.chain, data.fiat, data.amount, data.payment_type, data.fee, data.network_fee],
      ['USDC', 'polygon', 'EUR', '150.50', 'card', '4.83', '0.05'],
    )
    assert.match(data.price, /^0\.\d{6}$/)
    assert.match(data.tokens_exact, /^\d+\.\d{6}$/)
    const micros = (text: string) => BigInt(text.replace('.', ''))
    assert.equal(micros(data.tokens_exact), (14562n * 10n ** 10n) / micros(data.price))
    assert.equal(data.tokens, Number(data.tokens_exact))
  })

  test('its id carries the terms until it expires', async () => {
    const { data } = await quote()
    const { terms } = t.app.pricing.openQuote(data.quote_id)
    assert.ok(terms)
    assert.deepEqual(
      [
        terms.side,
        terms.paymentType,
        terms.fiat,
        terms.coin,
        terms.amountUnits,
        terms.feeUnits,
        terms.networkFeeUnits,
      ],
      ['buy', 'card', 'EUR', 'polygon:USDC', 15050n, 483n, 5n],
    )
    assert.equal(terms.coinUnits, BigInt(data.tokens_exact.replace('.', '')))
    assert.equal(Date.parse(data.expires_at), terms.expiresAt.getTime())
    assert.equal(terms.expiresAt.getTime() - terms.issuedAt.getTime(), 60_000)
    assert.ok(data.quote_id.length <= 512)
  })

  test('the same coin has other decimals on another chain', async () => {
    const { data } = await quote({ chain: 'bsc' })
    assert.match(data.tokens_exact, /^\d+\.\d{18}$/)
    assert.equal(data.network_fee, '0.15')
  })

  test('in pesos: no decimals, the network fee rounded up', async () => {
    const { data } = await quote({ amount: '50000', fiat: 'clp', payment_type: 'khipu' })
    assert.deepEqual(
      [data.fiat, data.amount, data.payment_type, data.fee, data.network_fee],
      ['CLP', '50000', 'KHIPU', '1250', '53'],
    )
    assert.match(data.price, /^9\d\d\.\d{6}$/)
  })

  test('names every missing field at once', async () => {
    const body = await quote({ amount: undefined, symbol: undefined, payment_type: undefined })
    assert.equal(body.error, 'fail_mandatory_field')
    assert.deepEqual(Object.keys(body.errors).sort(), ['amount', 'payment_type', 'symbol'])
  })

  for (const amount of [
    '0',
    '0.00',
    '-5',
    '1e3',
    'NaN',
    '',
    ' ',
    '150.505',
    '1'.repeat(31),
    '1,5',
    'Infinity',
  ]) {
    test(`invalid_field for the amount ${JSON.stringify(amount)}`, async () => {
      const body = await quote({ amount })
      assert.equal(body.error, 'invalid_field')
      assert.ok(body.errors.amount.length > 0)
    })
  }

  test('invalid_field for decimals that the currency does not have', async () => {
    const body = await quote({ amount: '50000.0', fiat: 'CLP', payment_type: 'khipu' })
    assert.deepEqual(
      [body.error, body.errors],
      ['invalid_field', { amount: ['must have no decimals in CLP'] }],
    )
  })

  test('invalid_field names all faults at once', async () => {
    const { error, errors } = await quote({ amount: '150.505', symbol: 'U S', chain: '' })
    assert.deepEqual([error, Object.keys(errors).sort()], ['invalid_field', ['amount', 'chain', 'symbol']])
  })

  test('coin_not_supported for an unknown coin, chain or inactive pair', async () => {
    assert.equal((await quote({ symbol: 'DOGE' })).error, 'coin_not_supported')
    assert.equal((await quote({ chain: 'solana' })).error, 'coin_not_supported')
    await withSettings({ pairs: ['bsc:BNB'] }, async () => {
      assert.equal((await quote()).error, 'coin_not_supported')
      assert.equal((await quote({ chain: 'bsc', symbol: 'BNB' })).status, 'ok')
    })
  })

  test('method_not_allowed for an unknown method, one not allowed, one of another currency', async () => {
    assert.equal((await quote({ payment_type: 'cash' })).error, 'method_not_allowed')
    assert.equal((await quote({ amount: '50000', fiat: 'CLP' })).error, 'method_not_allowed')
    await withSettings({ paymentTypes: ['psd2'] }, async () => {
      assert.equal((await quote()).error, 'method_not_allowed')
    })
  })

  test('fiat_not_supported for an unknown currency', async () => {
    assert.equal((await quote({ fiat: 'XXX' })).error, 'fiat_not_supported')
  })

  test('min_purchase and max_purchase, each with the bound in the message', async () => {
    const low = await quote({ amount: '19.99' })
    assert.deepEqual([low.error, low.message], ['min_purchase', 'The minimum is 20.00 EUR.'])
    assert.equal((await quote({ amount: '20' })).status, 'ok')
    const high = await quote({ amount: '5000.01' })
    assert.deepEqual([high.error, high.message], ['max_purchase', 'The maximum is 5000.00 EUR a payment.'])
    assert.equal((await quote({ amount: '5000' })).status, 'ok')
    // As large as an amount can be written: judged, not overflowed.
    assert.equal((await quote({ amount: '9'.repeat(30) })).error, 'max_purchase')
  })

  test('min_purchase when the fees take everything', async () => {
    await withSettings({ minimum: { EUR: '0.01' } }, async () => {
      assert.equal((await quote({ amount: '0.30' })).error, 'min_purchase')
    })
  })

  test('coin_unavailable when the hot wallet does not hold that much', async () => {
    await withSettings({ maximum: { EUR: '100000000.00' } }, async () => {
      assert.equal((await quote({ amount: '2000000' })).error, 'coin_unavailable')
      assert.equal((await quote({ amount: '500000' })).status, 'ok')
    })
  })

  test('price_unavailable when every source is stale, and well again after', async () => {
    const { pricing } = t.app
    await addFaults(t.app, { provider: 'price', kind: 'stale', count: 1 })
    await pricing.prices.refresh()
    assert.equal((await quote()).error, 'price_unavailable')
    const honest = await t.api('GET', '/api/quote?amount=150&symbol=USDC&payment_type=card', { honest: true })
    assert.equal(honest.status, 503)
    await pricing.prices.refresh()
    assert.equal((await quote()).status, 'ok')
  })

  test('authorization_incorrect without a token', async () => {
    const { body } = await t.api('GET', '/api/quote?amount=150&symbol=USDC&payment_type=card', {
      token: null,
    })
    assert.equal(body.error, 'authorization_incorrect')
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
