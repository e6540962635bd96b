import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'

let t: TestApp

before(async () => {
  t = await startTestApp({ lanes: false, env: { ...NO_CHAINS, OPEN_BANKING_PROVIDER: 'none' } })
})
after(() => t.stop())

async function list(query = '') {
  return (await t.api('GET', `/api/payment-methods${query}`)).body
}

const namesOf = (methods: { payment_type: string }[]) => methods.map(({ payment_type }) => payment_type)

describe('GET /api/payment-methods', () => {
  test('lists methods with their fees and bounds; one without a provider is not there', async () => {
    const { status, data } = await list('?fiat=EUR')
    assert.equal(status, 'ok')
    assert.deepEqual(namesOf(data), ['card', 'paypal', 'transfer'])
    const { countries, ...card } = data[0]
    assert.ok(countries.includes('ES') && countries.includes('MX'))
    assert.deepEqual(card, {
      payment_type: 'card',
      name: 'Card',
      fiat: 'EUR',
      min_amount: '20.00',
      max_amount: '5000.00',
      fee_percent: '2.50',
      fee_fixed: '0.30',
      settlement: 'instant',
      guided: true,
    })
  })

  test('without a currency lists them all; by currency and country only what fits', async () => {
    const { data } = await list()
    assert.deepEqual(
      data
        .filter(({ payment_type }: { payment_type: string }) => payment_type === 'KHIPU')
        .map((m: { fiat: string }) => m.fiat),
      ['CLP', 'ARS'],
    )
    assert.deepEqual(namesOf((await list('?fiat=ars')).data), ['KHIPU', 'CVU'])
    assert.deepEqual(namesOf((await list('?country=mx')).data), ['card', 'paypal', 'SPEI'])
    assert.deepEqual((await list('?country=ZZ')).data, [])
    const [pesos] = (await list('?fiat=CLP')).data
    assert.deepEqual([pesos.min_amount, pesos.fee_fixed], ['20000', '0'])
  })

  test('shows only what the integration may use, in its countries', async () => {
    const settings = { ...DEFAULT_SETTINGS, paymentTypes: ['card'], countries: ['ES', 'PT'] }
    await t.app.db
      .updateTable('integrations')
      .set({ settings: JSON.stringify(settings) })
      .execute()
    t.app.authenticator.forget()
    const { data } = await list()
    assert.deepEqual(namesOf(data), ['card'])
    assert.deepEqual(data[0].countries, ['ES', 'PT'])
  })

  test('refuses an unknown currency and a country that is none', async () => {
    assert.equal((await list('?fiat=XXX')).error, 'fiat_not_supported')
    const { error, errors } = await list('?country=Spain')
    assert.equal(error, 'invalid_field')
    assert.ok(errors.country)
  })
})
