import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { addCustomer } from '../../test/support/payments.ts'
import { createRampoff, getRampoff } from '../../test/support/rampoff.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.stop())

test('more than the sandbox can send is refused, not sent to be reverted', async () => {
  const customer = await addCustomer(t.app)
  const sale = await createRampoff(t, customer)
  const native = await createRampoff(t, customer, { symbol: 'POL', amount: '400' })
  const send = async (body: object) => (await t.api('POST', '/api/sandbox/chain/deposit', { body })).body
  for (const amount of ['9'.repeat(30), '9'.repeat(29), `1${'0'.repeat(28)}`]) {
    for (const of of [
      { rampoff_id: sale.id },
      { rampoff_id: sale.id, sender: 'blocked' },
      { rampoff_id: native.id },
    ]) {
      const { status, error, message } = await send({ ...of, amount })
      assert.deepEqual([status, error], ['error', 'coin_unavailable'], `${amount} ${JSON.stringify(of)}`)
      assert.match(message, /no more than \d+/)
    }
  }
  assert.equal((await send({ rampoff_id: sale.id, amount: '40' })).status, 'ok')
  const { deposits } = await eventually(
    'the coins to be counted',
    async () => {
      const seen = await getRampoff(t, sale.id)
      return seen.received_amount === '40000000' && seen
    },
    20_000,
  )
  assert.equal(deposits.length, 1, 'and nothing of what was refused came')
})
