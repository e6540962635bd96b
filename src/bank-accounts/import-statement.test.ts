import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import {
  fileOf,
  lineOf,
  partsOfAccount,
  portLineOf,
  shareStatementWorld,
} from '../../test/support/statements.ts'
import { book } from '../ledger/book.ts'
import type { BankLine } from '../providers/bank/port.ts'
import { importStatement } from './import-statement.ts'
import { readKeptStatement } from './kept-statement.ts'
import { decideDoubt, listDoubts } from './line-doubts.ts'
import { recordBankLines } from './record-lines.ts'
import { StatementError, type StatementLine, type StatementPart } from './statements/statement.ts'

const world = await shareStatementWorld()
/** Each test has an account of its own. */
let iban: string
const partsOf = partsOfAccount(() => iban)
beforeEach(async () => {
  iban = await world.addAccount()
  world.files.clear()
  world.woken.length = 0
})

const doubts = async () => (await listDoubts(world)).filter((one) => one.iban === iban)
const rows = () =>
  world.db
    .selectFrom('bankTransactions')
    .selectAll()
    .where('iban', '=', iban)
    .orderBy('bookedOn')
    .orderBy('id')
    .execute()
const concepts = async () => (await rows()).map(({ concept }) => concept).sort()

async function assertGreen(): Promise<void> {
  assert.deepEqual(await world.problems(), [])
}

const portLine = (given: Partial<BankLine> = {}) => portLineOf({ iban, ...given })

async function refusal(work: () => Promise<unknown>): Promise<string> {
  const before = await world.tables()
  try {
    await work()
  } catch (error) {
    assert.ok(error instanceof StatementError, String(error))
    assert.equal(await world.tables(), before)
    assert.deepEqual([...world.files.keys()], [])
    return error.code
  }
  return assert.fail('It was taken.')
}

describe('the import of a statement', () => {
  it('books its lines, keeps the file sealed and wakes the matching', async () => {
    const lines = [
      lineOf({ concept: '1234' }),
      lineOf({ direction: 'debit', units: 250n, concept: 'Comision' }),
    ]
    const file = await importStatement(world, fileOf(partsOf({ lines }), { bytes: 'the file' }))
    assert.deepEqual([file.again, file.lines, file.added, file.doubts], [false, 2, 2, 0])
    assert.deepEqual(world.woken, ['bank-lines', 'payer-news', 'payouts'])
    const kept: Buffer[] = []
    for await (const piece of readKeptStatement(world, `statements/${file.importId}`)) kept.push(piece)
    assert.equal(Buffer.concat(kept).toString(), 'the file')
    assert.ok([...world.files.values()].every((sealed) => !sealed.includes('the file')))
    const [credit] = (await rows()).filter(({ direction }) => direction === 'credit')
    assert.equal(credit?.bookedAt.toISOString(), '2026-03-02T23:59:59.999Z')
    assert.ok(credit?.dueAt)
    await assertGreen()
  })

  it('answers the first import when the same file comes again, and keeps it once', async () => {
    const parts = partsOf({ lines: [lineOf()] })
    const first = await importStatement(world, fileOf(parts, { bytes: 'same' }))
    const before = await world.tables()
    const again = await importStatement(world, fileOf(parts, { bytes: 'same' }))
    assert.deepEqual([again.again, again.importId, again.added], [true, first.importId, 1])
    assert.equal(await world.tables(), before)
    assert.equal(world.files.size, 1)
  })

  it('is one import when the same file comes twice at once', async () => {
    const parts = partsOf({ lines: [lineOf()] })
    const both = await Promise.all([1, 2].map(() => importStatement(world, fileOf(parts, { bytes: 'race' }))))
    assert.deepEqual(both.map(({ again }) => again).sort(), [false, true])
    assert.equal((await rows()).length, 1)
    assert.equal(world.files.size, 1)
  })

  it('tells what it would do without doing it', async () => {
    const before = await world.tables()
    const file = await importStatement(world, { ...fileOf(partsOf({ lines: [lineOf()] })), dryRun: true })
    assert.deepEqual([file.lines, file.added], [1, 1])
    assert.equal(await world.tables(), before)
    assert.equal(world.files.size, 0)
    assert.deepEqual(world.woken, [])
  })

  it('puts a line that is not over today at now, and takes the time where it is told', async () => {
    const today = world.clock.now().toISOString().slice(0, 10)
    const at = new Date('2026-03-02T08:30:00Z')
    await importStatement(
      world,
      fileOf(partsOf({ lines: [lineOf({ bookedOn: today }), lineOf({ bookedAt: at })] })),
    )
    const [timed, known] = await rows()
    assert.deepEqual(timed?.bookedAt, at)
    assert.ok((known?.bookedAt ?? new Date(0)) <= world.clock.now())
  })
})

