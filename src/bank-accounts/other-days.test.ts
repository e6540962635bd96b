import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { inventBankLines } from '../../test/support/bank-lines-generator.ts'
import { fileOf, lineOf, partsOfAccount, shareStatementWorld } from '../../test/support/statements.ts'
import { balanceOf } from '../ledger/book.ts'
import { importStatement } from './import-statement.ts'
import { decideDoubt, listDoubtLines, listDoubts } from './line-doubts.ts'
import { bankOf } from './record-lines.ts'
import type { StatementLine } from './statements/statement.ts'

const world = await shareStatementWorld()
/** Each test has an account of its own. */
let iban: string
const partsOf = partsOfAccount(() => iban)
beforeEach(async () => {
  iban = await world.addAccount()
})

const [FRIDAY, SATURDAY, MONDAY, TUESDAY] = ['2026-03-06', '2026-03-07', '2026-03-09', '2026-03-10'] as const
const PAYER = { counterpartyName: 'Ana Gomez', counterpartyIban: 'ES7921000813610123456789' }
const CHANGE = { who: 'maria', why: 'test' }

/** What the bank tells of two customers' transfers under a day, by references of the message's own. */
const two = (day: string, ref: string | null, given: Partial<StatementLine> = {}): StatementLine[] =>
  ['482913', '482914'].map((number) =>
    lineOf({
      ...PAYER,
      bookedOn: day,
      units: 5_000n,
      concept: `Pago ${number}`,
      bankRef: ref && `${ref}${number}`,
      ...given,
    }),
  )

async function tell(
  format: string,
  lines: StatementLine[],
  { opening = 0n, on = lines[0]!.bookedOn, complete = !format.startsWith('camt.054') } = {},
): Promise<string> {
  const parts = partsOf({
    lines,
    openingUnits: complete ? opening : null,
    fromOn: on,
    toOn: lines.at(-1)?.bookedOn ?? on,
    complete,
  })
  const { added, doubts, statements } = await importStatement(world, fileOf(parts, { format }))
  return `${added} new, ${statements[0]!.known} known, ${doubts} in doubt`
}

const [NOTICE, STATEMENT, SWIFT] = ['camt.054.001.08', 'camt.053.001.08', 'mt940'] as const
const doubts = async () => (await listDoubts(world)).filter((one) => one.iban === iban)
const balance = async () => Number(await balanceOf(world.db, bankOf(iban), 'EUR')) / 100
async function assertHolds(euros: number): Promise<void> {
  assert.equal(await balance(), euros)
  assert.deepEqual(await world.problems(), [])
}

describe('a transfer that two sources tell under neighbouring days waits', () => {
  for (const [booked, days] of [
    [SATURDAY, 'next day'],
    [MONDAY, 'over a weekend'],
  ] as const) {
    it(`by its payer’s reference, in either order (${days})`, async () => {
      const own = (day: string, ref: string) =>
        two(day, ref).map((line, n) => ({ ...line, endToEndId: `E2E-UNIQUE-${n}` }))
      assert.equal(await tell(NOTICE, own(FRIDAY, 'N')), '2 new, 0 known, 0 in doubt')
      assert.equal(await tell(STATEMENT, own(booked, 'S')), '0 new, 0 known, 2 in doubt')
      await assertHolds(100)
      iban = await world.addAccount()
      await tell(STATEMENT, own(booked, 'S'))
      assert.equal(await tell(NOTICE, own(FRIDAY, 'N')), '0 new, 0 known, 2 in doubt')
      await assertHolds(100)
    })
  }

  it('by its value date, payer and number, and names the line that it may be', async () => {
    await tell(NOTICE, two(FRIDAY, 'N'))
    const later = two(SATURDAY, 'S', { valueDate: FRIDAY })
    assert.equal(await tell(STATEMENT, later), '0 new, 0 known, 2 in doubt')
    for (const doubt of await doubts()) {
      assert.equal(doubt.reason, 'other_day')
      const concepts = (await listDoubtLines(world.db, doubt)).map(({ concept }) => concept)
      assert.ok(concepts.includes(doubt.concept))
    }
    await assertHolds(100)
  })

  it('by payer and number where statements of account contradict each other', async () => {
    const cut = two(FRIDAY, null, { counterpartyIban: null })
    assert.equal(await tell(SWIFT, cut), '2 new, 0 known, 0 in doubt')
    assert.equal(await tell(STATEMENT, two(SATURDAY, null)), '0 new, 0 known, 2 in doubt')
    await assertHolds(100)
  })

  it('and is told by that day from then on, when a person has said which line it is', async () => {
    await tell(NOTICE, two(FRIDAY, 'N'))
    await tell(STATEMENT, two(SATURDAY, 'S', { valueDate: FRIDAY }))
    for (const doubt of await doubts()) {
      const lines = await listDoubtLines(world.db, doubt)
      const transactionId = lines.find(({ concept }) => concept === doubt.concept)!.id
      await decideDoubt(world, doubt.id, { is: 'same', transactionId }, CHANGE)
    }
    const again = two(SATURDAY, 'S', { valueDate: FRIDAY })
    assert.equal(await tell(STATEMENT, again, { on: FRIDAY }), '0 new, 2 known, 0 in doubt')
    assert.equal(await tell(SWIFT, two(SATURDAY, null)), '0 new, 2 known, 0 in doubt')
    await assertHolds(100)
  })

  it('and is known by its reference however often it is told under the other day', async () => {
    await tell(NOTICE, two(FRIDAY, 'R'))
    assert.equal(await tell(STATEMENT, two(SATURDAY, 'R')), '0 new, 2 known, 0 in doubt')
    assert.equal(await tell(STATEMENT, two(SATURDAY, 'R'), { on: FRIDAY }), '0 new, 2 known, 0 in doubt')
    await assertHolds(100)
  })
})

