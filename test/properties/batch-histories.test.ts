import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { importStatement } from '../../src/bank-accounts/import-statement.ts'
import { recordBankLines } from '../../src/bank-accounts/record-lines.ts'
import type { StatementLine } from '../../src/bank-accounts/statements/statement.ts'
import { createRandom, type Random } from '../support/random.ts'
import { fileOf, lineOf, openStatementWorld, partsOf, type StatementWorld } from '../support/statements.ts'

const KEPT_SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 82_054]
/** More of them in the long runs. */
const RUNS = Number(process.env.HISTORY_RUNS ?? 30)
const FIRST_SEED = Number(process.env.HISTORY_SEED ?? 71_000)

const DAYS = ['2026-03-02', '2026-03-03', '2026-03-04'] as const
const DAY_BEFORE = '2026-03-01'
/** Few, so that a sum may be of the amount of a line beside it, and transfers as well. */
const UNITS = [5_000n, 10_000n] as const
const PAYERS = ['Ana Gomez', 'Luis Perez', 'Marta Ruiz'] as const

let world: StatementWorld
before(async () => {
  world = await openStatementWorld()
})
after(() => world.close())

for (const seed of [...KEPT_SEEDS, ...Array.from({ length: RUNS }, (_, run) => FIRST_SEED + run)]) {
  test(`sums and their transfers from every source in any order, seed ${seed}: the money once`, () =>
    live(createRandom(seed)))
}

/** A transfer as it truly is; the bank makes one sum of those of a batch. */
interface Transfer {
  number: number
  bookedOn: string
  direction: 'credit' | 'debit'
  units: bigint
  payer: string
  /** Null: the bank books it by itself. */
  batch: string | null
}

/**
 * How a bank names a sum: by the same reference in every message, by the payment order alone, by the message that
 * several of a day's batches came in, or not at all.
 */
type Naming = 'entry' | 'order' | 'message' | 'none'

interface Bank {
  naming: Naming
  /** Whether it says of how many transfers a sum is. */
  counts: boolean
  /** Whether notifications tell a batch in entries of one transfer each. */
  singly: boolean
}

interface Source {
  name: string
  tell(): Promise<unknown>
}

async function live(random: Random): Promise<void> {
  const account = await world.addAccount()
  const truth = makeTruth(random)
  const naming = random.pick(['entry', 'entry', 'order', 'message', 'none'] as const)
  const bank: Bank = {
    naming,
    // Who says neither a name nor a number tells of two things, for all that anybody can know.
    counts: random.chance(0.7) || naming === 'none',
    singly: random.chance(0.3),
  }
  const harsh = random.chance(0.4)
  const sources = [
    ...statements(random, account, truth, bank),
    ...notifications(random, account, truth, bank),
    ...(harsh ? wordless(random, account, truth) : []),
  ]
  const told: string[] = [JSON.stringify(bank)]
  for (const { name, tell } of shuffled(random, sources)) {
    told.push(name)
    await tell()
    await assertOnce(account, truth, told.join(', '))
  }
  const all = told.join(', ')
  const doubts = await world.db
    .selectFrom('bankDoubts')
    .select(['bookedOn', 'direction', 'units', 'reason'])
    .where('iban', '=', account)
    .where('state', '=', 'open')
    .execute()
  const [booked, due] = [moneyOf(await linesOf(account)), moneyOf(truth)]
  for (const [key, units] of due) {
    const waiting = moneyOf(doubts).get(key) ?? 0n
    assert.ok((booked.get(key) ?? 0n) + waiting >= units, `money of ${key} is lost after ${all}`)
  }
  if (!harsh && bank.naming === 'entry') {
    assert.deepEqual([...booked].sort(), [...due].sort(), all)
    assert.deepEqual(doubts, [], all)
  }
  const problems = (await world.problems()).filter((text) => text.includes(account))
  assert.deepEqual(problems, [], all)
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items]
  return items.map(() => left.splice(random.below(left.length), 1)[0]!)
}

type Line = Pick<Transfer, 'bookedOn' | 'direction' | 'units'>

const linesOf = (iban: string): Promise<Line[]> =>
  world.db
    .selectFrom('bankTransactions')
    .select(['bookedOn', 'direction', 'units'])
    .where('iban', '=', iban)
    .where('state', '<>', 'divided')
    .execute()

function moneyOf(lines: readonly Line[]): Map<string, bigint> {
  const money = new Map<string, bigint>()
  for (const { bookedOn, direction, units } of lines) {
    const key = `${bookedOn} ${direction}`
    money.set(key, (money.get(key) ?? 0n) + units)
  }
  return money
}

