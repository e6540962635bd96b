import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { sql } from 'kysely'
import { checkBank, magicPayee } from '../../test/support/bank.ts'
import { sendTransfer } from '../../test/support/payments.ts'
import {
  addSale,
  checkSaleBooks,
  deposit,
  getSale,
  orderPayout,
  payoutOf,
  SOUND_PAYEE,
  saleEffects,
  saleEvents,
  settleBank,
  shareSaleWorld,
} from '../../test/support/sales.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { readFunds } from '../effects/payout-funds.ts'
import { balanceOf } from '../ledger/book.ts'
import { findAccountProblems } from '../ledger/verify-accounts.ts'
import { findOrderProblems } from '../ledger/verify-payouts.ts'
import { paySaleAgain } from '../offramp/review-sale.ts'
import type { Payee, Sale } from '../offramp/sale.ts'
import type { BankLine } from '../providers/bank/port.ts'
import { payerIban } from '../providers/bank/simulated/incoming.ts'
import { addFaults } from '../providers/faults.ts'
import { claimLine, listAccountStates, listOpenLines } from './operate-accounts.ts'
import { recordBankLines } from './record-lines.ts'
import { settleReturn } from './settle-return.ts'

const DAY = 86_400_000
const WHO = { who: 'operator', why: 'test' }
const t = await shareSaleWorld()
afterEach(() => checkBank(t.app))

/** The payee that makes the bank do so: by IBAN, or by the name of a Mexican account. */
const magic = (does: string, code: string | null, keptUnits = 0n): Payee => ({
  kind: 'iban',
  iban: magicPayee(does, code, keptUnits),
  name: 'Ana Pérez',
})

/** A sale whose coins are converted and whose payout is ordered. */
async function ordered(payee: Payee): Promise<Sale> {
  const taken = await orderPayout(t, payee)
  assert.equal(taken.state, 'processing')
  return taken
}

const effectOf = (sale: Sale, round?: number) => payoutOf(t.app, sale, round)

const linesOf = (transferRef: string) =>
  t.app.db
    .selectFrom('bankTransactions')
    .selectAll()
    .where('transferRef', '=', transferRef)
    .orderBy('bookedAt')
    .orderBy('bankRef')
    .execute()

const held = ({ id }: Sale) => balanceOf(t.app.db, `customer:${id}:fiat`, 'EUR')
const suspense = (iban: string) => balanceOf(t.app.db, `suspense:${iban}`, 'EUR')
const ibanOf = ({ door }: { door: string }) => door.slice('bank:'.length)

let byHand = 0

/** The bank books a line that the simulated one doesn't know: on both sides, so that the books can be compared. */
async function bookByHand(
  effect: { door: string },
  line: Partial<BankLine> & { units: bigint },
): Promise<void> {
  const iban = ibanOf(effect)
  const signed = line.direction === 'debit' ? -line.units : line.units
  await sql`update simulated.bank_accounts set balance_units = balance_units + ${signed} where iban = ${iban}`.execute(
    t.app.db,
  )
  await recordBankLines(t.app, [
    {
      ref: `X${(byHand += 1)}`,
      iban,
      bookedAt: t.app.clock.now(),
      valueDate: '2030-01-01',
      direction: 'credit',
      balanceUnits: 0n,
      currency: 'EUR',
      counterpartyName: 'A bank',
      counterpartyIban: null,
      concept: 'return',
      endToEndId: null,
      transferRef: null,
      returnCode: 'AC04',
      returnText: null,
      ...line,
    },
  ])
  await t.settle()
}

const AC04 = 'returned by the bank: AC04: the account is closed (Cuenta cancelada)'

