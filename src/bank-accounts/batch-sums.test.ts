import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { camt053, camt054, type Entry, importFile } from '../../test/support/batch-files.ts'
import { openStatementWorld, type StatementWorld } from '../../test/support/statements.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { balanceOf } from '../ledger/book.ts'
import type { BankProvider } from '../providers/bank/port.ts'
import { listSums } from './batches/divide-sums.ts'
import { closeDay } from './close-day.ts'
import { listWaitingLines } from './describe-lines.ts'
import { decideDoubt, listDoubts } from './line-doubts.ts'
import { claimLine } from './operate-accounts.ts'
import { bankOf, recordBankLines, suspenseOf } from './record-lines.ts'

let world: StatementWorld
/** Each test has an account of its own. */
let iban: string
before(async () => {
  world = await openStatementWorld()
})
after(() => world.close())
beforeEach(async () => {
  iban = await world.addAccount()
})

const THREE = [
  { euros: 100, ref: 'D1', payer: 'Ana Gomez' },
  { euros: 100, ref: 'D2', payer: 'Luis Perez' },
  { euros: 100, ref: 'D3', payer: 'Marta Ruiz' },
]
const sum = (given: Partial<Entry> = {}): Entry => ({ euros: 300, ref: 'S1', ...given })
const told = (given: Partial<Entry> = {}): Entry => ({ ...sum(), transfers: THREE, ...given })
const statement = (...entries: Entry[]): string => camt053(iban, entries)
const notification = (...entries: Entry[]): string => camt054(iban, entries)

async function tell(text: string): Promise<string> {
  const { added, doubts, statements } = await importFile(world, text)
  return `${added} new, ${statements[0]!.known} known, ${doubts} in doubt`
}

const lines = async () => {
  const rows = await world.db
    .selectFrom('bankTransactions')
    .select(['units', 'state', 'direction'])
    .where('iban', '=', iban)
    .execute()
  return rows.map(({ units, state }) => `${units / 100n} ${state}`).sort()
}
const doubts = async () => (await listDoubts(world)).filter((one) => one.iban === iban)
const reasons = async () => (await doubts()).map(({ reason }) => reason)
const balance = async (account: (iban: string) => string) =>
  Number(await balanceOf(world.db, account(iban), 'EUR')) / 100

const BATCH = ['100 unmatched', '100 unmatched', '100 unmatched', '300 divided']
const SUM = ['300 unmatched']

/** The account holds so many euros, all of them without an owner, and the books prove it. */
async function assertHolds(euros: number): Promise<void> {
  assert.deepEqual([await balance(bankOf), await balance(suspenseOf)], [euros, -euros])
  assert.deepEqual(await world.problems(), [])
}

/** What is open of the day beside its balances, by what the statements say. */
async function assertCloses(): Promise<void> {
  await importFile(
    world,
    camt053(iban, [], { opening: await balance(bankOf), day: '2026-03-03', number: '2' }),
  )
  const app = { ...world, providers: { ...world.providers, bank: undefined as unknown as BankProvider } }
  const [closed] = await closeDay(app, { day: '2026-03-02', iban }, 'maria')
  assert.deepEqual([closed?.agreed, closed?.differences], [true, []])
}

