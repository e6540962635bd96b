import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import {
  fileOf,
  lineOf,
  partsOfAccount,
  portLineOf,
  shareStatementWorld,
} from '../../test/support/statements.ts'
import type { BankLine } from '../providers/bank/port.ts'
import { importStatement } from './import-statement.ts'
import { listDoubts } from './line-doubts.ts'
import { recordBankLines } from './record-lines.ts'

const world = await shareStatementWorld()
/** Each test has an account of its own. */
let iban: string
const partsOf = partsOfAccount(() => iban)
beforeEach(async () => {
  iban = await world.addAccount()
})

const doubts = async () => (await listDoubts(world)).filter((one) => one.iban === iban)
const rows = () => world.db.selectFrom('bankTransactions').select('id').where('iban', '=', iban).execute()

async function assertGreen(): Promise<void> {
  assert.deepEqual(await world.problems(), [])
}

const portLine = (given: Partial<BankLine> = {}) => portLineOf({ iban, ...given })

describe('lines that are told again, or by a time that may be of two days, are booked once', () => {
  for (const [refs, number] of [
    [true, 'S1'],
    [true, null],
    [false, 'S1'],
  ] as const) {
    it(`of a day’s statements that come again after the balance came back (references: ${refs}, number: ${number})`, async () => {
      const [credit, debit] = [
        lineOf({ bankRef: refs ? 'Z1' : null }),
        lineOf({ bankRef: refs ? 'Z2' : null, direction: 'debit' }),
      ]
      const first = partsOf({ lines: [credit], openingUnits: 1_000_000n, statementRef: number })
      const second = partsOf({
        lines: [debit],
        openingUnits: 1_010_000n,
        statementRef: number === null ? null : 'S2',
      })
      for (const parts of [first, second]) await importStatement(world, fileOf(parts))
      for (const parts of [first, second, first]) {
        const again = await importStatement(world, fileOf(parts))
        assert.deepEqual([again.added, again.doubts, again.statements[0]?.known], [0, 0, 1])
      }
      assert.equal((await rows()).length, 2)
      await assertGreen()
    })
  }

  it('of a statement without number and references that may be an earlier one again: it waits', async () => {
    const first = partsOf({ lines: [lineOf()] })
    const second = partsOf({ lines: [lineOf({ direction: 'debit' })], openingUnits: 10_000n })
    for (const parts of [first, second]) await importStatement(world, fileOf(parts, { format: 'norma43' }))
    const again = await importStatement(world, fileOf(first, { format: 'norma43' }))
    assert.deepEqual([again.added, again.doubts], [0, 1])
    assert.deepEqual(
      (await doubts()).map(({ reason }) => reason),
      ['told_again'],
    )
    // A statement of another kind that holds the whole day tells that there were two.
    const [empty, lines] = [[], [lineOf(), lineOf({ direction: 'debit' }), lineOf()]]
    await importStatement(world, fileOf(partsOf({ lines: empty, fromOn: '2026-03-01', toOn: '2026-03-01' })))
    const day = await importStatement(world, fileOf(partsOf({ lines })))
    assert.deepEqual([day.added, day.doubts], [1, 0])
    assert.deepEqual(await doubts(), [])
    await assertGreen()
  })

  it('of a statement alike in all but its lines’ references, after the balance came back: it waits', async () => {
    const first = (bankRef: string) => partsOf({ lines: [lineOf({ bankRef })] })
    await importStatement(world, fileOf(first('Z1')))
    const lines = [lineOf({ bankRef: 'Z2', direction: 'debit' })]
    await importStatement(world, fileOf(partsOf({ lines, openingUnits: 10_000n })))
    const again = await importStatement(world, fileOf(first('Z9')))
    assert.deepEqual([again.added, again.doubts], [0, 1])
    await assertGreen()
  })

  it('of a statement of the day so far, though its balances join those of its parts', async () => {
    const [credit, debit] = [lineOf({ bankRef: 'Z1' }), lineOf({ bankRef: 'Z2', direction: 'debit' })]
    await importStatement(world, fileOf(partsOf({ lines: [credit] })))
    await importStatement(world, fileOf(partsOf({ lines: [debit], openingUnits: 10_000n })))
    const lines = [credit, debit, lineOf({ bankRef: 'Z3' })]
    const file = await importStatement(world, fileOf(partsOf({ lines })))
    assert.deepEqual([file.added, file.doubts], [1, 0])
    await assertGreen()
  })

  it('that the port told of around midnight, alike: those that are of one day alone are that day’s first', async () => {
    for (const [at, day] of [
      ['2026-03-02T22:20:00Z', 'A'],
      ['2026-03-02T23:10:00Z', 'B'],
    ] as const) {
      const told = Array.from({ length: 6 }, (_, n) =>
        portLine({ ref: `${day}${n}`, bookedAt: new Date(at), concept: `Pago 471${n}` }),
      )
      await recordBankLines(world, told)
    }
    await importStatement(world, fileOf(partsOf({ lines: [], fromOn: '2026-03-01', toOn: '2026-03-01' })))
    let openingUnits = 0n
    for (const bookedOn of ['2026-03-02', '2026-03-03']) {
      const lines = Array.from({ length: 6 }, (_, n) => lineOf({ bookedOn, concept: `Pago 471${n}` }))
      const parts = partsOf({ lines, openingUnits, fromOn: bookedOn, toOn: bookedOn })
      const file = await importStatement(world, fileOf(parts))
      assert.deepEqual([file.added, file.doubts, file.statements[0]?.known], [0, 0, 6])
      openingUnits += 60_000n
    }
    await assertGreen()
  })

  it('of two days between which one of the port may have been swapped: what finds no partner waits', async () => {
    const night = portLine({ ref: 'N', bookedAt: new Date('2026-03-02T23:10:00Z') })
    await recordBankLines(world, [night, portLine({ ref: 'M', bookedAt: new Date('2026-03-03T10:00:00Z') })])
    await importStatement(world, fileOf(partsOf({ lines: [], fromOn: '2026-03-01', toOn: '2026-03-01' })))
    let openingUnits = 0n
    const found: number[][] = []
    for (const [bookedOn, count] of [
      ['2026-03-02', 1],
      ['2026-03-03', 2],
    ] as const) {
      const lines = Array.from({ length: count }, () => lineOf({ bookedOn }))
      const parts = partsOf({ lines, openingUnits, fromOn: bookedOn, toOn: bookedOn })
      const file = await importStatement(world, fileOf(parts))
      found.push([file.added, file.doubts])
      openingUnits += 10_000n
    }
    assert.deepEqual(found, [
      [0, 0],
      [0, 1],
    ])
    await assertGreen()
  })
})