describe('nothing of a refused file stays', () => {
  const cases: Record<string, [code: string, parts: () => StatementPart[]]> = {
    'an account that is not ours': [
      'account',
      () => partsOf({ lines: [lineOf()], account: 'DE89370400440532013000' }),
    ],
    'a line in another currency': [
      'currency',
      () => partsOf({ lines: [lineOf(), lineOf({ currency: 'MXN' })] }),
    ],
    'a closing balance that does not follow': [
      'balance',
      () => partsOf({ lines: [lineOf()], closingUnits: 1n }),
    ],
    'a running balance that does not follow': [
      'balance',
      () =>
        partsOf({
          lines: [lineOf({ balanceUnits: 10_000n }), lineOf({ balanceUnits: 7n })],
          closingUnits: null,
        }),
    ],
    'a file that ends within a statement': ['truncated', () => partsOf({ lines: [lineOf()] }).slice(0, -1)],
    'a file without a statement': ['empty', () => []],
    'a second statement that is wrong': [
      'balance',
      () => [...partsOf({ lines: [lineOf()] }), ...partsOf({ lines: [lineOf()], closingUnits: 1n })],
    ],
  }
  for (const [name, [code, parts]] of Object.entries(cases)) {
    it(`${name}: ${code}`, async () =>
      assert.equal(await refusal(() => importStatement(world, fileOf(parts()))), code))
  }

  it('a file that is too large, told before or found while it comes: too_large', async () => {
    const { maxBytes } = world.config.statements
    const parts = partsOf({ lines: [lineOf()] })
    assert.equal(
      await refusal(() => importStatement(world, { ...fileOf(parts), size: maxBytes + 1 })),
      'too_large',
    )
    let taken = 0
    async function* endless() {
      const chunk = Buffer.alloc(1_000_000)
      for (; ; taken += chunk.length) yield chunk
    }
    assert.equal(
      await refusal(() => importStatement(world, { ...fileOf(parts), bytes: endless() })),
      'too_large',
    )
    assert.ok(taken <= maxBytes + 1_000_000)
  })

  it('a stream that breaks off', async () => {
    const before = await world.tables()
    async function* broken() {
      yield Buffer.alloc(5_000_000)
      throw new Error('gone')
    }
    await assert.rejects(importStatement(world, { ...fileOf([]), bytes: broken() }), /gone/)
    assert.equal(await world.tables(), before)
    assert.equal(world.files.size, 0)
  })
})

