import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { camt053, camt054, importFile } from '../../test/support/batch-files.ts'
import { fileOf, lineOf, partsOf, portLineOf, shareStatementWorld } from '../../test/support/statements.ts'
import { causeText } from '../cli/bank-close-text.ts'
import type { BankLine, BankProvider } from '../providers/bank/port.ts'
import { decideParts } from './batches/decide-parts.ts'
import { closeDay } from './close-day.ts'
import { importStatement } from './import-statement.ts'
import { decideDoubt, listDoubts } from './line-doubts.ts'
import { recordBankLines } from './record-lines.ts'
import type { StatementLine } from './statements/statement.ts'

const world = await shareStatementWorld()
const CHANGE = { who: 'maria', why: 'asked the bank' }
/** Each test has an account of its own. */
let iban: string
beforeEach(async () => {
  iban = await world.addAccount()
})

const THREE = [
  { euros: 50, ref: 'T1', payer: 'Ana Gomez' },
  { euros: 60, ref: 'T2', payer: 'Luis Perez' },
  { euros: 70, ref: 'T3', payer: 'Marta Ruiz' },
]
const doubts = async () => (await listDoubts(world)).filter((one) => one.iban === iban)
const linesOf = () =>
  world.db
    .selectFrom('bankTransactions')
    .selectAll()
    .where('iban', '=', iban)
    .orderBy('bookedOn')
    .orderBy('units')
    .execute()
const problems = async () => (await world.problems()).filter((problem) => problem.includes(iban))
const tell = (bookedOn: string, openingUnits: bigint, lines: StatementLine[] = [], format?: string) =>
  importStatement(
    world,
    fileOf(
      partsOf({ account: iban, lines, openingUnits, fromOn: bookedOn, toOn: bookedOn }),
      format === undefined ? {} : { format },
    ),
  )
/** The bank's interface tells of lines of a day that statements tell whole, and that isn't theirs. */
async function tellByPort(...given: Partial<BankLine>[]): Promise<void> {
  for (const one of given) await recordBankLines(world, [portLineOf({ iban, ...one })])
}

describe('a doubt that is decided to be a line of its own', () => {
  it('is other money than each of two sums that it may be part of', async () => {
    for (const [at, concept] of ['REMESA A', 'REMESA B'].entries()) {
      const sum = lineOf({ units: 18_000n, concept, counterpartyName: '' })
      await tell('2026-03-02', BigInt(at) * 18_000n, [sum], 'norma43')
    }
    await importFile(world, camt054(iban, [{ euros: 180, ref: 'B1', transfers: THREE }]))
    const { id } = (await doubts())[0]!
    const [one, other] = (await linesOf()).map((line) => line.id) as [string, string]
    for (const beside of [[], [one], [other]])
      await assert.rejects(decideDoubt(world, id, { is: 'new', beside }, CHANGE), /--beside \w+ --beside/)
    await decideDoubt(world, id, { is: 'new', beside: [one, other] }, CHANGE)
    assert.equal((await linesOf()).length, 3)
    assert.deepEqual(await problems(), [])
  })

  it('is no sum of transfers that are in the books, unless a person says so of one of them', async () => {
    await importFile(world, camt054(iban, [{ euros: 180, ref: 'S1', transfers: THREE }]))
    await importFile(world, camt053(iban, [{ euros: 180, ref: 'S2', batch: { transfers: 3 } }]))
    const [sum] = await doubts()
    const lines = (await linesOf()).map(({ id }) => id)
    assert.equal(lines.length, 3)
    await assert.rejects(decideDoubt(world, sum!.id, { is: 'new' }, CHANGE), /may be the sum of .+--dismiss/)
    assert.equal((await linesOf()).length, 3)
    await decideDoubt(world, sum!.id, { is: 'new', beside: [lines[1]!] }, CHANGE)
    assert.equal((await linesOf()).length, 4)
    assert.deepEqual(await problems(), [])
  })

  it('is no sum of a batch of which some transfers are in the books; dismissed, the others are booked', async () => {
    const batch = { order: 'P1', transfers: 3, euros: 180 }
    const [one, two, three] = THREE.map(({ euros, ref }) => ({ euros, ref, batch })) as [
      object,
      object,
      object,
    ]
    const told = (...entries: object[]) => camt054(iban, entries as Parameters<typeof camt054>[1])
    await importFile(world, told(one, two))
    await importFile(world, camt053(iban, [{ euros: 180, ref: 'S1', batch }]))
    const [sum] = await doubts()
    assert.equal(sum?.units, 18_000n)
    await assert.rejects(decideDoubt(world, sum!.id, { is: 'new' }, CHANGE), /may be the sum of/)
    await decideDoubt(world, sum!.id, { is: 'dismissed' }, CHANGE)
    await importFile(world, told(three))
    assert.deepEqual(await doubts(), [])
    assert.deepEqual(
      (await linesOf()).map(({ units }) => units),
      [5_000n, 6_000n, 7_000n],
    )
    assert.deepEqual(await problems(), [])
  })

  it('took the money of an order that was given up: it waits in suspense, named', async () => {
    const now = world.clock.now()
    const effect = `eff-${iban}`
    await world.db
      .insertInto('effects')
      .values({
        id: effect,
        kind: 'bank_transfer',
        purpose: `test:${iban}`,
        integrationId: 0,
        reference: `test:${iban}`,
        door: `bank:${iban}`,
        asset: 'EUR',
        units: 4_000n,
        destinationSealed: Buffer.alloc(0),
        idempotencyKey: `key-${iban}`,
        state: 'cancelled',
        providerRef: `ref-${iban}`,
        createdAt: now,
        updatedAt: now,
      })
      .execute()
    await tell('2026-03-01', 10_000n)
    await tell('2026-03-02', 10_000n)
    await tell('2026-03-03', 10_000n)
    await tellByPort({ direction: 'debit', units: 4_000n, transferRef: `ref-${iban}`, concept: 'Pago' })
    const [held] = await doubts()
    assert.equal(held?.reason, 'not_on_statement')
    await decideDoubt(world, held!.id, { is: 'new' }, CHANGE)
    const [line] = await linesOf()
    assert.deepEqual(
      [line?.state, line?.transferRef, line?.matchReasons],
      ['unmatched', `ref-${iban}`, [`given_up:${effect}`]],
    )
    assert.deepEqual(await problems(), [])
  })
})