describe('a batch that one file tells in one sum and another in its transfers', () => {
  it('is divided when its transfers come after it, and is there once', async () => {
    assert.equal(await tell(statement(sum())), '1 new, 0 known, 0 in doubt')
    assert.equal(await tell(notification(told())), '3 new, 0 known, 0 in doubt')
    assert.deepEqual(await lines(), BATCH)
    await assertHolds(300)
    const waiting = (await listWaitingLines(world, { iban })).map(({ units }) => units)
    assert.deepEqual(waiting, [])
    await assertCloses()
  })

  it('is known when its sum comes after its transfers', async () => {
    assert.equal(await tell(notification(told())), '3 new, 0 known, 0 in doubt')
    assert.equal(await tell(statement(sum())), '0 new, 1 known, 0 in doubt')
    assert.deepEqual(await lines(), BATCH)
    await assertHolds(300)
    await assertCloses()
  })

  for (const first of ['sum', 'transfers'] as const) {
    it(`adds nothing when all comes again in any order (first: ${first})`, async () => {
      const files = [statement(sum()), notification(told())]
      for (const text of first === 'sum' ? files : files.toReversed()) await tell(text)
      for (const text of [...files, ...files.toReversed(), ...files]) {
        assert.match(await tell(text), /^0 new, [13] known, 0 in doubt$/)
      }
      assert.deepEqual(await lines(), BATCH)
      await assertHolds(300)
    })
  }

  it('is divided when the bank took it', async () => {
    await tell(statement(sum({ direction: 'DBIT' })))
    assert.equal(await tell(notification(told({ direction: 'DBIT' }))), '3 new, 0 known, 0 in doubt')
    assert.deepEqual(await lines(), BATCH)
    await assertHolds(-300)
  })

  it('is known by its payment order where the bank has no reference of the entry, and by its message', async () => {
    for (const batch of [{ order: 'P1' }, { message: 'M1', transfers: 3 }]) {
      iban = await world.addAccount()
      await tell(statement(sum({ ref: undefined, batch })))
      assert.equal(
        await tell(notification(told({ ref: 'other', batch: { ...batch, transfers: 3 } }))),
        '3 new, 0 known, 0 in doubt',
      )
      assert.deepEqual(await lines(), BATCH)
      await assertHolds(300)
    }
  })

  it('stands beside other lines of its day', async () => {
    const beside = { euros: 100, ref: 'L1' }
    await tell(statement(sum(), beside))
    assert.equal(await tell(notification(told())), '3 new, 0 known, 0 in doubt')
    assert.equal(await tell(statement(sum(), beside)), '0 new, 2 known, 0 in doubt')
    assert.equal(await tell(statement(beside, sum())), '0 new, 2 known, 0 in doubt')
    assert.deepEqual(await lines(), ['100 unmatched', ...BATCH])
    await assertHolds(400)
    await assertCloses()
  })

  it('is told by several entries of one transfer each that name it', async () => {
    const batch = { order: 'P1', transfers: 3, euros: 300 }
    const single = (n: number): Entry => ({ euros: 100, ref: `D${n}`, batch })
    await tell(statement(sum({ batch })))
    assert.equal(await tell(notification(single(1))), '0 new, 0 known, 1 in doubt')
    assert.equal(await tell(notification(single(1), single(2))), '0 new, 0 known, 2 in doubt')
    assert.equal((await doubts()).length, 2, 'what is told again is no other doubt')
    assert.equal(await tell(notification(single(3))), '1 new, 0 known, 0 in doubt')
    assert.deepEqual(await doubts(), [])
    assert.deepEqual(await lines(), BATCH)
    assert.equal(await tell(notification(single(1), single(2), single(3))), '0 new, 3 known, 0 in doubt')
    await assertHolds(300)
    iban = await world.addAccount()
    await tell(notification(single(1), single(2)))
    await tell(notification(single(3)))
    assert.equal(await tell(statement(sum({ batch }))), '0 new, 1 known, 0 in doubt')
    assert.deepEqual(await lines(), BATCH)
    await assertHolds(300)
  })

  for (const order of ['growing', 'falling'] as const) {
    it(`is told in files of one transfer each, of ${order} amounts, none of which is the sum of another`, async () => {
      const batch = { order: 'P1', transfers: 3, euros: 180 }
      const singles = [50, 60, 70].map((euros): Entry => ({ euros, ref: `D${euros}`, batch }))
      for (const one of order === 'growing' ? singles : singles.toReversed())
        assert.equal(await tell(notification(one)), '1 new, 0 known, 0 in doubt')
      assert.equal(await tell(statement(sum({ euros: 180, batch }))), '0 new, 1 known, 0 in doubt')
      assert.deepEqual(await lines(), ['180 divided', '50 unmatched', '60 unmatched', '70 unmatched'])
      await assertHolds(180)
      await assertCloses()
    })
  }

  it('that says nothing of its number may be a transfer that another names, until a person says so', async () => {
    const [small, large] = [50, 60].map(
      (euros): Entry => ({ euros, ref: `D${euros}`, batch: { order: 'P1' } }),
    )
    await tell(notification(large!))
    assert.equal(await tell(notification(small!)), '0 new, 0 known, 1 in doubt')
    const { id } = (await doubts())[0]!
    const [line] = await listSums(world.db, { iban, id })
    const change = { who: 'maria', why: 'test' }
    await assert.rejects(decideDoubt(world, id, { is: 'new' }, change), new RegExp(`--beside ${line}`))
    await decideDoubt(world, id, { is: 'new', beside: [line!] }, change)
    await assertHolds(110)
  })

  it('is told by the bank’s interface in one sum', async () => {
    await recordBankLines(world, [
      {
        ref: 'S1',
        iban,
        bookedAt: new Date('2026-03-02T10:00:00Z'),
        valueDate: '2026-03-02',
        direction: 'credit',
        units: 30_000n,
        balanceUnits: 0n,
        currency: 'EUR',
        counterpartyName: '',
        counterpartyIban: null,
        concept: 'REMESA',
        endToEndId: null,
        transferRef: null,
        returnCode: null,
        returnText: null,
      },
    ])
    assert.equal(await tell(notification(told())), '3 new, 0 known, 0 in doubt')
    assert.deepEqual(await lines(), BATCH)
    await assertHolds(300)
  })
})

