import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { sql } from 'kysely'
import {
  addCustomer,
  createGuided,
  findIban,
  type PaymentWorld,
  sendTransfer,
  startPaymentWorld,
  takeInstructions,
} from '../../../test/support/payments.ts'
import { nameOpenPayments, pruneNames } from './payment-names.ts'

const DAY_MS = 86_400_000

describe('what open payments are found by', () => {
  let t: PaymentWorld
  let iban: string
  let customer: number
  before(async () => {
    t = await startPaymentWorld()
    iban = await findIban(t.app)
    customer = await addCustomer(t.app, { name: 'Leire', lastName: 'Otxoa Ruiz' })
  })
  after(() => t.stop())
  beforeEach(async () => {
    await sql`truncate payment_names, unnamed_payments`.execute(t.app.db)
  })

  async function open(amount: string): Promise<{ id: string; concept: string }> {
    const id = await createGuided(t, customer, { payment_type: 'transfer', fiat_amount: amount })
    const { concept } = await takeInstructions(t, id)
    return { id, concept: String(concept) }
  }

  const unnamed = () => t.app.db.selectFrom('unnamedPayments').selectAll().execute()

  async function countNames(id: string): Promise<number> {
    const names = await t.app.db
      .selectFrom('paymentNames')
      .select('iban')
      .where('paymentId', '=', id)
      .execute()
    for (const name of names) assert.equal(name.iban, iban)
    return names.length
  }

  it('is made once, for the payments of the accounts that are asked for', async () => {
    const { id } = await open('111.11')
    assert.deepEqual(await unnamed(), [{ iban, paymentId: id }])
    await nameOpenPayments(t.app, ['ES0000000000000000000000'])
    assert.deepEqual([await countNames(id), (await unnamed()).length], [0, 1])
    // The amount alone, the whole name, the given name with each surname.
    await Promise.all([nameOpenPayments(t.app, [iban]), nameOpenPayments(t.app, [iban])])
    assert.deepEqual([await countNames(id), await unnamed()], [4, []])
    await nameOpenPayments(t.app, [iban])
    assert.equal(await countNames(id), 4)
  })

  it('is not made of a payment that has its money, and goes when it comes', async () => {
    const [paid, later] = [await open('112.11'), await open('113.11')]
    await sendTransfer(t.app, { iban, amount: '112.11', concept: paid.concept, name: 'Leire Otxoa Ruiz' })
    await t.settle()
    await nameOpenPayments(t.app, [iban])
    assert.deepEqual([await countNames(paid.id), await countNames(later.id), await unnamed()], [0, 4, []])
    await sendTransfer(t.app, { iban, amount: '113.11', concept: later.concept, name: 'Leire Otxoa Ruiz' })
    await t.settle()
    assert.equal(await countNames(later.id), 0)
  })

  it('is of the amount alone when the customer was forgotten', async () => {
    const { id } = await open('114.11')
    await sql`update customers set key_wrapped = null where id = ${customer}`.execute(t.app.db)
    await nameOpenPayments(t.app, [iban])
    assert.equal(await countNames(id), 1)
  })

  it('is forgotten when nobody pays them any more, some at a time', async () => {
    const now = t.app.clock.now()
    const put = (count: number, days: number) =>
      sql`
      insert into payment_names (payment_id, digest, iban, units, created_at)
      select ${`${days} `} || place, digest, ${iban}, 1, ${new Date(now.getTime() - days * DAY_MS)}
        from generate_series(1, ${count}::integer) place, (values (''::bytea), ('name'::bytea)) digests (digest)`.execute(
        t.app.db,
      )
    await put(1_001, 121)
    await put(3, 119)
    const pruned = [await pruneNames(t.app), await pruneNames(t.app), await pruneNames(t.app)]
    assert.deepEqual(pruned, [1_000, 1, 0])
    assert.equal((await t.app.db.selectFrom('paymentNames').select('digest').execute()).length, 6)
  })
})