describe('each line is booked once', () => {
  it('of a statement that overlaps another', async () => {
    const day = (bookedOn: string) => [
      lineOf({ bookedOn }),
      lineOf({ bookedOn }),
      lineOf({ bookedOn, concept: 'x' }),
    ]
    await importStatement(world, fileOf(partsOf({ lines: [...day('2026-03-02'), ...day('2026-03-03')] })))
    const lines = [...day('2026-03-03'), ...day('2026-03-04')]
    const file = await importStatement(world, fileOf(partsOf({ lines, openingUnits: 30_000n })))
    assert.deepEqual([file.lines, file.added, file.doubts], [6, 3, 0])
    assert.equal((await rows()).length, 9)
    await assertGreen()
  })

  it('of a notification and the statement after it, by the bank’s reference', async () => {
    const lines = [lineOf({ bankRef: 'R1' }), lineOf({ bankRef: 'R2' })]
    const told = partsOf({ lines: lines.slice(0, 1), openingUnits: null, complete: false })
    await importStatement(world, fileOf(told, { format: 'camt.054.001.08' }))
    const file = await importStatement(world, fileOf(partsOf({ lines })))
    assert.deepEqual([file.added, file.doubts], [1, 0])
    await assertGreen()
  })

  it('of two notifications that tell of two lines alike by two references', async () => {
    for (const bankRef of ['R1', 'R2']) {
      const parts = partsOf({ lines: [lineOf({ bankRef })], openingUnits: null, complete: false })
      await importStatement(world, fileOf(parts, { format: 'camt.054.001.08' }))
    }
    assert.equal((await rows()).length, 2)
  })

  it('that the port told of before, in other words, on a day that is whole', async () => {
    await importStatement(world, fileOf(partsOf({ lines: [], fromOn: '2026-03-01', toOn: '2026-03-01' })))
    await recordBankLines(world, [portLine({ concept: 'Alquiler de Marta' })])
    const lines = [lineOf({ concept: 'TRF 8877 OFICINA', counterpartyName: 'CAJA' })]
    const file = await importStatement(
      world,
      fileOf(partsOf({ lines, fromOn: '2026-03-02', toOn: '2026-03-02' })),
    )
    assert.deepEqual([file.added, file.doubts, file.statements[0]?.findings], [0, 0, []])
    await assertGreen()
  })

  it('that the port tells of after the statement; what it tells beyond it waits', async () => {
    const lines = [lineOf({ concept: 'Pago 4711' })]
    await importStatement(world, fileOf(partsOf({ lines: [], fromOn: '2026-03-01', toOn: '2026-03-01' })))
    await importStatement(world, fileOf(partsOf({ lines, fromOn: '2026-03-02', toOn: '2026-03-02' })))
    await recordBankLines(world, [portLine({ concept: 'Pago 4711' })])
    await recordBankLines(world, [portLine({ ref: 'L0000000002', concept: 'Pago 4711' })])
    await recordBankLines(world, [portLine({ ref: 'L0000000002', concept: 'Pago 4711' })])
    assert.equal((await rows()).length, 1)
    const waiting = await doubts()
    assert.deepEqual(
      waiting.map(({ reason, bankRef }) => [reason, bankRef]),
      [['not_on_statement', 'L0000000002']],
    )
    await assertGreen()
  })

  it('of the port late at night, which is the next day at the bank', async () => {
    await recordBankLines(world, [
      portLine({ bookedAt: new Date('2026-03-01T23:30:00Z'), concept: 'Pago 4711' }),
    ])
    const file = await importStatement(
      world,
      fileOf(partsOf({ lines: [lineOf({ concept: 'PAGO 4711 ANA' })] })),
    )
    assert.deepEqual([file.added, file.doubts], [0, 0])
    assert.equal((await rows())[0]?.bookedOn, '2026-03-02')
  })

  it('of two statements of one day of which the second goes on where the first ends', async () => {
    const morning = partsOf({ lines: [lineOf()] })
    const evening = partsOf({ lines: [lineOf()], openingUnits: 10_000n })
    for (const parts of [morning, evening]) await importStatement(world, fileOf(parts, { format: 'mt940' }))
    const day = partsOf({ lines: [lineOf(), lineOf()] })
    const file = await importStatement(world, fileOf(day))
    assert.deepEqual([(await rows()).length, file.added, file.doubts], [2, 0, 0])
    await assertGreen()
  })

  it('of a batch that one source tells in one sum and another in its pieces: it waits for a person', async () => {
    const pieces = [lineOf({ units: 1_000n }), lineOf({ units: 2_000n })]
    const told = partsOf({ lines: pieces, openingUnits: null, complete: false })
    await importStatement(world, fileOf(told, { format: 'camt.054.001.08' }))
    const file = await importStatement(world, fileOf(partsOf({ lines: [lineOf({ units: 3_000n })] })))
    assert.deepEqual([file.added, file.doubts], [0, 1])
    assert.deepEqual(
      file.statements[0]?.findings.map(({ kind }) => kind),
      ['not_on_statement', 'not_on_statement'],
    )
    await assertGreen()
  })
})

describe('doubts', () => {
  const other = () =>
    partsOf({ lines: [lineOf({ concept: '', counterpartyName: '' })], openingUnits: null, complete: false })

  it('an incomplete list without a word that tells waits, and a person may say that it is new', async () => {
    await recordBankLines(world, [portLine()])
    const file = await importStatement(world, fileOf(other(), { format: 'csv' }))
    assert.deepEqual([file.added, file.doubts], [0, 1])
    const [doubt] = await doubts()
    await decideDoubt(world, doubt!.id, { is: 'new' }, { who: 'w', why: 'y' })
    assert.equal((await rows()).length, 2)
    assert.deepEqual(await doubts(), [])
    await assertGreen()
  })

  it('a person may say which line it is, and not one of another amount', async () => {
    await recordBankLines(world, [portLine(), portLine({ ref: 'L2', units: 5n })])
    await importStatement(world, fileOf(other(), { format: 'csv' }))
    const [doubt] = await doubts()
    const [same, wrong] = [10_000n, 5n].map((units) =>
      rows().then((all) => all.find((one) => one.units === units)!.id),
    )
    const change = { who: 'w', why: 'y' }
    await assert.rejects(
      decideDoubt(world, doubt!.id, { is: 'same', transactionId: await wrong! }, change),
      /no line/,
    )
    await decideDoubt(world, doubt!.id, { is: 'same', transactionId: await same! }, change)
    await assert.rejects(decideDoubt(world, doubt!.id, { is: 'new' }, change), /no open doubt/)
    await assertGreen()
  })

  it('is settled by a statement that tells of both', async () => {
    await recordBankLines(world, [portLine({ concept: 'Alquiler' })])
    await importStatement(world, fileOf(other(), { format: 'csv' }))
    await importStatement(world, fileOf(partsOf({ lines: [], fromOn: '2026-03-01', toOn: '2026-03-01' })))
    const lines = [lineOf({ concept: 'Alquiler' }), lineOf({ concept: 'Regalo' })]
    const file = await importStatement(
      world,
      fileOf(partsOf({ lines, fromOn: '2026-03-02', toOn: '2026-03-02' })),
    )
    assert.deepEqual([file.added, file.doubts], [1, 0])
    assert.deepEqual(await concepts(), ['Alquiler', 'Regalo'])
    assert.deepEqual(await doubts(), [])
    await assertGreen()
  })
})