describe('a payout that the receiving bank sends back', () => {
  test('after a day, by callback: before a person, paid again, and a second return of the first stays in suspense', async () => {
    const sale = await ordered(magic('return', 'AC04'))
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    await t.advance(DAY)
    await t.settle()
    const back = await getSale(t.app, sale.id)
    assert.deepEqual(
      [back.state, back.reviewReason, back.reviewDetail, back.payout?.state],
      ['in_review', 'payout_failed', AC04, 'failed'],
    )
    const first = await effectOf(sale)
    assert.deepEqual([first.state, first.reason], ['cancelled', AC04])
    assert.equal(await held(sale), -8865n)
    assert.deepEqual(
      (await linesOf(first.providerRef!)).map(({ direction, state, units }) => [direction, state, units]),
      [
        ['debit', 'matched', 8865n],
        ['credit', 'returned', 8865n],
      ],
    )
    await checkSaleBooks(t.app)

    await paySaleAgain(t.app, sale.id, { ...WHO, payee: () => SOUND_PAYEE })
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    assert.deepEqual(await saleEvents(t.app, sale.id), [
      'CRYPTO_RECEIVED',
      'TRANSFER_RAMPOFF_FINISHED',
      'RAMPOFF_IN_REVIEW',
      'RAMPOFF_REVIEWED',
      'TRANSFER_RAMPOFF_FINISHED',
    ])

    const before = await suspense(ibanOf(first))
    await bookByHand(first, { units: 8865n, transferRef: first.providerRef, returnCode: 'MS03' })
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    assert.equal(await suspense(ibanOf(first)), before - 8865n)
    const again = (await linesOf(first.providerRef!)).at(-1)
    assert.deepEqual([again?.state, again?.matchReasons], ['unmatched', [`return:again:${first.id}`]])
    assert.deepEqual(
      (await saleEffects(t.app, sale.id)).map(({ state }) => state),
      ['cancelled', 'confirmed'],
    )
  })

  test('the one that was paid again comes back too: only the money of that round is held', async () => {
    const sale = await ordered(magic('return', 'BE04'))
    await settleBank(t)
    await t.advance(DAY)
    await t.settle()
    await paySaleAgain(t.app, sale.id, { ...WHO, payee: () => magic('return', 'MD07') })
    await settleBank(t)
    assert.equal(await held(sale), 0n)
    await t.advance(DAY)
    await t.settle()
    const back = await getSale(t.app, sale.id)
    assert.deepEqual(
      [back.state, back.reviewDetail, back.payout?.round],
      ['in_review', 'returned by the bank: MD07: the receiver has died', 2],
    )
    assert.equal(await held(sale), -8865n)
  })

  test('before we heard that it was booked: never finished, and nothing is ordered again', async () => {
    const sale = await ordered(magic('return', 'AC04', 0n))
    await t.runLanes('payouts')
    await t.advance(2_000)
    await t.runLanes('simulated-bank')
    await t.advance(DAY)
    await t.settle()
    await settleBank(t)
    const back = await getSale(t.app, sale.id)
    assert.deepEqual([back.state, back.reviewDetail], ['in_review', AC04])
    assert.deepEqual(await saleEvents(t.app, sale.id), ['CRYPTO_RECEIVED', 'RAMPOFF_IN_REVIEW'])
    assert.equal((await effectOf(sale)).state, 'cancelled')
    assert.equal(await held(sale), -8865n)
  })

  test('whose order had no answer: known by the id that it carries', async () => {
    const sale = await ordered(magic('return', 'AC04'))
    await addFaults(t.app, { provider: 'bank', kind: 'lost_answer', count: 1 })
    await t.runLanes('payouts')
    const lost = await effectOf(sale)
    assert.deepEqual([lost.state, lost.providerRef], ['unknown', null])
    await t.advance(2_000)
    await t.runLanes('simulated-bank')
    await t.advance(DAY)
    await t.settle()
    await settleBank(t)
    assert.deepEqual(
      [(await getSale(t.app, sale.id)).state, (await effectOf(sale)).state],
      ['in_review', 'cancelled'],
    )
    assert.ok((await effectOf(sale)).providerRef)
    assert.equal(await held(sale), -8865n)
  })

  test('told before the line that took it: waits for that line', async () => {
    const sale = await ordered(SOUND_PAYEE)
    await t.runLanes('payouts')
    const effect = await effectOf(sale)
    assert.equal(effect.state, 'sent')
    // Of the order nothing is booked yet, and its return is told already.
    await bookByHand(effect, { units: 8865n, transferRef: effect.providerRef })
    const [line] = await linesOf(effect.providerRef!)
    assert.equal(line?.state, 'unmatched')
    assert.ok(line?.dueAt && line.dueAt > t.app.clock.now())
    assert.equal((await getSale(t.app, sale.id)).state, 'processing')
    await t.advance(6_000)
    await t.settle()
    await t.advance(6_000)
    await t.settle()
    assert.deepEqual(
      [(await getSale(t.app, sale.id)).state, (await effectOf(sale)).state],
      ['in_review', 'cancelled'],
    )
    assert.equal(await held(sale), -8865n)
  })

  test('in two parts: the first waits in suspense before a person, with the second all is back', async () => {
    const sale = await ordered(SOUND_PAYEE)
    await settleBank(t)
    const effect = await effectOf(sale)
    const before = await suspense(ibanOf(effect))
    await bookByHand(effect, { units: 8000n, transferRef: effect.providerRef })
    const part = await getSale(t.app, sale.id)
    assert.deepEqual([part.state, part.payout?.state], ['in_review', 'confirmed'])
    assert.match(part.reviewDetail!, /AC04: the account is closed; 80\.00 of 88\.65 EUR came back/)
    assert.equal(await suspense(ibanOf(effect)), before - 8000n)
    assert.equal(await held(sale), 0n)
    await assert.rejects(paySaleAgain(t.app, sale.id, { ...WHO, payee: () => SOUND_PAYEE }), RefusedOperation)
    await checkSaleBooks(t.app)
    await bookByHand(effect, { units: 865n, transferRef: effect.providerRef })
    assert.equal(await held(sale), -8865n)
    assert.equal(await suspense(ibanOf(effect)), before)
    await paySaleAgain(t.app, sale.id, { ...WHO, payee: () => SOUND_PAYEE })
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
  })

  test('less the charges of the receiving bank: a person settles it, the customer has all, the house the cost', async () => {
    const sale = await ordered(magic('return', 'AC04', 500n))
    await settleBank(t)
    await t.advance(DAY)
    await t.settle()
    const effect = await effectOf(sale)
    assert.match((await getSale(t.app, sale.id)).reviewDetail!, /83\.65 of 88\.65 EUR came back/)
    assert.deepEqual(await settleReturn(t.app, effect.id, WHO), { asset: 'EUR', costUnits: 500n })
    assert.equal(await held(sale), -8865n)
    assert.equal(await balanceOf(t.app.db, 'cost:bank', 'EUR'), 500n)
    await assert.rejects(settleReturn(t.app, effect.id, WHO), RefusedOperation)
    await paySaleAgain(t.app, sale.id, { ...WHO, payee: () => SOUND_PAYEE })
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    assert.equal(await held(sale), 0n)
  })

  test('more than went out, or what we never sent: in suspense, named', async () => {
    const sale = await ordered(SOUND_PAYEE)
    await settleBank(t)
    const effect = await effectOf(sale)
    await bookByHand(effect, { units: 9000n, transferRef: effect.providerRef })
    await bookByHand(effect, { units: 70n, transferRef: 'tr_unknown' })
    assert.deepEqual(
      [...(await linesOf(effect.providerRef!)), ...(await linesOf('tr_unknown'))].flatMap(
        ({ matchReasons }) => matchReasons,
      ),
      [`return:more:${effect.id}`, 'return:unknown'],
    )
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
  })

  test('of which only the notification of the return comes: the statement is read at once', async () => {
    const sale = await ordered(magic('return', 'AC04'))
    await settleBank(t)
    await t.advance(DAY)
    await t.runLanes('simulated-bank')
    await sql`delete from simulated.callbacks where notification->>'type' = 'line.booked'`.execute(t.app.db)
    await t.app.db
      .updateTable('bankAccounts')
      .set({ dueAt: new Date(t.app.clock.now().getTime() + DAY) })
      .execute()
    await t.settle()
    await t.runLanes('bank-statements', 'bank-lines')
    assert.equal((await getSale(t.app, sale.id)).state, 'in_review')
  })
})

