import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { fileOf, lineOf, partsOf, portLineOf, shareStatementWorld } from '../../test/support/statements.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import type { BankLine, BankProvider } from '../providers/bank/port.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { bookOpening } from './book-opening.ts'
import { type ClosedDay, closeDay } from './close-day.ts'
import { importStatement } from './import-statement.ts'
import { decideDoubt, listDoubts } from './line-doubts.ts'
import { recordBankLines } from './record-lines.ts'
import type { StatementLine } from './statements/statement.ts'

const world = await shareStatementWorld()
let iban: string
/** What the bank's interface answers of the account; null: it does not answer. */
let bank: { lines: BankLine[] } | null
beforeEach(async () => {
  iban = await world.addAccount()
  bank = null
})

const provider: Pick<BankProvider, 'getBalance' | 'listTransactions'> = {
  async listTransactions(_iban, last) {
    if (!bank) throw new ProviderError('bank', 'unknown', 'the bank does not answer')
    return bank.lines.slice(bank.lines.findIndex(({ ref }) => ref === last) + 1)
  },
  async getBalance() {
    if (!bank) throw new ProviderError('bank', 'unknown', 'the bank does not answer')
    const units = bank.lines.reduce(
      (sum, one) => sum + (one.direction === 'credit' ? one.units : -one.units),
      0n,
    )
    return { iban, units, currency: 'EUR' }
  },
}

async function close(day: string): Promise<ClosedDay> {
  const app = { ...world, providers: { ...world.providers, bank: provider as BankProvider } }
  const [closed, ...others] = await closeDay(app, { day, iban }, 'maria')
  assert.ok(closed && others.length === 0)
  const sum = closed.differences.reduce((total, { units }) => total + units, 0n)
  if (closed.differenceUnits !== null)
    assert.equal(sum, closed.differenceUnits, 'the pieces are the difference')
  return closed
}

const found = ({ differences }: ClosedDay) =>
  differences.map(({ cause, on, units }) => `${cause} ${on} ${units}`)

interface Told {
  lines?: StatementLine[]
  openingUnits?: bigint
  fromOn: string
  toOn?: string
}

const tell = ({ lines = [], openingUnits = 0n, fromOn, toOn = fromOn }: Told) =>
  importStatement(world, fileOf(partsOf({ account: iban, lines, openingUnits, fromOn, toOn })))

const credit = (bookedOn: string, units: bigint, given: Partial<StatementLine> = {}): StatementLine =>
  lineOf({ bookedOn, units, concept: `Pago ${units}`, ...given })
const debit = (bookedOn: string, units: bigint): StatementLine =>
  credit(bookedOn, units, { direction: 'debit' })

const portLine = (day: string, units: bigint, given: Partial<BankLine> = {}): BankLine =>
  portLineOf({
    iban,
    ref: `P-${day}-${units}`,
    bookedAt: new Date(`${day}T10:00:00Z`),
    valueDate: day,
    units,
    concept: `Pago ${units}`,
    ...given,
  })
const tellByPort = (...lines: BankLine[]) => recordBankLines(world, lines)