describe('what a person should know', () => {
  it('a statement that does not open as the one before it closed', async () => {
    const [first, third] = ['2026-03-02', '2026-03-04'].map((bookedOn) => lineOf({ bookedOn }))
    await importStatement(world, fileOf(partsOf({ lines: [first!] })))
    const file = await importStatement(world, fileOf(partsOf({ lines: [third!], openingUnits: 12_345n })))
    assert.deepEqual(file.statements[0]?.findings, [
      { kind: 'gap', closingUnits: '10000', closedOn: '2026-03-02', openingUnits: '12345' },
    ])
    const kept = await world.db
      .selectFrom('statements')
      .select('findings')
      .where('importId', '=', file.importId)
      .execute()
    assert.deepEqual(kept[0]?.findings, file.statements[0]?.findings)
  })

  it('a known line that a statement of its day does not hold', async () => {
    await recordBankLines(world, [portLine({ units: 7_700n })])
    const file = await importStatement(world, fileOf(partsOf({ lines: [lineOf()] })))
    assert.deepEqual(
      file.statements[0]?.findings.map((one) => one.kind === 'not_on_statement' && one.units),
      ['7700'],
    )
    assert.equal((await rows()).length, 2)
  })
})

describe('orders of ours', () => {
  const KEY = 'ourOrderKey0123456789abcd'

  async function addOrder(providerRef: string | null = null): Promise<void> {
    const now = world.clock.now()
    await world.db
      .insertInto('effects')
      .values({
        id: `eff-${iban}`,
        kind: 'bank_transfer',
        purpose: `test:${iban}`,
        integrationId: 0,
        reference: `test:${iban}`,
        door: `bank:${iban}`,
        asset: 'EUR',
        units: 4_000n,
        destinationSealed: Buffer.alloc(0),
        idempotencyKey: `${KEY}${iban.slice(-4)}`,
        state: 'sent',
        providerRef,
        createdAt: now,
        updatedAt: now,
      })
      .execute()
    await world.db.transaction().execute((trx) =>
      book(trx, {
        kind: 'test',
        purpose: `test:${iban}`,
        integrationId: null,
        reference: null,
        at: now,
        postings: [
          { account: 'equity:treasury', asset: 'EUR', units: 4_000n },
          { account: `transit:out:${iban}`, asset: 'EUR', units: -4_000n },
        ],
      }),
    )
  }

  const order = (given: Partial<StatementLine> = {}) =>
    lineOf({
      direction: 'debit',
      units: 4_000n,
      endToEndId: `${KEY}${iban.slice(-4)}`,
      concept: 'Devolucion',
      ...given,
    })

  for (const providerRef of [null, 'BANK-NAME']) {
    it(`a debit that carries an order’s key settles what was in transit; taken again it waits (bank’s name: ${providerRef})`, async () => {
      await addOrder(providerRef)
      await importStatement(world, fileOf(partsOf({ lines: [order(), order({ concept: 'otra' })] })))
      assert.deepEqual((await rows()).map(({ state, transferRef }) => [state, transferRef]).sort(), [
        ['matched', providerRef ?? `${KEY}${iban.slice(-4)}`],
        ['unmatched', null],
      ])
      // The bank's answer may come after its statement.
      await world.db
        .updateTable('effects')
        .set({ providerRef: 'BANK-NAME' })
        .where('id', '=', `eff-${iban}`)
        .execute()
      await assertGreen()
    })
  }

  it('a debit that was known without its key is settled when another statement tells the key', async () => {
    await addOrder()
    await importStatement(
      world,
      fileOf(partsOf({ lines: [order({ endToEndId: null })] }), { format: 'norma43' }),
    )
    assert.equal((await rows())[0]?.transferRef, null)
    const file = await importStatement(world, fileOf(partsOf({ lines: [order()] })))
    assert.equal(file.added, 0)
    assert.equal((await rows())[0]?.state, 'matched')
    await assertGreen()
  })

  it('a credit that gives an order back is named by it, and one with a reason alone by itself', async () => {
    await addOrder()
    const back = order({ direction: 'credit', concept: 'Devuelta' })
    const reasoned = lineOf({ returnCode: 'AC04', bankRef: 'R9', units: 1n })
    await importStatement(world, fileOf(partsOf({ lines: [order(), back, reasoned] })))
    const credits = (await rows()).filter(({ direction }) => direction === 'credit')
    assert.deepEqual(credits.map(({ transferRef }) => transferRef).sort(), ['R9', `${KEY}${iban.slice(-4)}`])
  })
})
