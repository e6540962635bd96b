/** A statement that says what the account held, as the chain of statements needs it. Days are `YYYY-MM-DD`. */
export interface ChainStatement {
  importId: string
  position: number
  fromOn: string
  toOn: string
  openingUnits: bigint
  closingUnits: bigint
  lines: number
  /** The day of its import: a statement that was made while its last day ran may not hold all of that day. */
  importedOn: string
}

/** One link: a statement, and from which of its days on the next one tells them anew. */
export interface ChainLink {
  statement: ChainStatement
  /** The sum of the lines of this statement from this day on is needed; null: it isn't. */
  movesFrom: string | null
  /** From this day on the next statement tells its lines anew, and its word counts; null: of none. */
  until: string | null
}

/** Which statements tell what an account held up to a day, in order, and the first one after them. */
export interface StatementChain {
  links: ChainLink[]
  next: ChainStatement | null
}

/** Days that no statement covers; what changed over them where the statements on both sides tell. */
export interface UncoveredDays {
  fromOn: string
  toOn: string
  /** Null: no statement after them is there yet. */
  units: bigint | null
}

/** What the statements say of an account at the end of a day. */
export interface StatedBalance {
  units: bigint
  /** The first day of the first statement, and what it opened with. */
  firstOn: string
  openingUnits: bigint
  uncovered: UncoveredDays[]
  /** The last day up to now whose lines the statements hold. */
  coveredTo: string
  /** The last statement was made while that day ran: it may lack some of it. */
  early: boolean
}

/**
 * Of all statements of an account those that follow each other up to a day; what tells known days once more is left
 * out, as is what begins later but for the first of these.
 */
export function chooseChain(statements: readonly ChainStatement[], on: string): StatementChain {
  const left = statements.filter(({ fromOn }) => fromOn <= on)
  const links: ChainLink[] = []
  for (let last: ChainStatement | undefined; ; ) {
    const next = followingOf(left, last, links)
    if (!next) break
    const previous = links.at(-1)
    if (previous && next.fromOn <= previous.statement.toOn) {
      previous.movesFrom = next.fromOn
      if (!goesOn(previous.statement, next)) previous.until = next.fromOn
    }
    links.push({ statement: next, movesFrom: null, until: null })
    last = next
  }
  const end = links.at(-1)
  if (end && end.statement.toOn > on) end.movesFrom = dayAfter(on)
  const later = statements.filter(({ fromOn }) => fromOn > on)
  return { links, next: best(later, end?.statement) ?? null }
}

function followingOf(
  left: readonly ChainStatement[],
  last: ChainStatement | undefined,
  links: readonly ChainLink[],
): ChainStatement | undefined {
  if (!last) return best(left, undefined)
  // Within a day one statement goes on where another ends. One that moved nothing would go on for ever.
  const onward = left.find(
    (one) =>
      one.fromOn === last.toOn &&
      one.toOn === last.toOn &&
      one.openingUnits === last.closingUnits &&
      one.openingUnits !== one.closingUnits &&
      !links.some(({ statement }) => statement === one),
  )
  if (onward) return onward
  return best(
    left.filter(({ toOn }) => toOn > last.toOn),
    last,
  )
}

/** The earliest; of these one that goes on where the last one ends, then the one that reaches furthest, of most lines. */
function best(
  candidates: readonly ChainStatement[],
  last: ChainStatement | undefined,
): ChainStatement | undefined {
  const closings = last ? undefined : new Set(candidates.map(({ closingUnits }) => closingUnits))
  const continues = ({ openingUnits }: ChainStatement): boolean =>
    closings ? !closings.has(openingUnits) : openingUnits === last!.closingUnits
  const rank = (one: ChainStatement): number => (continues(one) ? 0 : 1)
  const order = (a: ChainStatement, b: ChainStatement): number =>
    compare(a.fromOn, b.fromOn) ||
    rank(a) - rank(b) ||
    compare(b.toOn, a.toOn) ||
    b.lines - a.lines ||
    compare(b.importedOn, a.importedOn)
  return candidates.reduce<ChainStatement | undefined>(
    (chosen, one) => (chosen && order(chosen, one) <= 0 ? chosen : one),
    undefined,
  )
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * What a chain says of the end of a day. `movesOf` answers the sum of a link's lines from its `movesFrom` on: credits
 * less debits. Undefined when there is no statement up to that day.
 */
export function readChain(
  { links, next }: StatementChain,
  on: string,
  movesOf: (link: ChainLink) => bigint,
): StatedBalance | undefined {
  const [first] = links
  if (!first) return undefined
  const uncovered: UncoveredDays[] = []
  for (const [index, { statement }] of links.slice(1).entries()) {
    const gap = gapBetween(links[index]!, statement, movesOf)
    if (gap) uncovered.push(gap)
  }
  const end = links.at(-1)!
  const { statement: last } = end
  const stated = {
    firstOn: first.statement.fromOn,
    openingUnits: first.statement.openingUnits,
    uncovered,
    early: false,
  }
  if (last.toOn > on) return { ...stated, units: last.closingUnits - movesOf(end), coveredTo: on }
  if (last.toOn === on) {
    const proven = last.importedOn > on || next?.openingUnits === last.closingUnits
    return { ...stated, units: last.closingUnits, coveredTo: on, early: !proven }
  }
  const tail = { fromOn: dayAfter(last.toOn), toOn: on }
  if (next && next.fromOn === dayAfter(on)) {
    uncovered.push({ ...tail, units: next.openingUnits - last.closingUnits })
    return { ...stated, units: next.openingUnits, coveredTo: last.toOn }
  }
  const unmoved = next?.openingUnits === last.closingUnits
  uncovered.push({ ...tail, units: unmoved ? 0n : null })
  return { ...stated, units: last.closingUnits, coveredTo: last.toOn }
}

/** Within a day one statement goes on where another ends, and tells none of its lines. */
const goesOn = ({ toOn, closingUnits }: ChainStatement, next: ChainStatement): boolean =>
  next.fromOn === toOn && next.openingUnits === closingUnits

function gapBetween(
  link: ChainLink,
  next: ChainStatement,
  movesOf: (link: ChainLink) => bigint,
): UncoveredDays | undefined {
  const { toOn, closingUnits } = link.statement
  if (next.fromOn > toOn) {
    const [fromOn, lastOn] = [dayAfter(toOn), dayBefore(next.fromOn)]
    const units = next.openingUnits - closingUnits
    if (fromOn <= lastOn) return { fromOn, toOn: lastOn, units }
    return units === 0n ? undefined : { fromOn: next.fromOn, toOn, units }
  }
  if (goesOn(link.statement, next)) return undefined
  const toldAnewUnits = closingUnits - movesOf(link)
  const units = next.openingUnits - toldAnewUnits
  return units === 0n ? undefined : { fromOn: next.fromOn, toOn: dayBefore(next.fromOn), units }
}

const DAY_MS = 86_400_000
const shift = (day: string, ms: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + ms).toISOString().slice(0, 10)
export const dayAfter = (day: string): string => shift(day, DAY_MS)
export const dayBefore = (day: string): string => shift(day, -DAY_MS)