describe('a day whose statement says what the books say', () => {
  it('agrees, is remembered with who closed it, and may be closed again', async () => {
    await tell({ fromOn: '2026-03-02', lines: [credit('2026-03-02', 100n), debit('2026-03-02', 30n)] })
    await tell({ fromOn: '2026-03-03', openingUnits: 70n, lines: [credit('2026-03-03', 5n)] })
    const first = await close('2026-03-02')
    assert.deepEqual(
      [first.agreed, first.bankUnits, first.ledgerUnits, first.toldBy],
      [true, 70n, 70n, 'statement'],
    )
    const second = await close('2026-03-03')
    assert.deepEqual([second.agreed, second.bankUnits, second.ledgerUnits], [true, 75n, 75n])
    assert.equal((await close('2026-03-03')).run, 2)
    const kept = await world.db.selectFrom('bankCloses').selectAll().where('iban', '=', iban).execute()
    assert.deepEqual(kept.map(({ day, run, agreed, closedBy }) => [day, run, agreed, closedBy]).sort(), [
      ['2026-03-02', 1, true, 'maria'],
      ['2026-03-03', 1, true, 'maria'],
      ['2026-03-03', 2, true, 'maria'],
    ])
  })

  it('also when several close it at once, one after the other', async () => {
    await tell({ fromOn: '2026-03-02', lines: [credit('2026-03-02', 100n)] })
    await tell({ fromOn: '2026-03-04', openingUnits: 100n })
    assert.deepEqual(found(await close('2026-03-04')), [])
    await tellByPort(portLine('2026-03-03', 40n))
    const closed = await Promise.all(Array.from({ length: 4 }, () => close('2026-03-04')))
    const inOrder = closed.sort((a, b) => a.run - b.run)
    assert.deepEqual(
      inOrder.map(({ run, closedBefore }) => [run, closedBefore?.who]),
      [2, 3, 4, 5].map((run) => [run, 'maria']),
    )
    // What is told once is told to the first of them.
    assert.deepEqual(
      inOrder.map((one) => one.differences.filter(({ cause }) => cause === 'late_line').length),
      [1, 0, 0, 0],
    )
  })

  it('also within a statement of many days, and where days are told twice', async () => {
    const week = ['2026-03-02', '2026-03-03', '2026-03-04'].map((day, at) => credit(day, 100n + BigInt(at)))
    await tell({ fromOn: '2026-03-02', toOn: '2026-03-04', lines: week })
    await tell({
      fromOn: '2026-03-04',
      toOn: '2026-03-05',
      openingUnits: 201n,
      lines: [week[2]!, credit('2026-03-05', 7n)],
    })
    assert.deepEqual([(await close('2026-03-03')).bankUnits, found(await close('2026-03-03'))], [201n, []])
    assert.deepEqual([(await close('2026-03-05')).bankUnits, found(await close('2026-03-05'))], [310n, []])
  })

  it('also of several statements of one day, and over days on which nothing moved', async () => {
    await tell({ fromOn: '2026-03-02', lines: [credit('2026-03-02', 100n)] })
    await tell({ fromOn: '2026-03-02', openingUnits: 100n, lines: [debit('2026-03-02', 100n)] })
    await tell({ fromOn: '2026-03-02', openingUnits: 0n, lines: [credit('2026-03-02', 9n)] })
    await tell({ fromOn: '2026-03-06', openingUnits: 9n, lines: [credit('2026-03-06', 1n)] })
    for (const day of ['2026-03-02', '2026-03-04', '2026-03-06'])
      assert.deepEqual(found(await close(day)), [])
  })

  it('also on a weekend after which no statement is there yet', async () => {
    await tell({ fromOn: '2026-03-06', lines: [credit('2026-03-06', 100n)] })
    assert.deepEqual(found(await close('2026-03-08')), [])
    assert.deepEqual(found(await close('2026-03-09')), ['missing_statement 2026-03-07 0'])
  })
})

