import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileOf, lineOf, partsOf, portLineOf, shareStatementWorld } from '../../test/support/statements.ts'
import { type ClosedDay, closeDay } from '../bank-accounts/close-day.ts'
import { CAUSE_TEXTS } from '../bank-accounts/closing/cause-texts.ts'
import { CAUSES } from '../bank-accounts/closing/compare-day.ts'
import { importStatement } from '../bank-accounts/import-statement.ts'
import { recordBankLines } from '../bank-accounts/record-lines.ts'
import { book } from '../ledger/book.ts'
import type { BankLine } from '../providers/bank/port.ts'
import { causeText, closedDayText, totalsOf } from './bank-close-text.ts'

const DAY = '2026-03-03'
const world = await shareStatementWorld()
const iban = await world.addAccount()
let orders = 0

/** An order of ours for 40.00 that is on its way, or that the bank said it had booked. */
async function order(state: 'sent' | 'confirmed'): Promise<string> {
  orders += 1
  const id = `order-${orders}`
  const at = new Date('2026-03-02T10:00:00Z')
  await world.db
    .insertInto('effects')
    .values({
      id,
      kind: 'bank_transfer',
      purpose: id,
      integrationId: 0,
      reference: 'payment:p1',
      door: `bank:${iban}`,
      asset: 'EUR',
      units: 4_000n,
      destinationSealed: Buffer.alloc(0),
      idempotencyKey: id,
      state,
      providerRef: `ref-${id}`,
      confirmedAt: state === 'confirmed' ? at : null,
      createdAt: at,
      updatedAt: at,
    })
    .execute()
  await world.db.transaction().execute((trx) =>
    book(trx, {
      kind: 'test',
      purpose: id,
      integrationId: null,
      reference: null,
      at,
      postings: [
        { account: 'equity:treasury', asset: 'EUR', units: 4_000n },
        { account: `transit:out:${iban}`, asset: 'EUR', units: -4_000n },
      ],
    }),
  )
  return id
}

const portLine = (units: bigint, given: Partial<BankLine> = {}): BankLine =>
  portLineOf({
    iban,
    ref: `P-${units}-${given.transferRef ?? ''}`,
    bookedAt: new Date(`${DAY}T10:00:00Z`),
    valueDate: DAY,
    units,
    concept: `Pago ${units}`,
    ...given,
  })

const close = async (): Promise<ClosedDay> => {
  const [closed] = await closeDay({ ...world, providers: { bank: undefined } }, { day: DAY, iban }, 'maria')
  return closed!
}

