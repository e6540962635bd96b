import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type Corridor, openCorridor } from './corridor.ts'

describe('what takes days is lived through in seconds', () => {
  let corridor: Corridor
  before(async () => {
    corridor = await openCorridor()
  })
  after(() => corridor.stop())

  it('a quote is good for a minute', async () => {
    const user = await corridor.verifiedCustomer()
    const quote = await corridor.company.call('GET', '/api/quote', {
      amount: '100',
      symbol: 'USDC',
      payment_type: 'card',
    })
    await corridor.advance('61s')
    await assert.rejects(corridor.guidedPayment({ user_id: user, quote_id: quote.quote_id }), {
      code: 'quote_expired',
    })
  })

  it('a payment that nobody pays expires', async () => {
    const user = await corridor.verifiedCustomer()
    const { payment_id: id } = await corridor.guidedPayment({ user_id: user, external_id: 'never-paid' })
    await corridor.advance('1h')
    assert.equal((await corridor.payment(id)).status, 'expired')
    const event = await corridor.receiver.waitFor('PAYMENT_EXPIRED', ({ data }) => data.id === id)
    assert.equal(event.data.status, 'expired')
    assert.notEqual(
      (await corridor.guidedPayment({ user_id: user, external_id: 'never-paid' })).payment_id,
      id,
    )
  })

  it('a payment whose card was declined expires like any other', async () => {
    const user = await corridor.verifiedCustomer()
    const wallet = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
    const { payment_id: id } = await corridor.guidedPayment({ user_id: user, wallet })
    await corridor.company.call('POST', `/api/sandbox/payments/${id}/pay`, { outcome: 'declined' })
    // The provider is asked meanwhile, and has nothing new to tell; the clock waits until nobody works any more.
    await corridor.advance('10m')
    assert.equal((await corridor.payment(id)).status, 'started')
    await corridor.advance('1h')
    assert.equal((await corridor.payment(id)).status, 'expired')
  })

  it('a token ends after a day', async () => {
    await corridor.company.call('POST', '/api/sandbox/clock', { advance: '25h' })
    await assert.rejects(corridor.company.call('GET', '/api/available-assets'), {
      code: 'authorization_incorrect',
    })
    await corridor.company.authenticate()
    await corridor.company.call('GET', '/api/available-assets')
  })

  it('a webhook that nobody hears is tried for seven days, then failed and redeliverable', async () => {
    let heard = 0
    let deaf = true
    const server = createServer((request, response) => {
      request.resume()
      heard += 1
      response.writeHead(deaf ? 500 : 204).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    try {
      await corridor.company.call('POST', '/api/updateWebhookSubscription', {
        type: 'PAYMENT_CANCELLED',
        url,
      })
      const user = await corridor.verifiedCustomer()
      const { payment_id: id } = await corridor.guidedPayment({ user_id: user })
      await corridor.company.call('POST', `/api/payment/${id}/cancel`)
      await corridor.advance('8d')
      const events = await corridor.company.call<{ id: string; type: string; data: { id: string } }[]>(
        'GET',
        '/api/webhooks/events',
        { type: 'PAYMENT_CANCELLED' },
      )
      const event = events.find(({ data }) => data.id === id)
      assert.ok(event)
      assert.ok(heard > 10, `it was tried ${heard} times`)
      deaf = false
      const before = heard
      await corridor.company.call('POST', `/api/webhooks/events/${event.id}/redeliver`)
      await corridor.advance('1s')
      assert.equal(heard, before + 1)
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('the price on the page runs out and is shown anew, never taken silently', async () => {
    const user = await corridor.verifiedCustomer()
    const { payment_id: id } = await corridor.guidedPayment({ user_id: user, wallet: corridor.newWallet() })
    const browser = corridor.browser()
    const page = `/hosted/payment/${id}`
    await browser.call('POST', `${page}/open`, {})
    await corridor.advance('11m')
    await assert.rejects(browser.call('POST', `${page}/pay`, {}), /quote_expired|action_not_allowed/)
    const view = await browser.call<{ new_price: { offer_id: string } | null }>('GET', page)
    assert.ok(view.new_price)
    await browser.call('POST', `${page}/price/accept`, { offer_id: view.new_price.offer_id })
    const { redirect_url: url } = await browser.call<{ redirect_url: string }>('POST', `${page}/pay`, {})
    assert.match(url, /\/simulators\/card\//)
  })
})
