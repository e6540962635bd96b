import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fillVerification, payByCard } from '../../examples/remittance/customer.ts'
import { type Corridor, openCorridor, usdcUnits } from './corridor.ts'

describe('the buy flow', () => {
  let corridor: Corridor
  before(async () => {
    corridor = await openCorridor()
  })
  after(() => corridor.stop())

  it('authenticate → quote → register → verify → guided payment → card → coins in the wallet', async () => {
    const { company, receiver } = corridor
    const quote = await company.call('GET', '/api/quote', {
      amount: '150.50',
      symbol: 'USDC',
      payment_type: 'card',
    })
    assert.equal(quote.chain, 'polygon')
    const customer = await company.call<{ id: number; kyc_form_url: string }>('POST', '/api/registerUser', {
      name: 'Lucía',
      last_name: 'Fernández Ruiz',
      email: 'lucia@example.com',
      country: 'ES',
    })
    assert.equal((await company.call('GET', '/api/kyc/check', { user_id: customer.id })).kyc_status, 'unused')
    await fillVerification(corridor.browser(), customer.kyc_form_url)
    const valid = await receiver.waitFor('KYC_VALID')
    assert.equal(Number(valid.data.user_id), customer.id)

    const wallet = corridor.newWallet()
    const { payment_id: id, gateway_url: gateway } = await corridor.guidedPayment({
      user_id: customer.id,
      fiat_amount: '150.50',
      external_id: 'order-abc-001',
      quote_id: quote.quote_id,
    })
    assert.match(id, /^[A-Za-z0-9]{25}$/)
    assert.equal(gateway, `${corridor.test.url}/payment/${id}`)
    await payByCard(corridor.browser(), id, wallet, '4242 4242 4242 4242')

    const payIn = await receiver.waitFor('PAY_IN', (event) => event.data.id === id)
    const sent = await receiver.waitFor('COINS_SENT', (event) => event.data.id === id)
    assert.ok(payIn.signatureIsValid && sent.signatureIsValid)
    assert.equal(payIn.data.status, 'payment_received')
    assert.equal(sent.data.status, 'coins_sent')
    assert.ok(payIn.sequence < sent.sequence)
    const payment = await corridor.payment(id)
    assert.equal(payment.status, 'coins_sent')
    assert.equal(payment.external_id, 'order-abc-001')
    assert.equal(payment.user_id, String(customer.id))
    assert.equal(payment.fiat_amount, 15_050)
    assert.equal(payment.coin_amount_exact, quote.tokens_exact)
    assert.deepEqual(payment.holder, { name: 'LUCIA FERNANDEZ RUIZ', iban: null, card_last4: '4242' })
    assert.match(payment.txid, /^0x[0-9a-f]{64}$/)
    assert.equal(await corridor.usdcOf(wallet), usdcUnits(payment.coin_amount_exact as string))
  })

  it('by bank transfer: instructions, "I have sent it", the money finds its payment', async () => {
    const user = await corridor.verifiedCustomer()
    const wallet = corridor.newWallet()
    const { payment_id: id } = await corridor.guidedPayment({
      user_id: user,
      payment_type: 'transfer',
      wallet,
    })
    const browser = corridor.browser()
    await browser.call('POST', `/hosted/payment/${id}/open`, {})
    const paid = await browser.call<{ view: { bank_transfer: { iban: string; concept: string } } }>(
      'POST',
      `/hosted/payment/${id}/pay`,
      {},
    )
    await browser.call('POST', `/hosted/payment/${id}/sent`, {})
    assert.equal((await corridor.payment(id)).status, 'pending_bank')
    const { iban, concept } = paid.view.bank_transfer
    await corridor.company.call('POST', '/api/sandbox/bank/transfer', {
      iban,
      amount: '100.00',
      concept,
      name: 'Ana García',
    })
    const payment = await corridor.reaches(id, 'coins_sent')
    assert.equal(payment.holder.name, 'Ana García')
    assert.equal(await corridor.usdcOf(wallet), usdcUnits(payment.coin_amount_exact as string))
  })

  it('by open banking: the bank page, consent, credited, coins', async () => {
    const user = await corridor.verifiedCustomer()
    const wallet = corridor.newWallet()
    const { payment_id: id } = await corridor.guidedPayment({ user_id: user, payment_type: 'PSD2', wallet })
    const browser = corridor.browser()
    await browser.call('POST', `/hosted/payment/${id}/open`, {})
    const { redirect_url: url } = await browser.call<{ redirect_url: string }>(
      'POST',
      `/hosted/payment/${id}/pay`,
      {},
    )
    const bank = `${new URL(url).pathname}/api`
    const { banks, test_login: login } = await browser.call<{ banks: { id: string }[]; test_login: object }>(
      'GET',
      bank,
    )
    await browser.call('POST', `${bank}/bank`, { bank_id: banks[0]?.id })
    const { accounts } = await browser.call<{ accounts: { id: string; covers: boolean }[] }>(
      'POST',
      `${bank}/login`,
      login,
    )
    await browser.call('POST', `${bank}/consent`, { account_id: accounts.find(({ covers }) => covers)?.id })
    const payment = await corridor.reaches(id, 'coins_sent')
    assert.equal(await corridor.usdcOf(wallet), usdcUnits(payment.coin_amount_exact as string))
  })

  it('a declined card may be followed by another, with 3-D Secure', async () => {
    const user = await corridor.verifiedCustomer()
    const wallet = corridor.newWallet()
    const { payment_id: id } = await corridor.guidedPayment({ user_id: user, wallet })
    const browser = corridor.browser()
    await browser.call('POST', `/hosted/payment/${id}/open`, {})
    const { redirect_url: url } = await browser.call<{ redirect_url: string }>(
      'POST',
      `/hosted/payment/${id}/pay`,
      {},
    )
    const card = `${new URL(url).pathname}/api`
    const form = { expiry: '12/34', code: '123', name: 'ANA GARCIA' }
    const declined = await browser.call('POST', `${card}/pay`, { ...form, number: '4000 0000 0000 9995' })
    assert.equal(declined.state, 'declined')
    const asked = await browser.call('POST', `${card}/pay`, { ...form, number: '4000 0027 6000 3184' })
    assert.equal(asked.state, 'three_d_secure_required')
    await browser.call('POST', `${card}/three-d-secure`, { answer: 'code', code: '123456' })
    // The form sent again is no second payment.
    const again = await browser.call('POST', `${card}/pay`, { ...form, number: '4242 4242 4242 4242' })
    assert.equal(again.state, 'paid')
    const payment = await corridor.reaches(id, 'coins_sent')
    assert.equal(await corridor.usdcOf(wallet), usdcUnits(payment.coin_amount_exact as string))
  })

  it('a customer who was not verified is sent to the form', async () => {
    const { id } = await corridor.company.call<{ id: number }>('POST', '/api/registerUser', {
      name: 'New',
      email: 'new@example.com',
    })
    await assert.rejects(
      corridor.guidedPayment({ user_id: id }),
      (error: { code: string; data: { kyc_form_url: string } }) => {
        assert.equal(error.code, 'require_kyc')
        assert.match(error.data.kyc_form_url, /\/kyc\//)
        return true
      },
    )
  })

  it('the same external_id is the same payment, and a cancelled one frees it', async () => {
    const user = await corridor.verifiedCustomer()
    const fields = { user_id: user, external_id: 'order-7' }
    const first = await corridor.guidedPayment(fields)
    assert.equal((await corridor.guidedPayment(fields)).payment_id, first.payment_id)
    await assert.rejects(corridor.guidedPayment({ ...fields, fiat_amount: '99.00' }), {
      code: 'external_id_already_used',
    })
    await corridor.company.call('POST', `/api/payment/${first.payment_id}/cancel`)
    assert.equal((await corridor.payment(first.payment_id)).status, 'cancelled')
    assert.notEqual((await corridor.guidedPayment(fields)).payment_id, first.payment_id)
  })
})