describe('each difference has its cause', () => {
  it('a statement that is missing, with what the books have since', async () => {
    await tell({ fromOn: '2026-03-02', lines: [credit('2026-03-02', 100n)] })
    await tellByPort(portLine('2026-03-03', 40n))
    const closed = await close('2026-03-04')
    assert.deepEqual(found(closed), ['missing_statement 2026-03-03 -40'])
    assert.equal(closed.differences[0]?.toOn, '2026-03-04')
  })

  it('a gap between two statements, less what was told of it otherwise', async () => {
    await tell({ fromOn: '2026-03-02', lines: [credit('2026-03-02', 100n)] })
    await tellByPort(portLine('2026-03-03', 40n))
    await tell({ fromOn: '2026-03-05', openingUnits: 150n, lines: [credit('2026-03-05', 1n)] })
    assert.deepEqual(found(await close('2026-03-05')), ['gap 2026-03-03 10'])
    await tell({ fromOn: '2026-03-06', openingUnits: 999n, lines: [] })
    assert.deepEqual(found(await close('2026-03-06')), ['gap 2026-03-03 10', 'gap 2026-03-06 848'])
  })

  it('a statement made while its day ran', async () => {
    const today = world.clock.now().toISOString().slice(0, 10)
    await tell({ fromOn: today, lines: [credit(today, 100n)] })
    world.clock.setOffsetMs(world.clock.offsetMs() + 86_400_000)
    assert.deepEqual(found(await close(today)), [`early_statement ${today} 0`])
  })

  it('money that was there before the first statement', async () => {
    await tell({ fromOn: '2026-03-02', openingUnits: 5_000n, lines: [credit('2026-03-02', 100n)] })
    assert.deepEqual(found(await close('2026-03-02')), ['before_statements 2026-03-02 5000'])
    await bookOpening(world, { iban, units: 5_000n }, { who: 'w', why: 'y' })
    assert.deepEqual(found(await close('2026-03-02')), [])
    await assert.rejects(bookOpening(world, { iban, units: 1n }, { who: 'w', why: 'y' }), RefusedOperation)
  })

  it('a line that the port told of and the statement doesn’t have', async () => {
    await tellByPort(portLine('2026-03-02', 40n), portLine('2026-03-02', 100n))
    await tell({ fromOn: '2026-03-02', lines: [credit('2026-03-02', 100n)] })
    const closed = await close('2026-03-02')
    assert.deepEqual(found(closed), ['not_on_statement 2026-03-02 -40'])
    assert.ok(closed.differences[0]?.reference)
  })

  it('a line that the port tells of after the statement, which waits in doubt', async () => {
    await tell({ fromOn: '2026-03-01' })
    await tell({ fromOn: '2026-03-02', lines: [credit('2026-03-02', 100n)] })
    await tellByPort(portLine('2026-03-02', 40n))
    const closed = await close('2026-03-02')
    assert.deepEqual(found(closed), ['doubt 2026-03-02 0'])
    assert.equal(closed.differences[0]?.aboutUnits, 40n)
    const doubt = (await listDoubts(world)).find((one) => one.iban === iban)
    await decideDoubt(world, doubt!.id, { is: 'dismissed' }, { who: 'w', why: 'y' })
    assert.deepEqual(found(await close('2026-03-02')), [])
  })

  it('a batch that the statement has in one sum and the port in its pieces, until a person says so', async () => {
    await tellByPort(
      portLine('2026-03-02', 10n, { direction: 'debit' }),
      portLine('2026-03-02', 20n, { direction: 'debit' }),
    )
    await tell({ fromOn: '2026-03-02', openingUnits: 0n, lines: [debit('2026-03-02', 30n)] })
    const closed = await close('2026-03-02')
    assert.equal(closed.differenceUnits, 0n)
    assert.deepEqual(found(closed).sort(), [
      'batch 2026-03-02 -30',
      'batch 2026-03-02 10',
      'batch 2026-03-02 20',
    ])
    const doubt = (await listDoubts(world)).find((one) => one.iban === iban)
    await decideDoubt(world, doubt!.id, { is: 'dismissed' }, { who: 'w', why: 'y' })
    assert.deepEqual(found(await close('2026-03-02')), [])
  })

  it('what two statements that overlap tell of one day, once', async () => {
    await tellByPort(
      portLine('2026-03-03', 10n, { direction: 'debit' }),
      portLine('2026-03-03', 20n, { direction: 'debit' }),
    )
    const sum = debit('2026-03-03', 30n)
    await tell({ fromOn: '2026-03-02', toOn: '2026-03-03', lines: [credit('2026-03-02', 100n), sum] })
    const next = [sum, credit('2026-03-04', 5n)]
    await tell({ fromOn: '2026-03-03', toOn: '2026-03-04', openingUnits: 100n, lines: next })
    const closed = await close('2026-03-04')
    assert.deepEqual([closed.bankUnits, closed.differenceUnits], [75n, 0n])
    assert.ok(
      closed.differences.every(({ cause }) => cause !== 'unexplained'),
      found(closed).join(', '),
    )
  })

  it('a line that the newer of two statements that overlap doesn’t have', async () => {
    await tellByPort(portLine('2026-03-03', 9n))
    const [first, gone] = [credit('2026-03-02', 100n), credit('2026-03-03', 9n)]
    await tell({ fromOn: '2026-03-02', toOn: '2026-03-03', lines: [first, gone] })
    await tell({
      fromOn: '2026-03-03',
      toOn: '2026-03-04',
      openingUnits: 100n,
      lines: [credit('2026-03-04', 5n)],
    })
    assert.deepEqual(found(await close('2026-03-04')), ['not_on_statement 2026-03-03 -9'])
    assert.deepEqual(found(await close('2026-03-03')), ['not_on_statement 2026-03-03 -9'])
  })

  it('a line that the books have under the day after', async () => {
    const told = partsOf({
      account: iban,
      lines: [credit('2026-03-03', 100n, { bankRef: 'R1' })],
      openingUnits: null,
      complete: false,
    })
    await importStatement(world, fileOf(told, { format: 'camt.054.001.08' }))
    await tell({ fromOn: '2026-03-02', lines: [credit('2026-03-02', 100n, { bankRef: 'R1' })] })
    const [line] = await world.db
      .selectFrom('bankTransactions')
      .select('bookedOn')
      .where('iban', '=', iban)
      .execute()
    assert.equal(line?.bookedOn, '2026-03-03')
    assert.deepEqual(found(await close('2026-03-02')), ['other_day 2026-03-03 100'])
    await tell({ fromOn: '2026-03-03', openingUnits: 100n })
    assert.deepEqual(found(await close('2026-03-03')), [])
  })

  it('a line booked into a day that was closed: once, beside the balances', async () => {
    await tell({ fromOn: '2026-03-02', lines: [credit('2026-03-02', 100n)] })
    await tell({ fromOn: '2026-03-04', openingUnits: 100n })
    assert.deepEqual(found(await close('2026-03-04')), [])
    await tellByPort(portLine('2026-03-03', 40n))
    assert.deepEqual(found(await close('2026-03-04')), ['gap 2026-03-03 -40', 'late_line 2026-03-03 0'])
    assert.deepEqual(found(await close('2026-03-04')), ['gap 2026-03-03 -40'])
    assert.deepEqual(found(await close('2026-03-02')), [])
  })

  it('nobody says what the account held', async () => {
    const day = '2026-03-02'
    assert.deepEqual(await closeDay({ ...world, providers: { bank: undefined } }, { day, iban }, 'm'), [])
    await world.db
      .updateTable('bankAccounts')
      .set({ createdAt: new Date(`${day}T00:00:00Z`) })
      .where('iban', '=', iban)
      .execute()
    assert.deepEqual(found(await close(day)), ['bank_silent 2026-03-02 0'])
    await world.db
      .updateTable('bankAccounts')
      .set({ dueAt: world.clock.now() })
      .where('iban', '=', iban)
      .execute()
    const closed = await close(day)
    assert.match(closed.differences[0]?.detail ?? '', /does not answer/)
    assert.deepEqual([closed.bankUnits, closed.differenceUnits], [null, null])
  })
})

