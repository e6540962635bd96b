import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addSharedAccount, tellLine } from '../../test/support/bank.ts'
import { readByCursor, readByPage, readList } from '../../test/support/lists.ts'
import { findIban } from '../../test/support/payments.ts'
import { sharePaymentWorld, startTransfer } from '../../test/support/transfer-payments.ts'
import { reconcileLine } from './reconcile-line.ts'

const HOUR_MS = 3_600_000

const t = await sharePaymentWorld()
const iban = await findIban(t.app)
const path = `/api/banking/accounts/${iban}/transactions`
const others = await t.authenticate('sandbox-key-2', 'sandbox-secret-2')

const newPayment = async () => (await startTransfer(t)).id

const reconcile = (body: Record<string, unknown>) => t.api('POST', '/api/banking/reconcile', { body })

const idsOf = (lines: readonly { id: string }[]): string[] => lines.map(({ id }) => id)

describe('accounts', () => {
  test('each integration has a EUR account of its own, with the balance of the books', async () => {
    const { body } = await t.api('GET', '/api/banking/accounts')
    const [account, ...more] = body.data
    assert.deepEqual(more, [])
    assert.deepEqual(Object.keys(account), [
      'iban',
      'bic',
      'bank_name',
      'holder_name',
      'currency',
      'balance',
      'status',
      'created_at',
    ])
    assert.deepEqual(
      [account.iban, account.currency, account.balance, account.status],
      [iban, 'EUR', '10000000.00', 'active'],
    )
    await tellLine(t.app, { iban, units: 2_310n })
    const after = await t.api('GET', '/api/banking/accounts')
    assert.equal(after.body.data[0].balance, '10000023.10')
    await t.runLanes('ledger-seal')
    assert.deepEqual(
      (await t.api('GET', '/api/banking/accounts')).body,
      after.body,
      'sealed entries count the same',
    )
    const theirs = await t.api('GET', '/api/banking/accounts', { token: others })
    assert.equal(theirs.body.data.length, 1)
    assert.notEqual(theirs.body.data[0].iban, iban)
    assert.equal(theirs.body.data[0].balance, '10000000.00')
  })

  test('a shared account: for those alone whose payments got money on it, with what is theirs', async () => {
    const shared = await addSharedAccount(t.app)
    const list = `/api/banking/accounts/${shared}/transactions`
    const [payment, other] = [await newPayment(), await newPayment()]
    const mixed = await tellLine(t.app, { iban: shared, units: 25_000n })
    await tellLine(t.app, { iban: shared, units: 7_777n })
    await tellLine(t.app, { iban: shared, direction: 'debit', units: 100n })
    assert.equal((await t.api('GET', list)).body.error, 'account_not_found')
    assert.equal((await t.api('GET', '/api/banking/accounts')).body.data.length, 1)
    for (const paymentId of [payment, other]) {
      await reconcileLine(t.app, {
        iban: shared,
        transactionId: mixed,
        paymentId,
        amount: '100.00',
        acceptDifference: false,
        by: 'operator',
      })
    }
    const [, account] = (await t.api('GET', '/api/banking/accounts')).body.data
    assert.deepEqual([account.iban, account.balance], [shared, null])
    const lines = await readByPage(t, list, 1)
    assert.deepEqual(idsOf(lines), [mixed], 'once, and none of the others')
    const [line] = lines
    assert.deepEqual([line.amount, line.reconciled, line.match.state], ['200.00', true, 'matched'])
    assert.deepEqual(
      line.match.payments.map((one: { payment_id: string }) => one.payment_id).sort(),
      [payment, other].sort(),
    )
    for (const filter of ['direction=debit', 'reconciled=false'])
      assert.deepEqual((await readList(t, `${list}?${filter}`, {})).data, [], filter)
    assert.equal((await readList(t, `${list}?direction=credit&reconciled=true`, {})).data.length, 1)
    assert.equal((await t.api('GET', list, { token: others })).body.error, 'account_not_found')
    const theirs = await t.api('GET', '/api/banking/accounts', { token: others })
    assert.equal(theirs.body.data.length, 1)
  })
})