describe('a doubt that is decided to be a known line', () => {
  it('is none that the bank’s interface tells of by another reference', async () => {
    await tell('2026-03-01', 0n)
    await tell('2026-03-02', 0n, [lineOf({ concept: 'Uno' })])
    await tell('2026-03-03', 10_000n)
    await tellByPort(
      { ref: 'A', concept: 'Dos' },
      { ref: 'B', concept: 'Tres' },
      { ref: 'C', concept: 'Cuatro' },
    )
    const [line, ...others] = await linesOf()
    assert.deepEqual(others, [])
    const [first, second] = await doubts()
    for (const { id } of [first!, second!]) {
      const same = decideDoubt(world, id, { is: 'same', transactionId: line!.id }, CHANGE)
      await assert.rejects(same, /the same source doesn't tell of/)
    }
    assert.equal((await doubts()).length, 2)
  })
})

describe('a sum that the bank’s interface tells of, whose transfers a notification told', () => {
  it('is no difference at the day’s end once a person has dismissed it', async () => {
    await world.db
      .updateTable('bankAccounts')
      .set({ dueAt: world.clock.now() })
      .where('iban', '=', iban)
      .execute()
    await tellByPort({ ref: 'P0', bookedAt: new Date('2026-03-01T10:00:00Z'), valueDate: '2026-03-01' })
    await importFile(world, camt054(iban, [{ euros: 180, ref: 'S1', transfers: THREE }]))
    await tellByPort({ ref: 'P1', units: 18_000n, counterpartyName: '', concept: 'REMESA' })
    const bank: Pick<BankProvider, 'getBalance' | 'listTransactions'> = {
      listTransactions: async () => [],
      getBalance: async () => ({ iban, units: 28_000n, currency: 'EUR' }),
    }
    const close = async () => {
      const app = { ...world, providers: { ...world.providers, bank: bank as BankProvider } }
      const [closed] = await closeDay(app, { day: '2026-03-02', iban }, 'maria')
      assert.deepEqual([closed?.bankUnits, closed?.ledgerUnits], [28_000n, 28_000n])
      return closed!.differences.map(({ cause, units }) => `${cause} ${units}`).sort()
    }
    assert.deepEqual(await close(), ['batch -5000', 'batch -6000', 'batch -7000', 'batch 18000'])
    for (const { id } of await doubts()) await decideDoubt(world, id, { is: 'dismissed' }, CHANGE)
    assert.deepEqual(await close(), [])
  })
})

describe('transfers that a person puts in the place of their sum', () => {
  it('are taken back by a reversal that waited for one of them', async () => {
    const sum = lineOf({ units: 18_000n, concept: 'REMESA', counterpartyName: '' })
    await tell('2026-03-02', 0n, [sum], 'norma43')
    await importFile(world, camt054(iban, [{ euros: 180, ref: 'B1', transfers: THREE }]))
    const back = lineOf({
      bookedOn: '2026-03-04',
      direction: 'debit',
      units: 6_000n,
      concept: 'Devolucion',
      reverses: ['T2'],
    })
    await tell('2026-03-04', 18_000n, [back])
    const parts = (await doubts()).map(({ id }) => id)
    assert.equal(parts.length, 3)
    const [line] = (await linesOf()).filter(({ units }) => units === 18_000n)
    await decideParts(world, parts, line!.id, CHANGE)
    const lines = await linesOf()
    const credit = lines.find(({ direction, units }) => direction === 'credit' && units === 6_000n)
    const debit = lines.find(({ direction }) => direction === 'debit')
    assert.deepEqual([credit?.state, debit?.reversal, debit?.reverses], ['returned', 'settled', credit?.id])
    assert.deepEqual(await problems(), [])
  })
})

describe('a doubt that was dismissed', () => {
  const dismissed = async () =>
    (await listDoubts(world, 'dismissed')).filter((one) => one.iban === iban).map(({ id }) => id)
  /** By the statements: the bank itself is not asked of a day that they cover. */
  const close = async () => {
    const bank: Pick<BankProvider, 'getBalance'> = { getBalance: () => assert.fail('the bank is asked') }
    const app = { ...world, providers: { ...world.providers, bank: bank as BankProvider } }
    const [closed] = await closeDay(app, { day: '2026-03-02', iban }, 'maria')
    return closed!
  }

  it('is told as such where the balance has it, and may be the known line after all', async () => {
    await tellByPort({ ref: 'P1', concept: 'Uno', counterpartyName: 'Ana Gomez' })
    await tell('2026-03-02', 0n, [lineOf({ concept: 'Dos', counterpartyName: 'Luis Perez' })], 'csv')
    const [doubt] = await doubts()
    await decideDoubt(world, doubt!.id, { is: 'dismissed' }, CHANGE)
    assert.deepEqual(await dismissed(), [doubt!.id])
    const closed = await close()
    const difference = closed.differences.find(({ reference }) => reference === doubt!.id)!
    const { says, mend } = causeText(difference, closed)
    assert.match(says, /dismissed/)
    assert.match(mend, new RegExp(`bank doubts --dismissed.+decide ${doubt!.id}`))
    await assert.rejects(decideDoubt(world, doubt!.id, { is: 'dismissed' }, CHANGE), /dismissed already/)
    const [line] = await linesOf()
    await decideDoubt(world, doubt!.id, { is: 'same', transactionId: line!.id }, CHANGE)
    assert.deepEqual([await dismissed(), (await close()).differences], [[], []])
    assert.deepEqual(await problems(), [])
  })

  it('may be a line of its own after all; what is decided otherwise is not decided again', async () => {
    await tell('2026-03-01', 0n)
    await tell('2026-03-02', 0n, [lineOf({ concept: 'Uno' })])
    await tellByPort({ ref: 'A', units: 4_000n, concept: 'Dos' })
    const [doubt] = await doubts()
    await decideDoubt(world, doubt!.id, { is: 'dismissed' }, CHANGE)
    await decideDoubt(world, doubt!.id, { is: 'new' }, CHANGE)
    assert.deepEqual([await dismissed(), (await linesOf()).length], [[], 2])
    await assert.rejects(decideDoubt(world, doubt!.id, { is: 'new' }, CHANGE), /no open doubt/)
    assert.deepEqual(await problems(), [])
  })

  it('may be one of the transfers of a sum after all', async () => {
    const sum = lineOf({ units: 18_000n, concept: 'REMESA', counterpartyName: '' })
    await tell('2026-03-02', 0n, [sum], 'norma43')
    await importFile(world, camt054(iban, [{ euros: 180, ref: 'B1', transfers: THREE }]))
    const parts = (await doubts()).map(({ id }) => id)
    for (const id of parts) await decideDoubt(world, id, { is: 'dismissed' }, CHANGE)
    const [line] = await linesOf()
    await decideParts(world, parts, line!.id, CHANGE)
    assert.deepEqual([await dismissed(), (await linesOf()).length], [[], 4])
    assert.deepEqual(await problems(), [])
  })
})