describe('a payout that the bank does not make', () => {
  test('refused at once, or rejected later: before a person with the reason, and nothing left the account', async () => {
    for (const [payee, detail] of [
      [magic('refuse', 'RR04'), 'bank: RR04: rules forbid it'],
      [magic('reject', 'AC06'), 'rejected by the bank: AC06: the account is blocked (Cuenta bloqueada)'],
    ] as const) {
      const sale = await ordered(payee)
      const { door } = await effectOf(sale)
      const { bookedUnits } = await readFunds(t.app.db, door, 'EUR')
      await settleBank(t)
      const failed = await getSale(t.app, sale.id)
      assert.deepEqual(
        [failed.state, failed.reviewReason, failed.reviewDetail],
        ['in_review', 'payout_failed', detail],
      )
      const funds = await readFunds(t.app.db, door, 'EUR')
      assert.deepEqual([funds.bookedUnits, funds.leavingUnits], [bookedUnits, 0n])
      await paySaleAgain(t.app, sale.id, { ...WHO, payee: () => SOUND_PAYEE })
      await settleBank(t)
      assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    }
  })

  test('that stays accepted, whoever says so: nothing is paid beside it', async () => {
    const byIban = await ordered(magic('stay', null))
    const byName = await ordered({
      kind: 'iban',
      iban: payerIban('x'),
      name: 'Ana Undecided',
    })
    await settleBank(t)
    await t.advance(5 * DAY)
    await settleBank(t)
    for (const sale of [byIban, byName]) {
      assert.equal((await getSale(t.app, sale.id)).state, 'processing')
      assert.equal((await effectOf(sale)).state, 'sent')
      await assert.rejects(
        paySaleAgain(t.app, sale.id, { ...WHO, payee: () => SOUND_PAYEE }),
        RefusedOperation,
      )
    }
  })

  for (const kind of ['fail', 'lost_answer', 'twice', 'late', 'reject'] as const) {
    test(`with the bank's fault "${kind}": paid at most once, and the sale has an end or a person`, async () => {
      const sale = await ordered(SOUND_PAYEE)
      await addFaults(t.app, { provider: 'bank', kind, count: 2 })
      await settleBank(t, 6)
      await t.advance(60_000)
      await settleBank(t)
      await addFaults(t.app, { provider: 'bank', kind, count: 0 })
      await settleBank(t)
      const { state } = await getSale(t.app, sale.id)
      assert.equal(state, kind === 'reject' ? 'in_review' : 'finished')
      const { rows } = await sql<{ sent: number }>`
        select count(*)::int as sent from simulated.bank_transfers
         where direction = 'out' and state = 'booked' and concept = ${`Sale ${sale.id}`}`.execute(t.app.db)
      assert.equal(rows[0]?.sent, kind === 'reject' ? 0 : 1)
    })
  }
})

