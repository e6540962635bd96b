import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { type Corridor, openCorridor, usdcUnits } from '../corridors/corridor.ts'
import { type OpenedPage, openPage, screenshot } from '../support/browser.ts'

/**
 * Payments that the integrator's program creates whole, in a real browser against the real program: from `url_payment`
 * through the provider's page to the coins, and from a refusal over the limit through the enhanced verification.
 */

const title = (page: Page, name: string | RegExp) =>
  page.getByRole('heading', { level: 1, name }).waitFor({ timeout: 30_000 })
const press = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: true }).first().click()

interface Created {
  payment_id: string
  url_payment: string
}

describe('a payment of the integrator’s own making, in a browser', () => {
  let corridor: Corridor
  const opened: OpenedPage[] = []
  before(async () => {
    corridor = await openCorridor()
  })
  after(async () => {
    for (const { close } of opened) await close()
    await corridor.stop()
  })

  async function visit(url: string, options: Parameters<typeof openPage>[0] = {}): Promise<OpenedPage> {
    const visitor = await openPage(options)
    opened.push(visitor)
    await visitor.page.goto(url)
    return visitor
  }

  const create = (user: number, fields: Record<string, unknown>) =>
    corridor.company.call<Created>('POST', '/api/createPayment', {
      user_id: user,
      coin_symbol: 'USDC',
      coin_chain: 'polygon',
      wallet: corridor.newWallet(),
      ...fields,
    })

  /** The page says it, the API says it, and the wallet on the chain holds it. */
  async function arrived(page: Page, id: string): Promise<void> {
    await title(page, 'Your tokens have arrived')
    const payment = await corridor.payment(id)
    assert.equal(payment.status, 'coins_sent')
    await page.getByText(payment.txid).waitFor()
    assert.equal(await corridor.usdcOf(payment.wallet), usdcUnits(payment.coin_amount_exact))
  }

  it('is paid by PayPal, after an account whose money is not enough', async () => {
    const user = await corridor.verifiedCustomer()
    const fields = { payment_type: 'paypal', fiat_symbol: 'EUR', fiat_amount: '50.00' }
    const { payment_id: id, url_payment: url } = await create(user, fields)
    const { page, problems } = await visit(url)
    await title(page, 'Approve the payment')
    await page.getByRole('radio', { name: /Not enough money/ }).check()
    await press(page, 'Pay €50.00')
    await title(page, 'The payment was not approved')
    await page.getByRole('link', { name: /^Return to/ }).click()
    await title(page, 'Confirm and pay')
    await page.getByText('The payment was declined').waitFor()
    await press(page, 'Try again')
    await title(page, 'Approve the payment')
    await press(page, 'Pay €50.00')
    await arrived(page, id)
    await screenshot(page, 'gateway-paypal-sent')
    assert.deepEqual(problems, [])
  })

  it('is paid by Khipu, in pesos', async () => {
    const user = await corridor.verifiedCustomer()
    const fields = { payment_type: 'KHIPU', fiat_symbol: 'CLP', fiat_amount: '60000', coin_chain: undefined }
    const { payment_id: id, url_payment: url } = await create(user, fields)
    const { page, problems } = await visit(url, { screen: 'desktop' })
    await title(page, 'Pay with Khipu')
    await page.getByText('CLP 60,000').first().waitFor()
    await press(page, 'Approve')
    await arrived(page, id)
    await page.getByText('CLP 60,000').first().waitFor()
    await screenshot(page, 'gateway-khipu-sent')
    assert.deepEqual(problems, [])
  })

  it('is paid to the account that SPEI gives, after going back to the shop’s page', async () => {
    const user = await corridor.verifiedCustomer()
    const fields = { payment_type: 'SPEI', fiat_symbol: 'MXN', fiat_amount: '1500.00', coin_chain: undefined }
    const { payment_id: id, url_payment: url } = await create(user, fields)
    const { page, problems } = await visit(url)
    await title(page, 'Transfer to this account')
    await page.getByRole('link', { name: /^Pay later/ }).click()
    await title(page, 'Confirm and pay')
    await press(page, 'Continue the payment')
    await title(page, 'Transfer to this account')
    await press(page, 'Send it, as in the bank’s app')
    await arrived(page, id)
    assert.deepEqual(problems, [])
  })

  it('is refused over the limit, and goes through after the form that the refusal leads to', async () => {
    const user = await corridor.verifiedCustomer()
    const fields = { payment_type: 'transfer', fiat_symbol: 'EUR', fiat_amount: '5000.00' }
    for (let paid = 0; paid < 3; paid++) await create(user, fields)
    const refusal = await create(user, fields).then(
      () => assert.fail('The fourth payment was not refused.'),
      (error: { code: string; data: { onboarding_link: string } }) => error,
    )
    assert.equal(refusal.code, 'kyc_reinforced_required')

    const { page, problems } = await visit(refusal.data.onboarding_link)
    for (const step of ['What do you do?', 'Where does the money come from?']) {
      await title(page, step)
      await press(page, 'Fill in test data')
      if (step === 'What do you do?') await press(page, 'Continue')
    }
    await press(page, 'Use a sample document')
    await page.getByText('sample.pdf').waitFor()
    await press(page, 'Continue')
    for (const step of ['What will you use it for?', 'Two more questions']) {
      await title(page, step)
      await press(page, 'Fill in test data')
      await press(page, 'Continue')
    }
    await title(page, 'Is everything right?')
    await page.getByLabel(/^Everything I have declared/).check()
    await page.getByLabel(/^Signature/).fill('Ana García')
    await press(page, 'Sign and send')
    await title(page, 'Your limits are higher now')
    await screenshot(page, 'onboarding-valid')
    const { kyc_level: level } = await corridor.company.call('GET', '/api/kyc/check', { user_id: user })
    assert.equal(level, 'reinforced')
    assert.deepEqual(problems, [])

    const { payment_id: id } = await create(user, { ...fields, fiat_amount: '100.00' })
    await corridor.company.call('POST', `/api/sandbox/payments/${id}/pay`, { outcome: 'exact' })
    await corridor.reaches(id, 'coins_sent')
  })
})