describe('a customer who pays twice on two days with the same text', () => {
  it('is told twice by one statement', async () => {
    await tell(NOTICE, two(FRIDAY, 'N'))
    const both = [...two(FRIDAY, 'S'), ...two(SATURDAY, 'T', { valueDate: FRIDAY })]
    assert.equal(await tell(STATEMENT, both), '2 new, 2 known, 0 in doubt')
    await assertHolds(200)
  })

  it('is told by the statements of both days, one after the other or backwards', async () => {
    const days = [
      [FRIDAY, 0n],
      [SATURDAY, 10_000n],
    ] as const
    for (const order of [days, days.toReversed()]) {
      iban = await world.addAccount()
      for (const [day, opening] of order) {
        const lines = two(day, null).map((line) => ({
          ...line,
          valueDate: FRIDAY,
          endToEndId: 'NOTPROVIDED',
        }))
        assert.equal(await tell(STATEMENT, lines, { opening }), '2 new, 0 known, 0 in doubt')
      }
      await assertHolds(200)
    }
  })

  it('is told by statements of two kinds whose balances meet', async () => {
    await tell(SWIFT, two(FRIDAY, null))
    assert.equal(await tell(STATEMENT, two(MONDAY, 'S'), { opening: 10_000n }), '2 new, 0 known, 0 in doubt')
    await assertHolds(200)
  })

  it('waits where the balances meet only because they came back to what they were', async () => {
    const paid = lineOf({ ...PAYER, bookedOn: FRIDAY, direction: 'debit', units: 10_000n, concept: 'Nomina' })
    await tell(SWIFT, [...two(FRIDAY, null), paid])
    assert.equal(await tell(STATEMENT, two(SATURDAY, 'S')), '0 new, 0 known, 2 in doubt')
    await assertHolds(0)
  })

  it('is told by two notifications, each with its reference or with its value date', async () => {
    await tell(NOTICE, two(FRIDAY, 'N'))
    assert.equal(await tell(NOTICE, two(SATURDAY, 'P')), '2 new, 0 known, 0 in doubt')
    assert.equal(await tell(NOTICE, two(TUESDAY, null)), '2 new, 0 known, 0 in doubt')
    await assertHolds(300)
  })

  it('is somebody else’s, or another number’s, or too far away', async () => {
    await tell(NOTICE, two(FRIDAY, 'N'))
    const others = two(SATURDAY, 'S', { valueDate: FRIDAY })
    const given = [
      { ...others[0]!, counterpartyIban: 'ES9121000418450200051332' },
      { ...others[1]!, concept: 'Pago 482999' },
    ]
    assert.equal(await tell(STATEMENT, given), '2 new, 0 known, 0 in doubt')
    const far = two(TUESDAY, 'T', { valueDate: FRIDAY, counterpartyIban: PAYER.counterpartyIban })
    assert.equal(await tell('norma43', far, { opening: 10_000n }), '2 new, 0 known, 0 in doubt')
    await assertHolds(300)
  })
})

describe('lines with the faults of real life, some of them paid twice, told day by day', () => {
  it('are all booked, and none stays in doubt, by notifications and by statements of two kinds that follow each other', async () => {
    const { lines } = inventBankLines(7, 1_500, new Date('2026-03-21T00:00:00Z'))
    const days = Map.groupBy(lines, ({ bookedAt }) => bookedAt.toISOString().slice(0, 10))
    let opening = 0n
    let waited = 0
    for (const [bookedOn, ofDay] of [...days].sort(([one], [other]) => (one < other ? -1 : 1))) {
      const told = ofDay.map(({ bookedAt: _, fault: __, label: ___, transferRef: ____, ref, ...line }) => ({
        ...lineOf({ ...line, bookedOn, returnText: null }),
        ref,
      }))
      const named = (prefix: string) =>
        told.map(({ ref, ...line }) => ({ ...line, bankRef: `${prefix}${ref}` }))
      const some = named('N').filter((_, place) => place % 2 === 0)
      // A notification of what the day before had in the same words waits for the day's statement.
      waited += Number(/(\d+) in doubt$/.exec(await tell(NOTICE, some))![1])
      assert.match(await tell(STATEMENT, named('S'), { opening }), /^\d+ new, \d+ known, 0 in doubt$/)
      assert.deepEqual(await doubts(), [])
      const plain = told.map(({ ref: _, ...line }) => ({ ...line, counterpartyIban: null, endToEndId: null }))
      assert.match(await tell(SWIFT, plain, { opening }), /^0 new, \d+ known, 0 in doubt$/)
      opening += told.reduce((sum, { units }) => sum + units, 0n)
    }
    const repeated = lines.filter(({ fault }) => fault === 'twice').length / 2
    assert.ok(repeated > 3 && waited <= repeated, `${waited} of ${repeated} waited`)
    await assertHolds(Number(opening) / 100)
  })
})