describe('money for payouts', () => {
  test('too little on the account: the payout waits, and goes when a transfer arrives there', async () => {
    const sale = await ordered(SOUND_PAYEE)
    const { door } = await effectOf(sale)
    const iban = ibanOf({ door })
    const { freeUnits } = await readFunds(t.app.db, door, 'EUR')
    await bookByHand({ door }, { direction: 'debit', units: freeUnits - 100n, transferRef: null })
    await t.runLanes('payouts')
    assert.match((await effectOf(sale)).reason!, /^funds_short: the account can give 100 units of EUR/)
    await sendTransfer(t.app, { iban, amount: '9999999.00', concept: 'treasury' })
    await t.settle()
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    const state = (await listAccountStates(t.app)).find((one) => one.iban === iban)!
    assert.deepEqual([state.waiting, state.integration], [0, 'Sandbox Remittances'])
    assert.equal(state.freeUnits, state.bookedUnits - state.leavingUnits)
    // What the treasury sent, and what went without our order, are the operator's to name.
    const lines = (await listOpenLines(t.app)).filter((line) => line.iban === iban)
    const debit = lines.find(({ direction }) => direction === 'debit')
    const credit = lines.find(({ concept }) => concept === 'treasury')
    const treasury = await balanceOf(t.app.db, 'equity:treasury', 'EUR')
    const open = await suspense(iban)
    await claimLine(t.app, { iban, id: debit!.id, owner: 'cost' }, WHO)
    await claimLine(t.app, { iban, id: credit!.id, owner: 'treasury' }, WHO)
    assert.equal(await suspense(iban), open + credit!.units - debit!.units)
    assert.equal(await balanceOf(t.app.db, 'equity:treasury', 'EUR'), treasury - credit!.units)
    await assert.rejects(claimLine(t.app, { iban, id: credit!.id, owner: 'treasury' }, WHO), RefusedOperation)
    const [paid] = await linesOf((await effectOf(sale)).providerRef!)
    await assert.rejects(claimLine(t.app, { iban, id: paid!.id, owner: 'cost' }, WHO), RefusedOperation)
  })

  for (const [fiat, country, account] of [
    ['CLP', 'CL', '12345678'],
    ['MXN', 'MX', '032180000118359719'],
    ['COP', 'CO', '26912345678'],
    ['PEN', 'PE', '00219100123456789053'],
    ['ARS', 'AR', '2850590940090418135201'],
  ] as const) {
    test(`${fiat} goes to a local account in ${country} from the account that is shared in it`, async () => {
      const payee: Payee = { kind: 'local', account, bankName: 'Banco del Sur', country, name: 'Ana Pérez' }
      const sale = await addSale(t, { fiat, payee })
      await deposit(t, sale)
      await settleBank(t)
      const paid = await getSale(t.app, sale.id)
      assert.deepEqual([paid.state, paid.fiat], ['finished', fiat])
      const { door, units } = await effectOf(sale)
      const { rows } = await sql<Record<string, unknown>>`
        select integration_id, currency, counterparty_iban, units from bank_accounts
          join simulated.bank_transfers using (iban, currency)
         where iban = ${ibanOf({ door })} and concept = ${`Sale ${sale.id}`}`.execute(t.app.db)
      assert.deepEqual(rows, [{ integrationId: null, currency: fiat, counterpartyIban: account, units }])
    })
  }
})

