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
 * out, as is what begins later but for the first of these. Of equals the one given first is taken.
 */
export function chooseChain(statements: readonly ChainStatement[], on: string): StatementChain {
  const left = statements.filter(({ fromOn }) => fromOn <= on)
  const parts = Map.groupBy(
    left.filter(({ fromOn, toOn }) => fromOn === toOn),
    ({ toOn }) => toOn,
  )
  const links: ChainLink[] = []
  const linked = new Set<ChainStatement>()
  for (;;) {
    const following = followingOf({ statements, left, parts, linked }, links.at(-1)?.statement)
    if (following.length === 0) break
    for (const statement of following) {
      cutAt(links.at(-1), statement)
      links.push({ statement, movesFrom: null, until: null })
      linked.add(statement)
    }
  }
  const end = links.at(-1)
  if (end && end.statement.toOn > on) end.movesFrom = dayAfter(on)
  const later = statements.filter(({ fromOn }) => fromOn > on)
  return { links, next: best(later, end?.statement) ?? null }
}

/** The next statement tells the days from its first on; what the link tells of them too is told anew. */
function cutAt(link: ChainLink | undefined, next: ChainStatement): void {
  if (!link || next.fromOn > link.statement.toOn || goesOn(link.statement, next)) return
  link.movesFrom = next.fromOn
  link.until = next.fromOn
}

interface Choice {
  statements: readonly ChainStatement[]
  /** Those that begin by the day that is asked for. */
  left: readonly ChainStatement[]
  /** Of these the ones of a single day, by the day. */
  parts: ReadonlyMap<string, readonly ChainStatement[]>
  linked: ReadonlySet<ChainStatement>
}

/** What goes on from the last one: the parts of a day in order, or one statement of several days. */
function followingOf(
  { statements, left, parts, linked }: Choice,
  last: ChainStatement | undefined,
): ChainStatement[] {
  if (last) {
    const rest = parts.get(last.toOn)?.filter((one) => !linked.has(one)) ?? []
    const onward = wayThrough(rest, last.closingUnits)
    if (onward.length > 0) return onward
  }
  const next = best(
    left.filter(({ toOn }) => !last || toOn > last.toOn),
    last,
  )
  if (!next) return []
  if (next.fromOn < next.toOn) return [next]
  const ofDay = parts.get(next.toOn)!
  const from =
    next.openingUnits === last?.closingUnits ? next.openingUnits : openingOf(ofDay, next, statements)
  return wayThrough(ofDay, from)
}

/** What a day that is told in parts began with: they begin there once more often than they end there. */
function openingOf(
  parts: readonly ChainStatement[],
  chosen: ChainStatement,
  statements: readonly ChainStatement[],
): bigint {
  const surplus = new Map<bigint, number>()
  const count = (units: bigint, by: number) => surplus.set(units, (surplus.get(units) ?? 0) + by)
  for (const { openingUnits, closingUnits } of parts) {
    count(openingUnits, 1)
    count(closingUnits, -1)
  }
  const most = [...surplus.values()].reduce((a, b) => Math.max(a, b))
  if (most > 0) {
    if (surplus.get(chosen.openingUnits) === most) return chosen.openingUnits
    return parts.find(({ openingUnits }) => surplus.get(openingUnits) === most)!.openingUnits
  }
  // The day ended as it began, which is what the next one goes on from.
  const next = best(
    statements.filter(({ fromOn }) => fromOn > chosen.toOn),
    undefined,
  )
  return (
    parts.find(({ openingUnits }) => openingUnits === next?.openingUnits)?.openingUnits ??
    parts[0]!.openingUnits
  )
}

/**
 * Of the parts of a day a way from a balance on, each beginning where the one before ended, and each taken once: first
 * as it comes, then with every round that leads back to where it left. So all are taken where that can be, whichever
 * of several at one balance is tried first. What tells the same once more, as a whole, stays out.
 */
function wayThrough(parts: readonly ChainStatement[], from: bigint): ChainStatement[] {
  const open = Map.groupBy(parts.toSorted(compareWorth).reverse(), ({ openingUnits }) => openingUnits)
  const walk = (units: bigint): ChainStatement[] => {
    const walked: ChainStatement[] = []
    for (let at = units; ; ) {
      const next = open.get(at)?.pop()
      if (!next) return walked
      walked.push(next)
      at = next.closingUnits
    }
  }
  const way = walk(from)
  for (let place = 0; place < way.length; place += 1) {
    const { openingUnits: units } = way[place]!
    const round = walk(units)
    const back = round.findLastIndex(({ closingUnits }) => closingUnits === units) + 1
    for (const one of round.splice(back).reverse()) open.get(one.openingUnits)!.push(one)
    way.splice(place, 0, ...round)
  }
  return way
}

/**
 * The earliest; of these one that goes on where the last one ends, else one that goes on from none of them; then the
 * one that reaches furthest, of most lines.
 */
function best(
  candidates: readonly ChainStatement[],
  last: ChainStatement | undefined,
): ChainStatement | undefined {
  const [earliest] = candidates.map(({ fromOn }) => fromOn).sort(compare)
  const first = candidates.filter(({ fromOn }) => fromOn === earliest)
  const closings = new Set(first.map(({ closingUnits }) => closingUnits))
  const rank = ({ openingUnits }: ChainStatement): number =>
    openingUnits === last?.closingUnits ? 0 : closings.has(openingUnits) ? 2 : 1
  const [chosen] = first.toSorted(
    (a, b) => rank(a) - rank(b) || compare(b.toOn, a.toOn) || compareWorth(a, b),
  )
  return chosen
}

const compareWorth = (a: ChainStatement, b: ChainStatement): number =>
  b.lines - a.lines || compare(b.importedOn, a.importedOn)

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
