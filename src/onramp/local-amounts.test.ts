import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import {
  addCustomer,
  checkBooks,
  getPayment,
  type PaymentWorld,
  rowOf,
  setSettings,
  startPaymentWorld,
  WALLET,
} from '../../test/support/payments.ts'
import { ORDERS } from '../../test/support/redirect.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import { amountOf, formatAmount } from '../money/amount.ts'
import { fiatAsset } from '../money/asset.ts'

/** Minimum, maximum and limits in the currencies of Latin America, at the day's rate of the euro. */

let t: PaymentWorld
before(async () => {
  t = await startPaymentWorld()
})
beforeEach(() => setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand })))
after(async () => {
  await checkBooks(t.app)
  await t.stop()
})

const post = async (userId: number, type: string, fiat: string, amount: string) =>
  (
    await t.api('POST', '/api/createPayment', {
      body: {
        user_id: userId,
        payment_type: type,
        fiat_symbol: fiat,
        fiat_amount: amount,
        coin_symbol: 'USDC',
        wallet: WALLET,
      },
    })
  ).body

const METHODS = Object.entries(ORDERS)
  .filter(([type]) => type !== 'paypal')
  .map(([type, [fiat, amount]]) => [type, fiat, amount] as const)

for (const [type, fiat, amount] of [...METHODS, ['KHIPU', 'ARS', '160000.00'] as const]) {
  describe(`${type} in ${fiat}`, () => {
    const asset = fiatAsset(fiat)!
    const bounds = async () => {
      const { body } = await t.api('GET', `/api/payment-methods?fiat=${fiat}`)
      const method = body.data.find((one: { payment_type: string }) => one.payment_type === type)
      return { least: amountOf(method.min_amount, asset), most: amountOf(method.max_amount, asset) }
    }

    test('the least and the most are taken, one unit below and above are not', async () => {
      const { least, most } = await bounds()
      // The most of a payment in a currency is no more than the year's limit in euros, whatever the rate of the day.
      await setSettings(t, (settings) => withYear(settings, '1000000.00'))
      for (const units of [least, most]) {
        const body = await post(await addCustomer(t.app), type, fiat, formatAmount(units, asset))
        assert.equal(body.message, 'payment_created', JSON.stringify(body))
        assert.equal((await rowOf(t.app, body.data.payment_id)).fiatUnits, units)
      }
      const below = await post(await addCustomer(t.app), type, fiat, formatAmount(least - 1n, asset))
      assert.equal(below.error, 'min_purchase')
      assert.ok(below.message.includes(`${formatAmount(least, asset)} ${fiat}`), below.message)
      const above = await post(await addCustomer(t.app), type, fiat, formatAmount(most + 1n, asset))
      assert.equal(above.error, 'max_purchase')
    })

    test('an amount has the decimals of its currency, on the way in and out', async () => {
      const tooFine = `${amount.split('.')[0]}.${'0'.repeat(asset.decimals)}1`
      assert.equal((await post(await addCustomer(t.app), type, fiat, tooFine)).error, 'invalid_field')
      const { data } = await post(await addCustomer(t.app), type, fiat, amount)
      const payment = await getPayment(t, data.payment_id)
      const cents = asset.decimals === 0 ? BigInt(amount) * 100n : amountOf(amount, asset)
      assert.deepEqual(
        [payment.fiat_amount, payment.fiat_amount_exact],
        [Number(cents), formatAmount(amountOf(amount, asset), asset)],
      )
    })

    test('counts towards the limit of the year at the day’s rate of the euro', async () => {
      const units = amountOf(amount, asset)
      const cents = t.app.pricing.inEuros(units, asset)!
      assert.ok(cents > 5_000n && cents < 20_000n, `${amount} ${fiat} are about a hundred euros: ${cents}`)
      const euros = (value: bigint): string => formatAmount(value, fiatAsset('EUR')!)
      const customer = await addCustomer(t.app)
      await setSettings(t, (settings) => withYear(settings, euros(2n * cents - 1n)))
      assert.equal((await post(customer, type, fiat, amount)).message, 'payment_created')
      assert.equal((await post(customer, type, fiat, amount)).error, 'kyc_reinforced_required')
      await setSettings(t, (settings) => withYear(settings, euros(2n * cents + 1n)))
      assert.equal((await post(customer, type, fiat, amount)).message, 'payment_created')
    })
  })
}

const withYear = (settings: typeof DEFAULT_SETTINGS, year: string): typeof DEFAULT_SETTINGS => ({
  ...settings,
  limits: { ...settings.limits, basic: { cardQuarter: year, year } },
})
