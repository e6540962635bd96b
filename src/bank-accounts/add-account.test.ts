import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { eventually } from '../../test/support/app.ts'
import {
  addCustomer,
  checkBooks,
  getPayment,
  type PaymentWorld,
  startPaymentWorld,
  WALLET,
} from '../../test/support/payments.ts'
import { bytesOf, statementParts, writeCamt } from '../../test/support/statement-writers.ts'
import { findAccountProblems } from '../ledger/verify-accounts.ts'
import { spanishIban } from '../providers/bank/iban.ts'
import { addAccount, checkAccount, type NewAccount } from './add-account.ts'
import { describeAccount, listAccounts } from './describe-account.ts'
import { importStatement } from './import-statement.ts'
import { claimLine } from './operate-accounts.ts'
import { setOrdersBy } from './orders/list-orders.ts'
import { retireAccount, reviveAccount } from './retire-account.ts'
import { readCamt } from './statements/read-camt.ts'

const WHO = { who: 'eva', why: 'opened today' }
const FIRST = 'ES9121000418450200051332'
const GOOD: NewAccount = {
  iban: FIRST,
  bic: 'CAIXESBBXXX',
  bankName: 'CaixaBank',
  holderName: 'Ramp SL',
  currency: 'EUR',
  integrationId: null,
  ordersBy: 'file',
}
const ibanNo = (number: number): string => spanishIban('2100', '0418', String(number).padStart(10, '0'))
let t: PaymentWorld

before(async () => {
  t = await startPaymentWorld({ BANK_PROVIDER: 'files' })
})
after(() => t.stop())

const add = (changes: Partial<NewAccount> = {}) => addAccount(t.app, { ...GOOD, ...changes }, WHO)

const create = async () =>
  t.api('POST', '/api/createPayment', {
    body: {
      user_id: await addCustomer(t.app),
      fiat_amount: '100.00',
      fiat_symbol: 'EUR',
      coin_symbol: 'USDC',
      coin_chain: 'polygon',
      wallet: WALLET,
      payment_type: 'transfer',
    },
  })

async function pay(): Promise<{ iban: string; concept: number; id: string; holder: string }> {
  const { body } = await create()
  assert.equal(body.error, undefined, JSON.stringify(body))
  const { iban, concept, payment_id: id, destination_name: holder } = body.data
  return { iban, concept, id, holder }
}

/** The statement of today, as another tool would write it. */
async function importDay(options: Omit<Parameters<typeof statementParts>[0], 'on'>): Promise<void> {
  const on = t.app.clock.now().toISOString().slice(0, 10)
  await importStatement(t.app, {
    fileName: 'statement.xml',
    bytes: bytesOf(writeCamt(statementParts({ ...options, on }))),
    source: 'command',
    who: 'eva',
    open: async (bytes) => ({ format: 'camt.053.001.08', parts: readCamt(bytes) }),
  })
  await t.runLanes('bank-lines', 'bank-orders')
}

