import type { UncoveredDays } from './statement-chain.ts'

/** A line that one side has and the other has not. Units are signed: credits positive, in the account's base units. */
export interface DayLine {
  /** Of the line in the books, or of the doubt. */
  id: string
  on: string
  units: bigint
}

/** A line of the books that no statement up to the day holds. */
export interface UntoldLine extends DayLine {
  /** A statement of a later day holds it. */
  later: boolean
}

/** What was told and is not in the books. */
export interface DoubtfulLine extends DayLine {
  toldBy: string
  reason: 'other_words' | 'not_on_statement' | 'same_sum' | 'told_again' | 'other_day' | 'batch'
  /** Decided to be no line. */
  dismissed: boolean
  /** Part of what the bank says that the account held; else somebody else told of it. */
  counted: boolean
}

/** What the statements say, and where they and the books part. */
export interface StatementWord {
  by: 'statement'
  units: bigint
  /** What the first statement opened with, less what the books had by then. */
  beforeUnits: bigint
  firstOn: string
  /** With what lines of the books fell into those days, and whether banks book on any of them. */
  uncovered: (UncoveredDays & { bookedUnits: bigint; bookedLines: number; working: boolean })[]
  early: boolean
  untold: UntoldLine[]
  /** Of untold lines only so many are named; these are the others. */
  untoldMore: { count: number; units: bigint }
  /** Lines that these statements hold and the books have under a later day. */
  ahead: DayLine[]
}

/** What the bank's interface says, when no statement covers the day. */
export interface BankWord {
  by: 'bank'
  units: bigint
  /** Lines that the bank has and that were not read yet. */
  unread: DayLine[]
  /** Lines of the books that the bank's list doesn't have: only a statement told of them. */
  untold: DayLine[]
}

/** Nobody says what the account held: there is no statement, and the bank could not be asked for this reason. */
export interface NoWord {
  by: 'none'
  reason: string
}

/** Orders of ours that the bank says it booked by then, and that the statements of these days don't have. */
export interface MissingOrder {
  effect: string
  reference: string
  on: string
  units: bigint
}

/** What the bank took for an order of ours that was not that order any more, and nobody has settled. */
export interface UnexpectedDebit extends DayLine {
  /** Such as `debit:again:<effect>`. */
  why: string
}

/** All that is known of one account at the end of one day. */
export interface DayFacts {
  ledgerUnits: bigint
  word: StatementWord | BankWord | NoWord
  doubts: DoubtfulLine[]
  orders: MissingOrder[]
  unexpected: UnexpectedDebit[]
  /** Lines that were booked into a day after it was closed, and not shown since. */
  late: DayLine[]
}

export const CAUSES = [
  'missing_statement',
  'early_statement',
  'gap',
  'before_statements',
  'not_on_statement',
  'other_day',
  'doubt',
  'batch',
  'not_read',
  'not_at_bank',
  'order_not_on_statement',
  'unexpected_debit',
  'late_line',
  'bank_silent',
  'unexplained',
] as const

export type DifferenceCause = (typeof CAUSES)[number]

/** One thing that bank and books don't agree on, and why. */
export interface DayDifference {
  cause: DifferenceCause
  /** The day, or the first of several. */
  on: string
  /** The last of several days; null of one. */
  toOn: string | null
  /** What the bank has more than the books, signed; what stands beside the balances has none of it in `units`. */
  units: bigint
  /** The amount of what it is about. */
  aboutUnits: bigint
  /** The line, doubt or effect; null of balances and days. */
  reference: string | null
  /** In what way, such as a doubt's reason. */
  detail: string | null
}

export interface DayComparison {
  toldBy: 'statement' | 'bank' | 'none'
  bankUnits: bigint | null
  ledgerUnits: bigint
  /** Bank less books; null when nobody told. */
  differenceUnits: bigint | null
  /** The same in pieces, with what else should be known: their `units` sum to it. Empty: all agrees. */
  differences: DayDifference[]
}

/** Compares what an account held by its bank with what it held by the books, and names each difference with its cause. */
export function compareDay(on: string, facts: DayFacts): DayComparison {
  const { ledgerUnits, word } = facts
  const found = nameBatches([...differencesOf(on, word), ...facts.doubts.map(doubtDifference)])
  const beside = [
    ...facts.orders.map(orderDifference),
    ...facts.unexpected.map(unexpectedDifference),
    ...facts.late.map(lateDifference),
  ]
  if (word.by === 'none') {
    const silent = { ...about(on, 0n), cause: 'bank_silent' as const, detail: word.reason }
    return {
      toldBy: 'none',
      bankUnits: null,
      ledgerUnits,
      differenceUnits: null,
      differences: sorted([silent, ...found, ...beside]),
    }
  }
  const differenceUnits = word.units - ledgerUnits
  const leftUnits = differenceUnits - found.reduce((sum, { units }) => sum + units, 0n)
  if (leftUnits !== 0n) found.push({ ...about(on, leftUnits), cause: 'unexplained' })
  return {
    toldBy: word.by,
    bankUnits: word.units,
    ledgerUnits,
    differenceUnits,
    differences: sorted([...found, ...beside]),
  }
}