describe('transactions', () => {
  test('with the payment they are for, or what they may be for', async () => {
    const [one, other] = [await newPayment(), await newPayment()]
    const id = await tellLine(t.app, { iban, units: 12_000n, concept: 'Compra', endToEndId: 'E2E-1' })
    const find = async () => (await readList(t, path, {})).data.find((line: { id: string }) => line.id === id)
    const open = await find()
    assert.deepEqual(
      { ...open, booked_at: null, value_date: null },
      {
        id,
        iban,
        booked_at: null,
        value_date: null,
        direction: 'credit',
        amount: '120.00',
        currency: 'EUR',
        counterparty_name: 'Ana Pérez García',
        counterparty_iban: 'ES9121000418450200051332',
        concept: 'Compra',
        end_to_end_id: 'E2E-1',
        reconciled: false,
        payment_id: null,
        match: { state: 'unmatched', score: null, reasons: [], payments: [], suggestions: [] },
      },
    )
    assert.match(open.booked_at, /^\d{4}-\d\d-\d\dT[\d:.]{15}Z$/)
    assert.match(open.value_date, /^\d{4}-\d\d-\d\d$/)
    await reconcile({ payment_id: one, transaction_id: id, amount: '100.00' })
    const half = await find()
    assert.deepEqual([half.reconciled, half.payment_id, half.match.state], [false, one, 'unmatched'])
    await reconcile({ payment_id: other, transaction_id: id, accept_difference: true })
    const whole = await find()
    assert.deepEqual([whole.reconciled, whole.payment_id, whole.match.state], [true, one, 'matched'])
    assert.deepEqual(whole.match.payments, [
      { payment_id: one, amount: '100.00' },
      { payment_id: other, amount: '20.00' },
    ])
  })

  test('the IBAN with spaces and in any case; any other is no account', async () => {
    const spaced = iban.toLowerCase().replace(/(.{4})/g, '$1 ')
    const { body } = await t.api('GET', `/api/banking/accounts/${encodeURIComponent(spaced)}/transactions`)
    assert.equal(body.status, 'ok')
    for (const wrong of ['ES9121000418450200051332', 'x', `${iban}0`]) {
      const answer = await t.api('GET', `/api/banking/accounts/${wrong}/transactions`, { honest: true })
      assert.deepEqual([answer.status, answer.body.error], [404, 'account_not_found'], wrong)
    }
    const theirs = await t.api('GET', path, { token: others, honest: true })
    assert.deepEqual([theirs.status, theirs.body.error], [404, 'account_not_found'])
  })

  test('filters, both paginations, newest first by when they were booked', async () => {
    const shared = await addSharedAccount(t.app)
    await t.app.db.updateTable('bankAccounts').set({ integrationId: 1 }).where('iban', '=', shared).execute()
    const list = `/api/banking/accounts/${shared}/transactions`
    const start = t.app.clock.now().getTime()
    const told: { id: string; at: Date; direction: 'credit' | 'debit'; done: boolean }[] = []
    for (let n = 0; n < 12; n += 1) {
      // Two of each time, told in another order than they were booked.
      const at = new Date(start - (((n * 5) % 12) >> 1) * HOUR_MS)
      const direction = n % 3 === 0 ? 'debit' : 'credit'
      const id = await tellLine(t.app, { iban: shared, direction, bookedAt: at })
      const done = direction === 'credit' && n % 2 === 0
      if (done) await reconcile({ payment_id: await newPayment(), transaction_id: id })
      told.push({ id, at, direction, done })
    }
    const order = (some: typeof told) =>
      some.toSorted((a, b) => b.at.getTime() - a.at.getTime() || (a.id < b.id ? 1 : -1)).map(({ id }) => id)
    const cases: [string, (line: (typeof told)[number]) => boolean][] = [
      ['', () => true],
      ['?direction=debit', ({ direction }) => direction === 'debit'],
      ['?direction=credit', ({ direction }) => direction === 'credit'],
      ['?reconciled=true', ({ done }) => done],
      ['?reconciled=false', ({ done }) => !done],
      ['?reconciled=false&direction=credit', ({ done, direction }) => !done && direction === 'credit'],
    ]
    for (const [query, fits] of cases) {
      const expected = order(told.filter(fits))
      assert.ok(expected.length > 0, query)
      assert.deepEqual(idsOf(await readByPage(t, list + query, 5)), expected, `${query} by page`)
      assert.deepEqual(idsOf(await readByCursor(t, list + query, 3)), expected, `${query} by cursor`)
    }
    const from = new Date(start - 3 * HOUR_MS)
    const to = new Date(start - HOUR_MS)
    const within = told.filter(({ at }) => at >= from && at < to)
    assert.equal(within.length, 4)
    const range = `?from=${from.toISOString()}&to=${to.toISOString()}`
    assert.deepEqual(idsOf(await readByPage(t, list + range, 3)), order(within))
    assert.deepEqual(
      idsOf(await readByCursor(t, `${list + range}&direction=credit`, 1)),
      order(within.filter(({ direction }) => direction === 'credit')),
    )
    await t.app.db
      .updateTable('bankAccounts')
      .set({ integrationId: null })
      .where('iban', '=', shared)
      .execute()
  })

  test('what is wrong with the filters, all at once; a cursor of another account', async () => {
    const wrong = await t.api(
      'GET',
      `${path}?direction=up&reconciled=maybe&from=yesterday&to=x&per_page=101&page=0`,
    )
    assert.equal(wrong.body.error, 'invalid_field')
    assert.deepEqual(Object.keys(wrong.body.errors).sort(), [
      'direction',
      'from',
      'page',
      'per_page',
      'reconciled',
      'to',
    ])
    const { pagination } = await readList(t, path, { per_page: 1 })
    const elsewhere = await t.api('GET', `${path}?direction=credit&cursor=${pagination.next_cursor}`)
    assert.deepEqual(
      [elsewhere.body.error, Object.keys(elsewhere.body.errors)],
      ['invalid_field', ['cursor']],
    )
    const far = await t.api('GET', `${path}?page=500&per_page=100`)
    assert.equal(far.body.error, 'invalid_field')
  })
})