describe('the books, compared with the bank', () => {
  const named = async () =>
    [
      ...(await t.app.db.transaction().execute(findAccountProblems)),
      ...(await findOrderProblems(t.app.db, t.app.providers.bank!)),
    ].map(({ where, what }) => `${where} ${what}`)
  const setUnits = (line: string, units: bigint) =>
    t.app.db.updateTable('bankTransactions').set({ units }).where('id', '=', line).execute()

  test('name a line that took another amount, or for an order that is not ours', async () => {
    const sale = await ordered(SOUND_PAYEE)
    await settleBank(t)
    const { id, providerRef } = await effectOf(sale)
    const [line] = await linesOf(providerRef!)
    await setUnits(line!.id, 1n)
    assert.ok(
      (await named()).includes(
        `bank line ${line!.bankRef} of ${line!.iban} took 1 for effect ${id}, which is of 8865`,
      ),
    )
    await setUnits(line!.id, 8865n)
    const change = (ref: string | null) =>
      t.app.db.updateTable('effects').set({ providerRef: ref }).where('id', '=', id).execute()
    await change('another')
    assert.ok((await named()).some((one) => one.includes("for an order that we don't know")))
    await change(providerRef)
    assert.deepEqual(await named(), [])
  })

  test('name an order that the bank knows otherwise', async () => {
    const sale = await ordered(magic('stay', null))
    await settleBank(t)
    const { id } = await effectOf(sale)
    const change = (state: 'confirmed' | 'sent') =>
      t.app.db.updateTable('effects').set({ state }).where('id', '=', id).execute()
    await change('confirmed')
    assert.ok((await named()).includes(`effect ${id} is confirmed, but accepted by the bank`))
    await change('sent')
    assert.deepEqual(await named(), [])
  })
})