const sorted = (differences: DayDifference[]): DayDifference[] =>
  differences.toSorted(
    (a, b) => CAUSES.indexOf(a.cause) - CAUSES.indexOf(b.cause) || (a.on < b.on ? -1 : a.on > b.on ? 1 : 0),
  )

const about = (on: string, units: bigint): Omit<DayDifference, 'cause'> => ({
  on,
  toOn: null,
  units,
  aboutUnits: units,
  reference: null,
  detail: null,
})

const lacking = (cause: DifferenceCause, { id, on, units }: DayLine): DayDifference => ({
  ...about(on, -units),
  cause,
  aboutUnits: units,
  reference: id,
})

function differencesOf(on: string, word: DayFacts['word']): DayDifference[] {
  if (word.by === 'none') return []
  if (word.by === 'bank') {
    return [
      ...word.unread.map((line): DayDifference => ({ ...lacking('not_read', line), units: line.units })),
      ...word.untold.map((line) => lacking('not_at_bank', line)),
    ]
  }
  const { beforeUnits, firstOn, uncovered, early, untold, untoldMore, ahead } = word
  const found: DayDifference[] = uncovered.flatMap(uncoveredDifference)
  if (early) found.push({ ...about(on, 0n), cause: 'early_statement' })
  if (beforeUnits !== 0n) found.push({ ...about(firstOn, beforeUnits), cause: 'before_statements' })
  for (const line of untold) found.push(lacking(line.later ? 'other_day' : 'not_on_statement', line))
  for (const line of ahead) found.push({ ...lacking('other_day', line), units: line.units })
  if (untoldMore.count > 0) {
    const detail = `${untoldMore.count} more`
    const more = { ...about(on, -untoldMore.units), aboutUnits: untoldMore.units, detail }
    found.push({ ...more, cause: 'not_on_statement' })
  }
  return found
}

/**
 * Where the statements on both sides agree with what the books had in between, the days are proven without one. On days
 * on which no bank books and nothing moved none is missing.
 */
function uncoveredDifference(days: StatementWord['uncovered'][number]): DayDifference[] {
  const { fromOn, toOn, units, bookedUnits, bookedLines, working } = days
  const isProven = units !== null && units === bookedUnits
  if (isProven || (units === null && !working && bookedLines === 0)) return []
  const cause = units === null ? 'missing_statement' : 'gap'
  const detail =
    bookedLines === 0
      ? null
      : `the books have ${bookedLines === 1 ? 'one line' : `${bookedLines} lines`} of these days`
  const range = { ...about(fromOn, (units ?? 0n) - bookedUnits), toOn: toOn > fromOn ? toOn : null, detail }
  return [{ ...range, cause }]
}

function doubtDifference({ counted, reason, dismissed, toldBy, ...line }: DoubtfulLine): DayDifference {
  const detail = `${reason}, ${toldBy}${dismissed ? DISMISSED : ''}`
  return { ...lacking('doubt', line), units: counted ? line.units : 0n, detail }
}

function orderDifference({ effect, reference, on, units }: MissingOrder): DayDifference {
  return {
    ...about(on, 0n),
    cause: 'order_not_on_statement',
    aboutUnits: -units,
    reference: effect,
    detail: reference,
  }
}

/** Bank and books agree on it: it is the order that should not have been paid by it. */
const unexpectedDifference = ({ why, ...line }: UnexpectedDebit): DayDifference => ({
  ...lacking('unexpected_debit', line),
  units: 0n,
  detail: why,
})

const lateDifference = (line: DayLine): DayDifference => ({ ...lacking('late_line', line), units: 0n })

/**
 * One sum on the one side that is several lines on the other, on the same day, is the same money told in pieces. Where a
 * person has decided so, it is no difference any more.
 */
function nameBatches(found: readonly DayDifference[]): DayDifference[] {
  const settled = new Set<DayDifference>()
  const pieces = found.filter(({ cause }) => cause === 'doubt' || LACKING.has(cause))
  for (const [, ofDay] of Map.groupBy(pieces, ({ on, aboutUnits }) => `${on} ${aboutUnits < 0n}`)) {
    const told = ofDay.filter(
      ({ cause, detail }) => cause === 'doubt' && /^(same_sum|batch)\b/.test(detail ?? ''),
    )
    const known = ofDay.filter(({ cause, reference }) => LACKING.has(cause) && reference !== null)
    const sum = (lines: DayDifference[]): bigint => lines.reduce((total, one) => total + one.aboutUnits, 0n)
    if (told.length === 0 || known.length === 0 || sum(told) !== sum(known)) continue
    const isDecided = told.every(({ detail }) => detail?.endsWith(DISMISSED))
    for (const one of [...told, ...known]) {
      one.cause = 'batch'
      if (isDecided) settled.add(one)
    }
  }
  return found.filter((one) => !settled.has(one))
}

const DISMISSED = ', dismissed'

/** Of a doubt that a person decided to be no line. */
export const isDismissed = ({ cause, detail }: Pick<DayDifference, 'cause' | 'detail'>): boolean =>
  cause === 'doubt' && detail?.endsWith(DISMISSED) === true

/** What the books have and who tells of the day doesn't. */
const LACKING: ReadonlySet<DifferenceCause> = new Set(['not_on_statement', 'not_at_bank'])
