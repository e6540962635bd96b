import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { verifyLedger } from '../../src/app-ledger.ts'
import { eventually } from '../support/app.ts'
import { type Corridor, openCorridor } from './corridor.ts'

/** The books of a platform that has lived a little, proven against the payments, the bank and the chain. */
describe('the books', () => {
  let corridor: Corridor
  before(async () => {
    corridor = await openCorridor()
  })
  after(() => corridor.stop())

  const verify = () => verifyLedger(corridor.test.app)

  async function pay(paymentType: string, pay: Record<string, unknown> = {}): Promise<string> {
    const user = await corridor.verifiedCustomer()
    const { payment_id: id } = await corridor.guidedPayment({
      user_id: user,
      payment_type: paymentType,
      wallet: corridor.newWallet(),
    })
    await corridor.company.call('POST', `/api/sandbox/payments/${id}/pay`, pay)
    return id
  }

  /** Works on the rows themselves, past everything that refuses it. */
  async function tamper(sql: string): Promise<void> {
    const client = await corridor.test.app.pool.connect()
    try {
      await client.query(`begin; set local session_replication_role = replica; ${sql}; commit`)
    } finally {
      client.release()
    }
  }

  const sealed = () =>
    eventually('everything to be sealed', async () => {
      const waiting = await corridor.test.app.db.selectFrom('unsealedJournals').selectAll().limit(1).execute()
      return waiting.length === 0
    })

  it('are right while money is on its way and when all has arrived', async () => {
    const ids = [await pay('card'), await pay('psd2'), await pay('transfer')]
    const short = await pay('transfer', { outcome: 'less' })
    const more = await pay('transfer', { outcome: 'more' })
    const third = await pay('transfer', { outcome: 'third_party' })
    const moving = await verify()
    assert.deepEqual(moving.problems, [])
    for (const id of [...ids, more]) await corridor.reaches(id, 'coins_sent')
    await corridor.reaches(third, 'in_review')
    await eventually(
      'the excess to be back',
      async () => (await corridor.payment(more)).refund?.state === 'confirmed',
    )
    assert.equal((await corridor.payment(short)).status, 'started')
    const arrived = await verify()
    assert.deepEqual(arrived.problems, [])
    assert.ok(arrived.ok && arrived.journals > 20, `${arrived.journals} journals`)
    // Nobody mends the two that wait: their money goes back.
    await corridor.advance('20d')
    for (const id of [short, third]) await corridor.reaches(id, 'refunded')
    const refunded = await verify()
    assert.deepEqual(refunded.problems, [])
    await sealed()
  })

  it('name what was tampered with', async () => {
    const { db } = corridor.test.app
    const conversion = await db
      .selectFrom('journals')
      .select('id')
      .where('kind', '=', 'conversion')
      .orderBy('id')
      .executeTakeFirstOrThrow()
    const named = async () => (await verify()).problems.map(({ where }) => where)
    // A fee that somebody gives himself: every sum is right.
    await tamper(
      `update postings set account = 'fee:mine' where journal_id = ${conversion.id} and account = 'fee:percent'`,
    )
    const line = (await named())[0] ?? ''
    assert.match(line, new RegExp(`^journal ${conversion.id}, line \\d$`))
    await tamper(`update postings set account = 'fee:percent' where account = 'fee:mine'`)
    assert.deepEqual(await named(), [])
  })

  it('name a wallet, an account or a payment that the world knows otherwise', async () => {
    const { db } = corridor.test.app
    const find = async (beginning: string) =>
      (await verify()).problems.filter(({ where }) => where.startsWith(beginning))
    const wallet = await db
      .selectFrom('wallets')
      .select(['chain', 'address'])
      .where('role', '=', 'hot')
      .where('chain', '=', 'polygon')
      .executeTakeFirstOrThrow()
    const door = `wallet:polygon:${wallet.address}`
    const carry = (units: number) =>
      tamper(`update balance_checkpoints set units = units + ${units}
               where account = '${door}' and asset = 'polygon:USDC'`)
    await carry(7)
    assert.match((await find(`account ${door} (polygon:USDC)`))[0]?.what ?? '', /but the chain says/)
    await carry(-7)

    const { iban } = await db
      .selectFrom('bankAccounts')
      .select('iban')
      .orderBy('iban')
      .executeTakeFirstOrThrow()
    await tamper(
      `update simulated.bank_accounts set balance_units = balance_units + 1 where iban = '${iban}'`,
    )
    assert.match((await find(`account bank:${iban}`))[0]?.what ?? '', /but by the bank/)
    await tamper(
      `update simulated.bank_accounts set balance_units = balance_units - 1 where iban = '${iban}'`,
    )

    const { id } = await db
      .selectFrom('payments')
      .select('id')
      .where('state', '=', 'coins_sent')
      .executeTakeFirstOrThrow()
    await tamper(`update payments set received_units = received_units + 1 where id = '${id}'`)
    assert.equal((await find(`account customer:${id}:fiat`)).length, 1)
    await tamper(`update payments set received_units = received_units - 1 where id = '${id}'`)
    assert.deepEqual((await verify()).problems, [])
  })
})
