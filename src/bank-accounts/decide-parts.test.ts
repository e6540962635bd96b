import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { camt053, camt054, type Entry, importFile } from '../../test/support/batch-files.ts'
import { fileOf, lineOf, partsOfAccount, shareStatementWorld } from '../../test/support/statements.ts'
import { balanceOf } from '../ledger/book.ts'
import { decideParts } from './batches/decide-parts.ts'
import { importStatement } from './import-statement.ts'
import { decideDoubt, listDoubts } from './line-doubts.ts'
import { bankOf, suspenseOf, transitOutOf } from './record-lines.ts'
import { refundLine } from './refund-line.ts'

const world = await shareStatementWorld()
/** Each test has an account of its own, on which a sum of 180.00 came that says nothing of its transfers. */
let iban: string
let sum: string
const partsOf = partsOfAccount(() => iban)
const CHANGE = { who: 'maria', why: 'the bank’s list of the batch' }
const ENTRY: Entry = {
  euros: 180,
  ref: 'BATCH1',
  transfers: [
    { euros: 50, ref: 'T1', payer: 'Ana Gomez' },
    { euros: 60, ref: 'T2', payer: 'Luis Perez' },
    { euros: 70, ref: 'T3', payer: 'Marta Ruiz' },
  ],
}

const tellSum = () =>
  importStatement(
    world,
    fileOf(partsOf({ lines: [lineOf({ units: 18_000n, concept: 'ABONO REMESA', counterpartyName: '' })] }), {
      format: 'norma43',
    }),
  )
const doubts = async () =>
  (await listDoubts(world)).filter((one) => one.iban === iban).sort((a, b) => Number(a.units - b.units))
const ids = async () => (await doubts()).map(({ id }) => id)
const lines = async () => {
  const rows = await world.db.selectFrom('bankTransactions').selectAll().where('iban', '=', iban).execute()
  return rows.map(({ units, state }) => `${units / 100n} ${state}`).sort()
}

async function assertHolds(euros: number): Promise<void> {
  const held = await Promise.all([bankOf, suspenseOf].map((of) => balanceOf(world.db, of(iban), 'EUR')))
  assert.deepEqual(held, [BigInt(euros * 100), BigInt(-euros * 100)])
  assert.deepEqual(await world.problems(), [])
}

beforeEach(async () => {
  iban = await world.addAccount()
  await tellSum()
  const row = await world.db
    .selectFrom('bankTransactions')
    .select('id')
    .where('iban', '=', iban)
    .executeTakeFirstOrThrow()
  sum = row.id
  await world.db.updateTable('bankTransactions').set({ dueAt: null }).where('iban', '=', iban).execute()
  await importFile(world, camt054(iban, [ENTRY]))
})