/** Of each day every line is a true one: each batch is there in its sum or in its transfers, never in both. */
async function assertOnce(iban: string, truth: readonly Transfer[], told: string): Promise<void> {
  const booked = await linesOf(iban)
  for (const [day, lines] of Map.groupBy(booked, ({ bookedOn, direction }) => `${bookedOn} ${direction}`)) {
    const due = truth.filter(({ bookedOn, direction }) => `${bookedOn} ${direction}` === day)
    const batches = [...new Set(due.map(({ batch }) => batch))].filter((batch) => batch !== null)
    const fits = (at: number, units: readonly bigint[]): boolean => {
      const batch = batches[at]
      if (batch === undefined) return isWithin(lines, units)
      const parts = due.filter((one) => one.batch === batch).map((one) => one.units)
      const sum = parts.reduce((total, one) => total + one, 0n)
      return fits(at + 1, [...units, sum]) || fits(at + 1, [...units, ...parts])
    }
    const alone = due.filter(({ batch }) => batch === null).map(({ units }) => units)
    assert.ok(fits(0, alone), `money of ${day} is there twice after ${told}`)
  }
}

function isWithin(lines: readonly Line[], units: readonly bigint[]): boolean {
  const left = [...units]
  return lines.every((line) => {
    const at = left.indexOf(line.units)
    if (at >= 0) left.splice(at, 1)
    return at >= 0
  })
}

function makeTruth(random: Random): Transfer[] {
  const truth: Transfer[] = []
  for (const bookedOn of DAYS) {
    const add = (batch: string | null, direction: Transfer['direction']): void => {
      const number = truth.length + 1
      truth.push({
        number,
        bookedOn,
        direction,
        units: random.pick(UNITS),
        payer: random.pick(PAYERS),
        batch,
      })
    }
    for (let n = random.below(3); n > 0; n -= 1) add(null, random.below(5) === 0 ? 'debit' : 'credit')
    for (let n = random.below(3); n > 0; n -= 1) {
      const direction = random.below(4) === 0 ? 'debit' : 'credit'
      for (let size = 2 + random.below(2); size > 0; size -= 1) add(`${bookedOn}.${n}`, direction)
    }
  }
  return truth
}

const sumOf = (lines: readonly Pick<Transfer, 'direction' | 'units'>[]): bigint =>
  lines.reduce((sum, { direction, units }) => sum + (direction === 'credit' ? units : -units), 0n)

const namesOf = (
  naming: Naming,
  { entry, batch, bookedOn }: { entry: string; batch: string; bookedOn: string },
): string[] => {
  const names = naming === 'entry' ? [`entry:C${batch}`] : [`entry:${entry}${batch}`]
  if (naming === 'order') return [...names, `batch:P${batch}`]
  if (naming === 'message') return [...names, `message:M${bookedOn}`]
  return names
}

/** As a statement of account has them: batches in one sum. */
function inSums(truth: readonly Transfer[], { naming, counts }: Bank): StatementLine[] {
  return [...Map.groupBy(truth, ({ number, batch }) => batch ?? String(number))].map(([name, parts]) => {
    const [{ bookedOn, direction, number, payer, units, batch }] = parts as [Transfer]
    if (batch === null) {
      return lineOf({
        bookedOn,
        direction,
        units,
        bankRef: `C${number}`,
        counterpartyName: payer,
        concept: 'Pago',
      })
    }
    const transfers = counts ? parts.length : null
    return lineOf({
      bookedOn,
      direction,
      units: parts.reduce((sum, one) => sum + one.units, 0n),
      bankRef: naming === 'order' ? null : `C${name}`,
      counterpartyName: '',
      concept: 'REMESA',
      batch: {
        entry: name,
        refs: namesOf(naming, { entry: 'C', batch, bookedOn }).slice(naming === 'order' ? 1 : 0),
        transfers,
      },
    })
  })
}

/** As a notification has them: each transfer by itself, with its batch's name. */
const inTransfers = (truth: readonly Transfer[], { naming, singly }: Bank): StatementLine[] =>
  truth.map(({ bookedOn, direction, units, number, payer, batch }) => {
    const refs = batch === null ? [] : namesOf(naming, { entry: 'N', batch, bookedOn })
    const transfers = truth.filter((one) => one.batch === batch).length
    return lineOf({
      bookedOn,
      direction,
      units,
      bankRef: `N${number}`,
      counterpartyName: payer,
      concept: 'Pago',
      ...(batch === null
        ? {}
        : singly && naming !== 'entry'
          ? { batch: { entry: `${batch}/${number}`, refs: refs.slice(1), transfers: null } }
          : { batch: { entry: batch, refs, transfers } }),
    })
  })

