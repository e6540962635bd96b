import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { closeDay } from '../../src/bank-accounts/close-day.ts'
import { importStatement } from '../../src/bank-accounts/import-statement.ts'
import { recordBankLines } from '../../src/bank-accounts/record-lines.ts'
import { createRandom, type Random } from '../support/random.ts'
import { fileOf, lineOf, openStatementWorld, partsOf, type StatementWorld } from '../support/statements.ts'

const RUNS = Number(process.env.HISTORY_RUNS ?? 16)
const FIRST_SEED = Number(process.env.HISTORY_SEED ?? 52_000)

/** A week with an empty day before it, told of by a statement, so that the first day is known whole. */
const DAY_BEFORE = '2026-03-01'
const DAYS = ['2026-03-02', '2026-03-03', '2026-03-04', '2026-03-05', '2026-03-06'] as const

let world: StatementWorld
before(async () => {
  world = await openStatementWorld()
})
after(() => world.close())

for (const seed of Array.from({ length: RUNS }, (_, run) => FIRST_SEED + run)) {
  test(`a week of which all is told closes without a difference, seed ${seed}`, async () => {
    const random = createRandom(seed)
    const iban = await world.addAccount()
    const truth = makeTruth(random)
    await tellAll(random, iban, { truth, stated: truth })
    for (const day of [DAY_BEFORE, ...DAYS]) {
      const { differences, bankUnits } = await close(iban, day)
      assert.deepEqual(differences, [], day)
      assert.equal(bankUnits, sumOf(truth.filter(({ on }) => on <= day)), day)
    }
  })

  test(`one line that the statements lack is the one difference from its day on, seed ${seed}`, async () => {
    const random = createRandom(seed + 1_000_000)
    const iban = await world.addAccount()
    const truth = makeTruth(random)
    const lacking = random.pick(truth)
    // What the bank took back before its statements were made.
    lacking.toldByPort = 'before'
    await tellAll(random, iban, { truth, stated: truth.filter((line) => line !== lacking) })
    for (const day of [DAY_BEFORE, ...DAYS]) {
      const { differences, differenceUnits } = await close(iban, day)
      const expected =
        day < lacking.on ? [] : [{ cause: 'not_on_statement', on: lacking.on, units: -signed(lacking) }]
      assert.deepEqual(
        differences.map(({ cause, on, units }) => ({ cause, on, units })),
        expected,
        day,
      )
      assert.equal(differenceUnits, day < lacking.on ? 0n : -signed(lacking))
    }
  })
}

async function close(iban: string, day: string) {
  const [closed] = await closeDay({ ...world, providers: { bank: undefined } }, { day, iban }, 'test')
  assert.ok(closed)
  return closed
}

interface TrueLine {
  number: number
  on: string
  direction: 'credit' | 'debit'
  units: bigint
  /** An order of ours that the bank carried out. */
  payout: boolean
  toldByPort: 'before' | 'after' | 'never'
}

const signed = ({ direction, units }: TrueLine): bigint => (direction === 'credit' ? units : -units)
const sumOf = (lines: readonly TrueLine[]): bigint => lines.reduce((sum, line) => sum + signed(line), 0n)

function makeTruth(random: Random): TrueLine[] {
  const lines = DAYS.flatMap((on) => Array.from({ length: random.below(5) }, () => on))
  if (lines.length === 0) lines.push(random.pick(DAYS))
  return lines.map((on, number) => ({
    number,
    on,
    direction: random.below(10) < 6 ? 'credit' : 'debit',
    // Sums that are each other's by chance are a matter of doubt.
    units: BigInt(1 + number) * 1_000_003n + BigInt(random.below(1_000_000)),
    payout: random.below(2) === 0,
    toldByPort: random.pick(['before', 'before', 'after', 'never'] as const),
  }))
}

/** Statements of one to three days, of halves of a day, and some that tell days anew. */
async function tellAll(
  random: Random,
  iban: string,
  { truth, stated }: { truth: readonly TrueLine[]; stated: readonly TrueLine[] },
): Promise<void> {
  await tellByPort(
    iban,
    truth.filter(({ toldByPort }) => toldByPort === 'before'),
  )
  await state(iban, stated, { fromOn: DAY_BEFORE, toOn: DAY_BEFORE })
  for (let first = 0; first < DAYS.length; ) {
    const last = Math.min(DAYS.length - 1, first + random.below(3))
    const [fromOn, toOn] = [DAYS[first]!, DAYS[last]!]
    const own = stated.filter(({ on }) => on === fromOn)
    const isHalved = first === last && own.length > 1 && random.below(2) === 0
    if (isHalved && sumOf(own.slice(0, 1)) !== sumOf(own)) {
      await state(iban, stated, { fromOn, toOn, until: own[0]! })
      await state(iban, stated, { fromOn, toOn, after: own[0]! })
    } else await state(iban, stated, { fromOn, toOn })
    if (random.below(3) === 0) await state(iban, stated, { fromOn: DAYS[random.below(last + 1)]!, toOn })
    first = last + 1
  }
  await tellByPort(
    iban,
    truth.filter(({ toldByPort }) => toldByPort === 'after'),
  )
}

async function state(
  iban: string,
  stated: readonly TrueLine[],
  { fromOn, toOn, until, after: from }: { fromOn: string; toOn: string; until?: TrueLine; after?: TrueLine },
): Promise<void> {
  const own = stated.filter(
    ({ on, number }) =>
      on >= fromOn && on <= toOn && (!until || number <= until.number) && (!from || number > from.number),
  )
  const earlier = stated.filter(
    ({ on, number }) => on < fromOn || (from && on === fromOn && number <= from.number),
  )
  const lines = own.map((line) =>
    lineOf({
      bookedOn: line.on,
      direction: line.direction,
      units: line.units,
      concept: `Pago ${4_711 + line.number}`,
      counterpartyName: `Payer ${line.number}`,
    }),
  )
  const parts = partsOf({ account: iban, lines, openingUnits: sumOf(earlier), fromOn, toOn })
  await importStatement(world, fileOf(parts))
}

async function tellByPort(iban: string, lines: readonly TrueLine[]): Promise<void> {
  if (lines.length === 0) return
  await recordBankLines(
    world,
    lines.map((line) => ({
      ref: `P${line.number}`,
      iban,
      bookedAt: new Date(`${line.on}T10:00:00Z`),
      valueDate: line.on,
      direction: line.direction,
      units: line.units,
      balanceUnits: 0n,
      currency: 'EUR',
      counterpartyName: `Payer ${line.number}`,
      counterpartyIban: null,
      concept: `Pago ${4_711 + line.number}`,
      endToEndId: null,
      transferRef: line.payout && line.direction === 'debit' ? `T${line.number}` : null,
      returnCode: null,
      returnText: null,
    })),
  )
}