describe('without a statement the bank itself is asked', () => {
  beforeEach(async () => {
    await world.db
      .updateTable('bankAccounts')
      .set({ dueAt: world.clock.now() })
      .where('iban', '=', iban)
      .execute()
    bank = { lines: [portLine('2026-03-02', 100n), portLine('2026-03-03', 30n, { direction: 'debit' })] }
  })
  const read = async (count: number) => {
    await tellByPort(...bank!.lines.slice(0, count))
    const statementRef = bank!.lines[count - 1]?.ref ?? null
    await world.db.updateTable('bankAccounts').set({ statementRef }).where('iban', '=', iban).execute()
  }

  it('and agrees of a day that is long over', async () => {
    await read(2)
    const closed = await close('2026-03-02')
    assert.deepEqual([closed.toldBy, closed.bankUnits, found(closed)], ['bank', 100n, []])
    assert.equal((await close('2026-03-03')).bankUnits, 70n)
  })

  it('names lines that were not read yet', async () => {
    await read(1)
    assert.deepEqual(found(await close('2026-03-02')), [])
    assert.deepEqual(found(await close('2026-03-03')), ['not_read 2026-03-03 -30'])
  })

  it('names lines that it doesn’t have, and what is left', async () => {
    await read(2)
    await importStatement(
      world,
      fileOf(
        partsOf({ account: iban, lines: [credit('2026-03-03', 7n)], openingUnits: null, complete: false }),
        { format: 'csv' },
      ),
    )
    assert.deepEqual(found(await close('2026-03-03')), ['not_at_bank 2026-03-03 -7'])
    bank!.lines.unshift(portLine('2026-03-01', 1_000n))
    assert.deepEqual(found(await close('2026-03-03')), [
      'not_at_bank 2026-03-03 -7',
      'unexplained 2026-03-03 1000',
    ])
  })
})

