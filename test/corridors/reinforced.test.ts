import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { payByCard } from '../../examples/remittance/customer.ts'
import { eventually } from '../support/app.ts'
import { openOnboardingPage } from '../support/onboarding.ts'
import { type Corridor, openCorridor, usdcUnits } from './corridor.ts'

interface Refusal {
  code: string
  data?: { onboarding_link?: string }
}

describe('limits, and the enhanced verification that raises them', () => {
  let corridor: Corridor
  before(async () => {
    // More than 12 months' worth of payments would empty the wallets of a sandbox; the rules are the same in small.
    corridor = await openCorridor()
    await setLimits({
      basic: { cardQuarter: '300', year: '600' },
      reinforced: { cardQuarter: '1000', year: '2000' },
    })
  })
  after(() => corridor.stop())

  async function setLimits(limits: object): Promise<void> {
    const { app } = corridor.test
    const { id, settings } = await app.db
      .selectFrom('integrations')
      .innerJoin('credentials', 'credentials.integrationId', 'integrations.id')
      .select(['integrations.id', 'integrations.settings'])
      .where('credentials.apiKey', '=', 'sandbox-key')
      .executeTakeFirstOrThrow()
    await app.db
      .updateTable('integrations')
      .set({ settings: JSON.stringify({ ...settings, limits }) })
      .where('id', '=', id)
      .execute()
    app.authenticator.forget()
  }

  const buy = (user: number, fields: Record<string, unknown>) =>
    corridor.guidedPayment({ user_id: user, wallet: corridor.newWallet(), ...fields })
  const refused = async (payment: Promise<unknown>): Promise<Refusal> => {
    try {
      await payment
    } catch (error) {
      return error as Refusal
    }
    throw new Error('The payment went through.')
  }
  const level = async (user: number) =>
    (await corridor.company.call('GET', '/api/kyc/check', { user_id: user })).kyc_level

  /** Declares everything on the page behind the link, as the sandbox offers it, and waits for the decision. */
  async function declare(user: number, link: string): Promise<void> {
    const page = openOnboardingPage(corridor.test, link)
    await page.fill()
    await eventually('the level to be raised', async () => (await level(user)) === 'reinforced')
  }

  it('up to the limit by card → limit_exceded with the link → declared → approved → the payment goes through to coins', async () => {
    const user = await corridor.verifiedCustomer()
    await buy(user, { fiat_amount: '200.00' })
    await buy(user, { fiat_amount: '100.00' })
    const { code, data } = await refused(buy(user, { fiat_amount: '20.00' }))
    assert.equal(code, 'limit_exceded')
    const link = data?.onboarding_link ?? ''
    assert.match(link, /\/onboarding\//)
    const asked = await corridor.company.call('POST', '/api/onboarding-form', { user_id: user })
    assert.equal(asked.onboarding_link, link)

    await declare(user, link)
    const raised = await corridor.receiver.waitFor(
      'KYC_VALID',
      (event) => Number(event.data.user_id) === user && event.data.kyc_level === 'reinforced',
    )
    assert.equal(raised.data.kyc_status, 'valid')
    const wallet = corridor.newWallet()
    const { payment_id: id } = await buy(user, { fiat_amount: '20.00', wallet })
    await payByCard(corridor.browser(), id, wallet, '4242 4242 4242 4242')
    const payment = await corridor.reaches(id, 'coins_sent')
    assert.equal(await corridor.usdcOf(wallet), usdcUnits(payment.coin_amount_exact as string))
  })

  it('over twelve months’ limit: kyc_reinforced_required with the link, by createPayment as well', async () => {
    const user = await corridor.verifiedCustomer()
    await buy(user, { payment_type: 'transfer', fiat_amount: '600.00' })
    const guided = await refused(buy(user, { payment_type: 'psd2', fiat_amount: '20.00' }))
    assert.equal(guided.code, 'kyc_reinforced_required')
    const order = {
      user_id: user,
      payment_type: 'transfer',
      fiat_symbol: 'EUR',
      fiat_amount: '20.00',
      coin_symbol: 'USDC',
      coin_chain: 'polygon',
      wallet: corridor.newWallet(),
    }
    const direct = await refused(corridor.company.call('POST', '/api/createPayment', order))
    assert.equal(direct.code, 'kyc_reinforced_required')
    assert.equal(direct.data?.onboarding_link, guided.data?.onboarding_link)

    await declare(user, direct.data?.onboarding_link ?? '')
    const paid = await corridor.company.call('POST', '/api/createPayment', order)
    assert.equal((await corridor.payment(paid.payment_id as string)).status, 'started')
    // What even the raised level does not allow is refused for good, without a link.
    const beyond = await refused(buy(user, { payment_type: 'transfer', fiat_amount: '1400.00' }))
    assert.deepEqual([beyond.code, beyond.data], ['max_purchase', undefined])
    const card = await refused(buy(user, { fiat_amount: '1001.00' }))
    assert.deepEqual([card.code, card.data], ['limit_exceded', undefined])
  })

  it('a payment that ended without coins leaves its room', async () => {
    const user = await corridor.verifiedCustomer()
    const { payment_id: id } = await buy(user, { fiat_amount: '300.00' })
    assert.equal((await refused(buy(user, { fiat_amount: '20.00' }))).code, 'limit_exceded')
    await corridor.company.call('POST', `/api/payment/${id}/cancel`)
    await buy(user, { fiat_amount: '300.00' })
  })

  it('two at once at the limit: exactly one passes', async () => {
    for (let round = 0; round < 3; round += 1) {
      const user = await corridor.verifiedCustomer()
      await buy(user, { fiat_amount: '200.00' })
      const both = await Promise.allSettled([
        buy(user, { fiat_amount: '100.00' }),
        buy(user, { fiat_amount: '100.00' }),
      ])
      const outcomes = both.map((one) =>
        one.status === 'fulfilled' ? 'created' : (one.reason as Refusal).code,
      )
      assert.deepEqual(outcomes.sort(), ['created', 'limit_exceded'])
    }
  })

  it('on the payment page: a method over the limit says that it can be lifted, and leads there', async () => {
    const user = await corridor.verifiedCustomer()
    const { payment_id: id } = await buy(user, { payment_type: 'transfer', fiat_amount: '400.00' })
    const browser = corridor.browser()
    const view = await browser.call<{ methods: { payment_type: string; unavailable: string | null }[] }>(
      'POST',
      `/hosted/payment/${id}/open`,
      {},
    )
    const card = view.methods.find(({ payment_type }) => payment_type === 'card')
    assert.equal(card?.unavailable, 'needs_reinforced')
    // The browser's cookie makes it the owner; a stranger learns nothing.
    const stranger = await fetch(`${corridor.test.url}/hosted/payment/${id}/method`, {
      method: 'POST',
      headers: { 'x-page': '1', 'content-type': 'application/json' },
      body: JSON.stringify({ payment_type: 'card' }),
    })
    const told = (await stranger.json()) as { error: string; data?: unknown }
    assert.deepEqual([told.error, told.data], ['not_the_owner', undefined])
    await assert.rejects(
      browser.call('POST', `/hosted/payment/${id}/method`, { payment_type: 'card' }),
      /limit_exceded/,
    )
    const { onboarding_link: link } = await corridor.company.call('POST', '/api/onboarding-form', {
      user_id: user,
    })
    const page = openOnboardingPage(corridor.test, link as string)
    const back = new URL((await page.view()).callback_url ?? '')
    assert.equal(back.pathname, `/payment/${id}`)
    await declare(user, link as string)
    await browser.call('POST', `/hosted/payment/${id}/method`, { payment_type: 'card' })
  })

  // The last one, as it moves the clock.
  it('the quarter rolls over: the card limit is free again', async () => {
    const user = await corridor.verifiedCustomer()
    const { payment_id: id } = await buy(user, { fiat_amount: '300.00' })
    await payByCard(corridor.browser(), id, corridor.newWallet(), '4242 4242 4242 4242')
    await corridor.reaches(id, 'coins_sent')
    assert.equal((await refused(buy(user, { fiat_amount: '20.00' }))).code, 'limit_exceded')
    await corridor.advance('92d')
    await buy(user, { fiat_amount: '300.00' })
    // It still counts in the twelve months.
    const year = await refused(buy(user, { payment_type: 'transfer', fiat_amount: '20.00' }))
    assert.equal(year.code, 'kyc_reinforced_required')
    await corridor.advance('300d')
    await buy(user, { fiat_amount: '300.00' })
  })
})
