import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { startTestApp, type TestApp } from '../../../test/support/app.ts'
import { openAccount } from '../../providers/bank/simulated/account.ts'

const CARD = { number: '4242 4242 4242 4242', expiry: '12/39', code: '123', name: 'Ana García' }

describe("the simulated providers' pages", () => {
  let test: TestApp
  before(async () => {
    test = await startTestApp({ lanes: false })
  })
  after(() => test.stop())

  const call = (method: string, path: string, body?: unknown) =>
    test.api(method, path, { token: null, body, headers: { 'x-page': '1' } })
  const request = () => ({
    idempotencyKey: randomUUID(),
    reference: 'HkQ2vYp4nRw8sZx1cBf6mLt3J',
    units: 15_050n,
    currency: 'EUR',
    description: 'coins',
    merchantName: 'Sandbox Remittances',
    returnUrl: 'https://merchant.example/back',
    expiresAt: new Date(test.app.clock.now().getTime() + 1_800_000),
    customerName: 'Ana García',
    customerEmail: null,
    language: 'pt',
  })

  describe('card', () => {
    const open = async (): Promise<string> => {
      const { url, providerRef } = await test.app.providers.card!.createSession(request())
      assert.equal(url, `${test.url}/simulators/card/${providerRef}`)
      return `/simulators/card/${providerRef}/api`
    }

    it('shows what is paid, to whom, and the test cards', async () => {
      const { status, body } = await call('GET', await open())
      assert.equal(status, 200)
      const { expires_at, server_time, test_cards, ...view } = body.data
      assert.ok(expires_at > server_time)
      assert.equal(test_cards.length, 5)
      assert.deepEqual(test_cards[0], { number: '4242 4242 4242 4242', does: 'paid' })
      assert.deepEqual(view, {
        merchant_name: 'Sandbox Remittances',
        amount: { amount: '150.50', currency: 'EUR' },
        reference: 'HkQ2vYp4nRw8sZx1cBf6mLt3J',
        language: 'pt',
        return_url: 'https://merchant.example/back',
        state: 'open',
        decline: null,
        tries_left: 5,
        card_last4: null,
      })
    })

    it('paid; the form sent again answers paid again', async () => {
      const path = await open()
      for (let time = 1; time <= 2; time++) {
        const { status, body } = await call('POST', `${path}/pay`, CARD)
        assert.deepEqual([status, body.data.state, body.data.card_last4], [200, 'paid', '4242'])
      }
      assert.equal((await call('POST', `${path}/cancel`, {})).status, 409)
    })

    it('declined with the reason, then another card', async () => {
      const path = await open()
      const { body } = await call('POST', `${path}/pay`, { ...CARD, number: '4000000000009995' })
      assert.deepEqual(
        [body.data.state, body.data.decline.code, body.data.tries_left],
        ['declined', 'insufficient_funds', 4],
      )
      assert.equal((await call('POST', `${path}/pay`, CARD)).body.data.state, 'paid')
    })

    it('422 naming every faulty field, nothing tried', async () => {
      const path = await open()
      const faulty = { number: '4242 4242 4242 4241', expiry: '13/39', code: '1', name: '' }
      const { status, body } = await call('POST', `${path}/pay`, faulty)
      assert.deepEqual([status, body.error], [422, 'invalid_field'])
      assert.deepEqual(Object.keys(body.errors).sort(), ['code', 'expiry', 'name', 'number'])
      assert.equal((await call('GET', path)).body.data.tries_left, 5)
    })

    it('3-D Secure: a wrong code is told, the right one pays', async () => {
      const path = await open()
      const asked = await call('POST', `${path}/pay`, { ...CARD, number: '4000 0027 6000 3184' })
      assert.equal(asked.body.data.state, 'three_d_secure_required')
      const wrong = await call('POST', `${path}/three-d-secure`, { answer: 'code', code: '000000' })
      assert.deepEqual([wrong.status, Object.keys(wrong.body.errors)], [422, ['code']])
      const right = await call('POST', `${path}/three-d-secure`, { answer: 'code', code: '123456' })
      assert.equal(right.body.data.state, 'paid')
    })

    it('3-D Secure refused is a decline', async () => {
      const path = await open()
      await call('POST', `${path}/pay`, { ...CARD, number: '4000 0027 6000 3184' })
      const { body } = await call('POST', `${path}/three-d-secure`, { answer: 'fail' })
      assert.deepEqual([body.data.state, body.data.decline.code], ['declined', 'three_d_secure_failed'])
      assert.equal((await call('POST', `${path}/three-d-secure`, { answer: 'approve' })).status, 409)
    })

    it('cancelled, also twice, and not payable any more', async () => {
      const path = await open()
      assert.equal((await call('POST', `${path}/cancel`, {})).body.data.state, 'cancelled')
      assert.equal((await call('POST', `${path}/cancel`, {})).body.data.state, 'cancelled')
      assert.equal((await call('POST', `${path}/pay`, CARD)).body.error, 'action_not_allowed')
    })

    it('404 for a session that does not exist, 403 without the page header', async () => {
      const { status, body } = await call('GET', '/simulators/card/nobody/api')
      assert.deepEqual([status, body.error], [404, 'session_not_found'])
      const bare = await test.api('POST', `${await open()}/pay`, { token: null, body: CARD })
      assert.deepEqual([bare.status, bare.body.error], [403, 'page_header_missing'])
    })
  })

  describe('bank', () => {
    let iban = ''
    before(async () => {
      const at = test.app.clock.now()
      iban = (await openAccount(test.app.db, { holderName: 'Ramp', currency: 'EUR', at })).iban
    })
    const open = async (): Promise<string> => {
      const creditor = { iban, name: 'Ramp' }
      const { url, providerRef } = await test.app.providers.openBanking!.createSession({
        ...request(),
        creditor,
        concept: '120037',
      })
      assert.equal(url, `${test.url}/simulators/bank/${providerRef}`)
      return `/simulators/bank/${providerRef}/api`
    }
    const logIn = async (): Promise<string> => {
      const path = await open()
      const { body } = await call('GET', path)
      await call('POST', `${path}/bank`, { bank_id: body.data.banks[0].id })
      await call('POST', `${path}/login`, body.data.test_login)
      return path
    }

    it('bank, login, consent, paid; a second consent pays nothing more', async () => {
      const path = await open()
      const first = (await call('GET', path)).body.data
      assert.equal(first.state, 'choose_bank')
      const chosen = (await call('POST', `${path}/bank`, { bank_id: first.banks[1].id })).body.data
      assert.deepEqual([chosen.state, chosen.bank, chosen.accounts], ['login', first.banks[1], []])
      const inside = (await call('POST', `${path}/login`, first.test_login)).body.data
      assert.equal(inside.state, 'consent')
      assert.deepEqual(
        inside.accounts.map((account: { covers: boolean }) => account.covers),
        [true, false, true],
      )
      for (let time = 1; time <= 2; time++) {
        const paid = await call('POST', `${path}/consent`, { account_id: inside.accounts[0].id })
        assert.deepEqual([paid.status, paid.body.data.state], [200, 'paid'])
      }
      const transfers = await test.app.db.selectFrom('simulated.bankTransfers').selectAll().execute()
      assert.deepEqual(
        transfers.map(({ units, counterpartyName }) => [units, counterpartyName]),
        [[15_050n, 'Ana García']],
      )
    })

    it('choosing again forgets the bank and the login', async () => {
      const path = await logIn()
      const { data } = (await call('POST', `${path}/bank`, { bank_id: null })).body
      assert.deepEqual([data.state, data.bank, data.accounts], ['choose_bank', null, []])
      assert.equal((await call('POST', `${path}/consent`, { account_id: 'current' })).status, 409)
    })

    it('an account that does not cover it: refused', async () => {
      const path = await logIn()
      const { data } = (await call('POST', `${path}/consent`, { account_id: 'savings' })).body
      assert.deepEqual([data.state, data.refusal], ['refused', 'insufficient_funds'])
    })

    it('refused by the customer, cancelled before', async () => {
      const refused = await call('POST', `${await logIn()}/refuse`, {})
      assert.equal(refused.body.data.refusal, 'refused_by_customer')
      assert.equal((await call('POST', `${await open()}/cancel`, {})).body.data.state, 'cancelled')
      assert.equal((await call('POST', `${await open()}/refuse`, {})).status, 409)
    })

    for (const [what, step, body, error] of [
      ['a wrong password', 'login', { user: 'demo', password: 'x' }, 'login_failed'],
      ['an unknown bank', 'bank', { bank_id: 'nobody' }, 'invalid_field'],
      ['an unknown account', 'consent', { account_id: 'nobody' }, 'invalid_field'],
    ] as const) {
      it(`422 ${error} for ${what}`, async () => {
        const answer = await call('POST', `${await logIn()}/${step}`, body)
        assert.deepEqual([answer.status, answer.body.error], [422, error])
      })
    }
  })
})