describe('a retired account, when all are closed', () => {
  const closeAll = async (day: string) => {
    const closed = await closeDay({ ...world, providers: { bank: undefined } }, { day }, 'maria')
    return closed.filter((one) => one.iban === iban).map((one) => [one.ledgerUnits, ...found(one)])
  }
  beforeEach(async () => {
    await tell({ fromOn: '2026-03-02', lines: [credit('2026-03-02', 100n)] })
    await tell({ fromOn: '2026-03-04', openingUnits: 100n, lines: [debit('2026-03-04', 100n)] })
    await world.db.updateTable('bankAccounts').set({ status: 'retired' }).where('iban', '=', iban).execute()
  })

  it('is closed on days of which something is told, and on those on which it held money', async () => {
    assert.deepEqual(await closeAll('2026-03-02'), [[100n]])
    assert.deepEqual(await closeAll('2026-03-03'), [[100n]])
    assert.deepEqual(await closeAll('2026-03-04'), [[0n]])
    for (const over of ['2026-03-01', '2026-03-05']) assert.deepEqual(await closeAll(over), [])
    assert.deepEqual(found(await close('2026-03-05')), ['missing_statement 2026-03-05 0'])
  })

  it('is closed again when money came after it was retired', async () => {
    await tell({ fromOn: '2026-03-06', lines: [credit('2026-03-06', 7n)] })
    assert.deepEqual(await closeAll('2026-03-05'), [])
    assert.deepEqual(await closeAll('2026-03-06'), [[7n]])
    assert.deepEqual(await closeAll('2026-03-10'), [[7n, 'missing_statement 2026-03-07 0']])
  })

  it('is closed when something of it is in doubt, or the bank has what the books don’t', async () => {
    await tellByPort(portLine('2026-03-04', 40n))
    assert.deepEqual(await closeAll('2026-03-05'), [
      [0n, 'missing_statement 2026-03-05 0', 'doubt 2026-03-04 0'],
    ])
    await tell({ fromOn: '2026-03-09', openingUnits: 55n })
    assert.deepEqual(await closeAll('2026-03-09'), [[0n, 'gap 2026-03-05 55', 'doubt 2026-03-04 0']])
  })
})

describe('what can’t be closed', () => {
  const refused = (day: string, account = iban) =>
    assert.rejects(
      closeDay({ ...world, providers: { bank: undefined } }, { day, iban: account }, 'maria'),
      RefusedOperation,
    )

  it('a day that is not over, no day, an account that is not ours', async () => {
    await refused(world.clock.now().toISOString().slice(0, 10))
    await refused('2026-02-30')
    await refused('yesterday')
    await refused('2026-03-02', 'ES9121000418450200051332')
  })
})

describe('the proof of the books, of an account that only statements tell of', () => {
  it('names what its last complete statement closes with, where the books have another sum', async () => {
    await world.db.updateTable('bankAccounts').set({ ordersBy: 'file' }).where('iban', '=', iban).execute()
    const found = async () => (await world.problems()).filter((problem) => problem.includes(iban))
    await tell({ fromOn: '2026-03-02', lines: [lineOf({ units: 500n, bookedOn: '2026-03-02' })] })
    assert.deepEqual(await found(), [])
    await tell({ fromOn: '2026-03-03', openingUnits: 12_500n })
    const [problem, ...others] = await found()
    assert.deepEqual(others, [])
    assert.match(problem!, /closes on 2026-03-03 with 125\.00 EUR .+ books have 5\.00 EUR.+ 120\.00 EUR/)
    await bookOpening(world, { iban, units: 12_000n }, { who: 'maria', why: 'before us' })
    assert.deepEqual(await found(), [])
  })
})