describe('the text of a closed day', () => {
  it('names each difference with its account, amount and cause, and says what to do', async () => {
    const missing = await order('confirmed')
    await order('sent')
    const paid = await order('confirmed')
    await recordBankLines(world, [
      portLine(7_700n),
      portLine(4_000n, { direction: 'debit', transferRef: `ref-${paid}` }),
      portLine(4_000n, { direction: 'debit', transferRef: `ref-${paid}`, ref: 'P-again', concept: 'again' }),
    ])
    const nothing = partsOf({
      account: iban,
      openingUnits: 500_000n,
      fromOn: '2026-03-02',
      toOn: '2026-03-02',
      lines: [],
    })
    await importStatement(world, fileOf(nothing))
    const debit = { direction: 'debit', units: 4_000n, bookedOn: DAY } as const
    await importStatement(
      world,
      fileOf(
        partsOf({
          account: iban,
          openingUnits: 500_000n,
          fromOn: DAY,
          toOn: DAY,
          lines: [
            lineOf({ bookedOn: DAY, units: 10_000n }),
            lineOf({ bookedOn: DAY, units: 350n, direction: 'debit', concept: 'Comisión' }),
            lineOf({ ...debit, concept: 'Pago 4000' }),
            lineOf({ ...debit, concept: 'again' }),
          ],
        }),
      ),
    )
    // Told of after the statement of its day: it may be a line of it.
    await recordBankLines(world, [portLine(1_234n)])
    const idOf = async (bankRef: string): Promise<string> => {
      const lines = world.db.selectFrom('bankTransactions').select('id').where('bankRef', '=', bankRef)
      return (await lines.executeTakeFirstOrThrow()).id
    }
    const [line, again] = [await idOf('P-7700-'), await idOf('P-again')]
    const doubts = world.db.selectFrom('bankDoubts').select('id').where('units', '=', 1_234n)
    const { id: doubt } = await doubts.executeTakeFirstOrThrow()

    const closed = await close()
    const text = closedDayText(closed)
    const { says: unexpected } = CAUSE_TEXTS.unexpected_debit
    assert.deepEqual(text, [
      `${iban} on ${DAY}`,
      '  The statement says 5016.50 EUR, the books have 93.50 EUR: a difference of 4923.00 EUR.',
      `  ✗ ${iban} 2026-03-02: 5000.00 EUR, before_statements`,
      `      ${CAUSE_TEXTS.before_statements.says}`,
      `      If the account held it before its first line: "bank opening ${iban} 5000.00 --why …", once. Else import the statement before it.`,
      `  ✗ ${iban} ${DAY}: -77.00 EUR, not_on_statement`,
      `      ${CAUSE_TEXTS.not_on_statement.says} [${line} of 77.00 EUR]`,
      `      ${CAUSE_TEXTS.not_on_statement.mend}`,
      `  ✗ ${iban} ${DAY}: 12.34 EUR beside the balances, doubt`,
      `      ${CAUSE_TEXTS.doubt.says} [${doubt}, not_on_statement, port]`,
      `      "bank doubts" shows what it may be; "bank doubts decide ${doubt}" with --same <line>, --new or --dismiss.`,
      `  ✗ ${iban} 2026-03-02: -40.00 EUR beside the balances, order_not_on_statement`,
      `      ${CAUSE_TEXTS.order_not_on_statement.says} [${missing}, payment:p1]`,
      `      ${CAUSE_TEXTS.order_not_on_statement.mend}`,
      `  ✗ ${iban} ${DAY}: -40.00 EUR beside the balances, unexpected_debit`,
      `      ${unexpected} [${again}, debit:again:${paid}]`,
      `      Recover it from the bank or the receiver; then "accounts claim ${iban} ${again} --as cost --why …".`,
      '  On its way out, and not on the account’s list yet: 80.00 EUR, of it 1 order not done yet',
      '  Without an owner ("bank lines"): 133.50 EUR (under 1 day: 4 lines, 133.50 EUR)',
    ])
    const [difference] = closed.differences
    assert.match(causeText(difference!, closed).mend, /5000\.00/)
    const again2 = closedDayText(await close())
    assert.equal(again2[0], `${iban} on ${DAY}, closed before by maria just now`)
  })

  it('has words for each cause, as the documentation has', () => {
    const operations = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8')
    const table = /\| Cause \|.*?\n\n/s.exec(operations)?.[0] ?? ''
    const rows = table.split('\n').filter((row) => row.startsWith('| `'))
    const named = rows.flatMap((row) => row.split('|')[1]!.match(/\w+/g) ?? [])
    assert.deepEqual(named.toSorted(), [...CAUSES].toSorted())
    for (const { says, mend } of Object.values(CAUSE_TEXTS))
      assert.ok(says.endsWith('.') && mend.endsWith('.'))
  })

  it('says nothing of what there is nothing of, and no sum with a part that nobody knows', () => {
    const closed: ClosedDay = {
      iban,
      currency: 'EUR',
      day: DAY,
      run: 3,
      closedBefore: { who: 'olga', at: new Date('2026-03-05T08:00:00Z') },
      closedAt: new Date('2026-03-05T11:30:00Z'),
      agreed: true,
      toldBy: 'statement',
      bankUnits: 5n,
      ledgerUnits: 5n,
      differenceUnits: 0n,
      differences: [],
      standing: {
        leavingUnits: 4_000n,
        leavingOrders: 0,
        suspense: [],
        suspenseUnits: 0n,
        returned: [],
        batches: [],
      },
    }
    assert.deepEqual(closedDayText(closed), [
      `${iban} on ${DAY}, closed before by olga 3h30m ago, 2 times in all`,
      '  The statement says 0.05 EUR, the books have 0.05 EUR: a difference of 0.00 EUR.',
      '  It agrees.',
      '  On its way out, and not on the account’s list yet: 40.00 EUR',
    ])
    const nothing = { ...closed.standing, leavingUnits: 0n }
    assert.equal(closedDayText({ ...closed, standing: nothing }).length, 3)
    const silent = {
      ...closed,
      toldBy: 'none' as const,
      bankUnits: null,
      differenceUnits: null,
      agreed: false,
    }
    assert.deepEqual(totalsOf([closed, silent]), [
      { currency: 'EUR', accounts: 2, agree: 1, bank: '?', books: '0.10', difference: '?' },
    ])
  })
})