test('what is wrong with an account is named, all of it', () => {
  const refusal = (changes: Partial<NewAccount>): string => {
    try {
      checkAccount({ ...GOOD, ...changes })
    } catch (error) {
      return (error as Error).message
    }
    return 'none'
  }
  const all = { iban: 'ES9121000418450200051333', bic: 'CAIXA', holderName: ' ', currency: 'GBP' }
  const text = refusal({ ...all, bankName: 'C'.repeat(71) })
  for (const reason of [
    /ES9121000418450200051333 has check digits that do not fit/,
    /BIC CAIXA is none: it has 8 or 11/,
    /holder is empty/,
    /bank's name has more than 70/,
    /GBP is no currency of the platform's: EUR/,
  ]) {
    assert.match(text, reason)
  }
  assert.match(refusal({ currency: 'MXN' }), /Files carry SEPA transfers, so an account in MXN needs/)
  assert.match(refusal({ holderName: 'Ramp\nSL' }), /can't be printed/)
  assert.deepEqual(
    checkAccount({ ...GOOD, iban: 'es91 2100 0418 4502 0005 1332', bic: 'caix es bb xxx', currency: 'eur' }),
    GOOD,
  )
})

test('what nobody has is refused: an integration, an API', async () => {
  await assert.rejects(add({ integrationId: 77 }), /There is no integration 77/)
  await assert.rejects(add({ ordersBy: 'api' }), /No bank's API is configured/)
  assert.deepEqual(await listAccounts(t.app), [])
  assert.equal((await create()).body.error, 'error_payment_creation')
})

test('an account is added once, given to a payer, and paid on by what its statement says', async () => {
  assert.deepEqual([await add(), await add()], ['added', 'known'])
  await assert.rejects(add({ integrationId: 1 }), /We have ES91\d+ already, with integration of all/)
  const audited = await t.app.db
    .selectFrom('auditLog')
    .select(['action', 'who', 'why'])
    .where('target', '=', `bank-account:${FIRST}`)
    .execute()
  assert.deepEqual(audited, [{ action: 'bank-account.add', ...WHO }])

  const payment = await pay()
  assert.deepEqual([payment.iban, payment.holder], [FIRST, 'Ramp SL'])
  await assert.rejects(retireAccount(t.app, FIRST, WHO), /1 payments may still be paid to it/)
  const line = { concept: String(payment.concept), counterpartyName: 'ANA PEREZ GARCIA', bankRef: 'A1' }
  await importDay({ account: FIRST, lines: () => [{ units: 10_000n, ...line }] })
  assert.equal((await getPayment(t, payment.id)).status, 'payment_received')
  const { body } = await t.api('GET', '/api/banking/accounts')
  assert.deepEqual(
    body.data.map((one: Record<string, unknown>) => [one.iban, one.holder_name, one.status, one.balance]),
    [[FIRST, 'Ramp SL', 'active', null]],
  )
})

test('an integration’s own account goes before a pooled one, and a newer one before an older', async () => {
  await add({ iban: ibanNo(5) })
  assert.equal((await pay()).iban, ibanNo(5))
  await add({ iban: ibanNo(9), integrationId: 1 })
  assert.equal((await pay()).iban, ibanNo(9))
  await add({ iban: ibanNo(3) })
  assert.equal((await pay()).iban, ibanNo(9))
})

test('the sandbox says that its bank has no such account, and does not pretend that money came', async () => {
  const { id, iban } = await pay()
  const paid = await t.api('POST', `/api/sandbox/payments/${id}/pay`, { body: {} })
  assert.deepEqual(
    [paid.body.error, /statements alone/.test(paid.body.message)],
    ['method_not_allowed', true],
  )
  const body = { iban, amount: '10.00', name: 'Ana' }
  const sent = await t.api('POST', '/api/sandbox/bank/transfer', { body })
  assert.deepEqual([sent.body.error, /statements alone/.test(sent.body.message)], ['account_not_found', true])
})

test('an account is retired when nothing is left of it, and taken up again', async () => {
  await assert.rejects(retireAccount(t.app, FIRST, WHO), /It holds 100\.00 EUR by the books: transfer it/)
  await importDay({
    account: FIRST,
    openingUnits: 10_000n,
    statementRef: '2',
    lines: () => [{ units: 10_000n, direction: 'debit', concept: 'a la cuenta nueva', bankRef: 'A2' }],
  })
  const { id } = await t.app.db
    .selectFrom('bankTransactions')
    .select('id')
    .where('direction', '=', 'debit')
    .executeTakeFirstOrThrow()
  await assert.rejects(retireAccount(t.app, FIRST, WHO), /-100\.00 EUR on it belong to nobody.*\n1 lines/)
  await claimLine(t.app, { iban: FIRST, id, owner: 'treasury' }, WHO)
  assert.deepEqual(
    [await retireAccount(t.app, FIRST, WHO), await retireAccount(t.app, FIRST, WHO)],
    [true, false],
  )
  await assert.rejects(add(), /is ours and was retired: "bank account retire/)
  // Told to go by an API meanwhile, it is still not asked.
  await setOrdersBy(t.app, { iban: FIRST, by: 'api' }, WHO)
  const row = await t.app.db
    .selectFrom('bankAccounts')
    .select(['status', 'dueAt'])
    .where('iban', '=', FIRST)
    .executeTakeFirst()
  assert.deepEqual(row, { status: 'retired', dueAt: null })
  assert.deepEqual(
    [await reviveAccount(t.app, FIRST, WHO), await reviveAccount(t.app, FIRST, WHO)],
    [true, false],
  )
  const entry = await describeAccount(t.app, FIRST)
  assert.deepEqual([entry?.status, entry?.heldUnits, entry?.payments, entry?.lines], ['active', 0n, 0, 0])
  assert.equal(entry?.statementTo, t.app.clock.now().toISOString().slice(0, 10))
  await assert.rejects(retireAccount(t.app, 'DE02', WHO), /We have no account DE02/)
  await checkBooks(t.app)
  assert.deepEqual(await t.app.db.transaction().execute(findAccountProblems), [])
})

test('nobody is given an account that is retired at the same time', async () => {
  for (let round = 20; round < 26; round += 1) {
    await add({ iban: ibanNo(round), integrationId: 1 })
    const given = pay()
    const retired = await retireAccount(t.app, ibanNo(round), WHO).catch((error: Error) => error.message)
    const { iban } = await given
    if (iban === ibanNo(round)) assert.match(String(retired), /1 payments may still be paid/)
    else assert.equal(retired, true)
  }
})

test('who retires an account waits for a line that is being recorded on it', async () => {
  const iban = ibanNo(30)
  await add({ iban })
  const retired = await t.app.db.transaction().execute(async (trx) => {
    await sql`
      insert into bank_transactions (iban, id, bank_ref, booked_at, value_date, direction, units, currency,
                                     counterparty_sealed, concept, booked_on, state, created_at)
      select ${iban}, 'late', 'late', booked_at, value_date, 'credit', units, currency, counterparty_sealed, concept,
             booked_on, 'unmatched', created_at from bank_transactions limit 1`.execute(trx)
    const asked = retireAccount(t.app, iban, WHO).then(String, (error: Error) => error.message)
    await eventually('the line to be waited for', async () => {
      const { rows } = await sql`
        select from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like '%bank_accounts%'`.execute(
        t.app.db,
      )
      return rows.length > 0
    })
    // Its promise alone is handed out: the answer comes when this is committed.
    return { asked }
  })
  assert.match(await retired.asked, /1 lines of it wait/)
})