describe('transfers that may be those of a sum, which no name proves', () => {
  it('are the same doubts when a message of another kind tells them', async () => {
    const first = await ids()
    assert.equal(first.length, 3)
    assert.equal((await importFile(world, camt053(iban, [ENTRY]))).doubts, 3)
    const unnamed = { ...ENTRY, ref: 'X', transfers: ENTRY.transfers!.map(({ ref: _, ...one }) => one) }
    assert.equal((await importFile(world, camt053(iban, [unnamed]))).doubts, 3)
    assert.deepEqual(await ids(), first)
    await assertHolds(180)
  })

  it('are no lines of their own beside it, unless a person says so of that line', async () => {
    const [id] = await ids()
    await assert.rejects(decideDoubt(world, id!, { is: 'new' }, CHANGE), new RegExp(`--part-of ${sum}`))
    await assert.rejects(decideDoubt(world, id!, { is: 'new', beside: ['another'] }, CHANGE), /--beside/)
    await assertHolds(180)
    await decideDoubt(world, id!, { is: 'new', beside: [sum] }, CHANGE)
    await assertHolds(230)
  })

  it('keep it from being paid back until they are decided', async () => {
    const target = { toIban: 'ES9121000418450200051332', name: 'Ana Gomez' }
    const refund = () => refundLine(world, { iban, id: sum, ...target }, CHANGE)
    await assert.rejects(refund(), /wait in doubt .*--part-of/)
    for (const id of await ids()) await decideDoubt(world, id, { is: 'dismissed' }, CHANGE)
    assert.equal((await refund()).units, 18_000n)
  })

  it('are booked in its place when a person says that they are its transfers, once', async () => {
    await importFile(world, camt053(iban, [ENTRY]))
    const parts = await ids()
    await decideParts(world, parts, sum, CHANGE)
    assert.deepEqual(await lines(), ['180 divided', '50 unmatched', '60 unmatched', '70 unmatched'])
    assert.deepEqual(await ids(), [])
    for (const text of [camt054(iban, [ENTRY]), camt053(iban, [ENTRY])]) {
      const { added, doubts: left } = await importFile(world, text)
      assert.deepEqual([added, left], [0, 0])
    }
    assert.equal((await tellSum()).added, 0)
    await assertHolds(180)
    const audited = await world.db
      .selectFrom('auditLog')
      .selectAll()
      .where(
        'target',
        'in',
        parts.map((id) => `bank-doubt:${iban}:${id}`),
      )
      .execute()
    assert.equal(audited.length, 3)
    await assert.rejects(decideParts(world, parts, sum, CHANGE), /no open doubt/)
  })

  it('are refused unless they are all of it and nobody has done anything with it', async () => {
    const parts = await ids()
    await assert.rejects(decideParts(world, parts.slice(1), sum, CHANGE), /don’t come to/)
    await assert.rejects(decideParts(world, parts, 'unknown', CHANGE), /no undivided line/)
    await world.db
      .updateTable('bankTransactions')
      .set({ state: 'matched' })
      .where('iban', '=', iban)
      .where('id', '=', sum)
      .execute()
    await assert.rejects(decideParts(world, parts, sum, CHANGE), /is matched/)
    assert.deepEqual(await lines(), ['180 matched'])
  })
})

describe('transfers of a debit sum, put in its place after an order of theirs was tried again', () => {
  it('are of no order that has another key by now: its debit has no owner', async () => {
    iban = await world.addAccount()
    const now = world.clock.now()
    const effectOf = (name: string, units: bigint) => ({
      id: `${name}-${iban}`,
      kind: 'bank_transfer' as const,
      purpose: `${name}:${iban}`,
      integrationId: 0,
      reference: `${name}:${iban}`,
      door: `bank:${iban}`,
      asset: 'EUR',
      units,
      destinationSealed: Buffer.alloc(0),
      idempotencyKey: `${name}1${iban}`,
      state: 'failed' as const,
      createdAt: now,
      updatedAt: now,
    })
    const effects = [effectOf('again', 5_000n), effectOf('same', 6_000n)]
    await world.db.insertInto('effects').values(effects).execute()
    const debit = lineOf({ direction: 'debit', units: 11_000n, concept: 'REMESA', counterpartyName: '' })
    await importStatement(world, fileOf(partsOf({ lines: [debit] }), { format: 'norma43' }))
    const [row] = await world.db
      .selectFrom('bankTransactions')
      .select('id')
      .where('iban', '=', iban)
      .execute()
    const transfers = effects.map(({ idempotencyKey: key, units }) => ({ euros: Number(units / 100n), key }))
    await importFile(world, camt054(iban, [{ euros: 110, direction: 'DBIT', ref: 'B2', transfers }]))
    const parts = await ids()
    assert.equal(parts.length, 2)
    await world.db
      .updateTable('effects')
      .set({ state: 'planned', idempotencyKey: `again2${iban}` })
      .where('id', '=', effects[0]!.id)
      .execute()
    await decideParts(world, parts, row!.id, CHANGE)
    assert.deepEqual(await lines(), ['110 divided', '50 unmatched', '60 matched'])
    const held = await Promise.all(
      [bankOf, suspenseOf, transitOutOf].map((of) => balanceOf(world.db, of(iban), 'EUR')),
    )
    assert.deepEqual(held, [-11_000n, 5_000n, 6_000n])
  })
})