describe('two batches of one sum on one day', () => {
  for (const order of ['sums first', 'transfers first', 'one after the other'] as const) {
    it(`are two, by their references (${order})`, async () => {
      const entries = ['S1', 'S2'].map((ref) => ({
        sum: sum({ ref }),
        told: told({ ref, transfers: THREE.map((one) => ({ ...one, ref: `${ref}-${one.ref}` })) }),
      }))
      const [one, two] = entries as [(typeof entries)[0], (typeof entries)[0]]
      const both = [statement(one.sum, two.sum), notification(one.told, two.told)]
      if (order === 'one after the other') {
        for (const text of [both[0]!, notification(two.told), notification(one.told)]) await tell(text)
      } else for (const text of order === 'sums first' ? both : both.toReversed()) await tell(text)
      for (const text of both) assert.match(await tell(text), /^0 new, [26] known, 0 in doubt$/)
      assert.deepEqual(await lines(), [...BATCH, ...BATCH].sort())
      await assertHolds(600)
    })
  }

  it('stay two where the second has no transfers, and where only the second has', async () => {
    await tell(statement(sum({ ref: 'S1' }), sum({ ref: 'S2' })))
    assert.equal(await tell(notification(told({ ref: 'S2' }))), '3 new, 0 known, 0 in doubt')
    assert.deepEqual(await lines(), [...BATCH, ...SUM].sort())
    await assertHolds(600)
  })
})

describe('transfers of a sum that may not be divided', () => {
  it('wait when its money has an owner, once however often they are told, until a person decides', async () => {
    await tell(statement(sum()))
    await world.db.updateTable('bankTransactions').set({ dueAt: null }).where('iban', '=', iban).execute()
    const { id } = await world.db
      .selectFrom('bankTransactions')
      .select('id')
      .where('iban', '=', iban)
      .executeTakeFirstOrThrow()
    await claimLine(world, { iban, id, owner: 'treasury' }, { who: 'maria', why: 'test' })
    for (let times = 0; times < 3; times += 1) {
      assert.equal(await tell(notification(told())), '0 new, 0 known, 3 in doubt')
    }
    assert.deepEqual(await reasons(), ['batch', 'batch', 'batch'])
    const [whole] = await world.db
      .selectFrom('bankTransactions')
      .select('id')
      .where('iban', '=', iban)
      .where('units', '=', 30_000n)
      .execute()
    for (const doubt of await doubts()) assert.deepEqual(await listSums(world.db, doubt), [whole!.id])
    assert.deepEqual(await lines(), ['300 matched'])
    assert.deepEqual(await world.problems(), [])
    const [first, ...others] = await doubts()
    const change = { who: 'maria', why: 'test' }
    await assert.rejects(decideDoubt(world, first!.id, { is: 'new' }, change), RefusedOperation)
    for (const one of [first!, ...others]) await decideDoubt(world, one.id, { is: 'dismissed' }, change)
    assert.deepEqual(await doubts(), [])
    assert.equal(await tell(notification(told())), '0 new, 0 known, 3 in doubt')
    assert.deepEqual(await doubts(), [], 'what was decided is not asked again')
    assert.deepEqual(await world.problems(), [])
    await assertCloses()
  })

  it('wait when no reference proves it, but day, sum and number fit', async () => {
    await tell(statement(sum({ ref: 'S1', batch: { transfers: 3 } })))
    assert.equal(await tell(notification(told({ ref: 'X1' }))), '0 new, 0 known, 3 in doubt')
    assert.deepEqual(await lines(), SUM)
    await assertHolds(300)
    const singles = THREE.map(({ euros, ref }) => ({ euros, ref }))
    assert.equal(await tell(notification(...singles)), '0 new, 0 known, 3 in doubt')
    assert.deepEqual(await lines(), SUM)
    await assertHolds(300)
  })

  it('are no sum’s transfers by a number that messages count by', async () => {
    await tell(
      statement({
        euros: 300,
        ref: 'T1',
        count: '1',
        transfers: [{ euros: 300, payer: 'Eva', key: 'E-1' }],
      }),
    )
    assert.equal(await tell(notification(told({ ref: undefined, count: '1' }))), '3 new, 0 known, 0 in doubt')
    await assertHolds(600)
  })
})

describe('a sum whose transfers may be known', () => {
  it('waits where number and sum of known lines fit, and is new where they don’t', async () => {
    await tell(notification(...THREE.map(({ euros, ref }) => ({ euros, ref })), { euros: 50, ref: 'L1' }))
    const entries = [{ euros: 50, ref: 'L1' }, sum({ batch: { transfers: 3 } })]
    assert.equal(await tell(statement(...entries)), '0 new, 1 known, 1 in doubt')
    assert.ok(['batch', 'same_sum'].includes((await reasons())[0]!))
    await assertHolds(350)
    iban = await world.addAccount()
    await tell(notification(...THREE.map(({ euros, ref }) => ({ euros, ref }))))
    const other = sum({ euros: 310, batch: { transfers: 3 } })
    const beside = THREE.map(({ euros, ref }) => ({ euros, ref }))
    assert.equal(await tell(statement(other, ...beside)), '1 new, 3 known, 0 in doubt')
  })
})