/** Of single days and of all of them, some twice; together they tell every day. */
function statements(random: Random, account: string, truth: readonly Transfer[], bank: Bank): Source[] {
  const tell = (from: number, to: number): Source => {
    const [first, last] = [DAYS[from]!, DAYS[to]!]
    const lines = inSums(
      truth.filter(({ bookedOn }) => bookedOn >= first && bookedOn <= last),
      bank,
    )
    const openingUnits = sumOf(truth.filter(({ bookedOn }) => bookedOn < first))
    const parts = partsOf({ account, lines, openingUnits, fromOn: first, toOn: last })
    return { name: `camt.053 of ${first} to ${last}`, tell: () => importStatement(world, fileOf(parts)) }
  }
  const empty = partsOf({ account, lines: [], fromOn: DAY_BEFORE, toOn: DAY_BEFORE })
  return [
    { name: 'the day before', tell: () => importStatement(world, fileOf(empty)) },
    tell(0, DAYS.length - 1),
    ...[...DAYS.keys()].filter(() => random.chance(0.7)).map((day) => tell(day, day)),
    ...[...DAYS.keys()].filter(() => random.chance(0.3)).map((day) => tell(day, day)),
  ]
}

/** Of batches alone or of all that was booked, by day or by and by, some twice. */
function notifications(random: Random, account: string, truth: readonly Transfer[], bank: Bank): Source[] {
  const held = random.chance(0.5) ? truth : truth.filter(({ batch }) => batch !== null)
  const groups = [
    ...Map.groupBy(held, ({ bookedOn, batch, number }) => {
      if (random.chance(0.5)) return bookedOn
      return batch ?? String(number)
    }).values(),
  ]
  // A batch is told in one message, unless its transfers are entries of their own.
  const whole = groups.map((group) => {
    const batches = new Set(group.map(({ batch }) => batch))
    return bank.singly && bank.naming !== 'entry'
      ? group
      : held.filter((one) => group.includes(one) || (one.batch !== null && batches.has(one.batch)))
  })
  return whole.flatMap((group, n) => {
    const parts = partsOf({ account, lines: inTransfers(group, bank), openingUnits: null, complete: false })
    const source: Source = {
      name: `camt.054 #${n}`,
      tell: () => importStatement(world, fileOf(parts, { format: 'camt.054.001.08' })),
    }
    return random.chance(0.3) ? [source, source] : [source]
  })
}

/** Sources that have no names and few words: MT940 of whole days, lists of some lines, the bank's interface. */
function wordless(random: Random, account: string, truth: readonly Transfer[]): Source[] {
  const bank: Bank = { naming: 'none', counts: false, singly: false }
  const told = random.chance(0.5) ? inSums(truth, bank) : inTransfers(truth, bank)
  const lines = told.map(({ batch: _, ...line }): StatementLine => ({ ...line, bankRef: null }))
  const sources: Source[] = []
  for (const day of DAYS) {
    if (!random.chance(0.5)) continue
    const held = lines.filter(({ bookedOn }) => bookedOn === day)
    const openingUnits = sumOf(truth.filter(({ bookedOn }) => bookedOn < day))
    const parts = partsOf({ account, lines: held, openingUnits, fromOn: day, toOn: day })
    sources.push({
      name: `mt940 of ${day}`,
      tell: () => importStatement(world, fileOf(parts, { format: 'mt940' })),
    })
  }
  if (random.chance(0.5)) {
    const held = lines
      .filter(() => random.chance(0.5))
      .map((line) => ({ ...line, counterpartyName: '', concept: 'Ingreso' }))
    const parts = partsOf({ account, lines: held, openingUnits: null, complete: false })
    sources.push({ name: 'csv', tell: () => importStatement(world, fileOf(parts, { format: 'csv' })) })
  }
  return random.chance(0.5) ? [...sources, ...portCalls(account, lines)] : sources
}

const portCalls = (iban: string, lines: readonly StatementLine[]): Source[] =>
  [...Map.groupBy(lines, ({ bookedOn }) => bookedOn)].map(([day, ofDay]) => ({
    name: `port of ${day}`,
    tell: () =>
      recordBankLines(
        world,
        ofDay.map(({ direction, units, counterpartyName, counterpartyIban, concept, currency }, n) => ({
          ref: `L${day}.${n}`,
          iban,
          bookedAt: new Date(`${day}T10:00:00Z`),
          valueDate: day,
          direction,
          units,
          balanceUnits: 0n,
          currency,
          counterpartyName,
          counterpartyIban,
          concept,
          endToEndId: null,
          transferRef: null,
          returnCode: null,
          returnText: null,
        })),
      ),
  }))
