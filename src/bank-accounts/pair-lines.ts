import type { Relation } from './statement-relation.ts'

/** What one source says of a line, in the words by which it is known again. */
export interface LineWords {
  /** Null when none was given; the texts that banks put for "none" are none. */
  endToEndId: string | null
  concept: string
  /** The keyed digest of the counterparty's account as hex; null when it was not named. */
  payer: string | null
  /** The counterparty's name; a call because it is kept sealed and seldom needed. */
  name(): string
}

/** A line that a source tells of now. */
export interface ToldLine extends LineWords {
  /** Its place in the source. */
  number: number
  ref: string | null
  print: string
}

/** A line of the books on the same account and day, in the same direction, of the same amount. */
export interface KnownLine extends LineWords {
  id: string
  /** Its references, by who told them: `port`, `camt.053`, … */
  names: readonly { toldBy: string; ref: string }[]
  /** What statements said of it, whole. */
  prints: readonly string[]
  /** False where another day than this is the likelier one of the two that its time may be of. */
  likely: boolean
  /**
   * Told by a statement that this one's balances join: but by its reference it is none of this one's lines. `batch`: so it
   * is where this source tells of the sum that it is part of, or of the transfers that it is the sum of.
   */
  apart?: Relation | 'batch'
}

/**
 * How much the source is known to hold of the day.
 * `whole`: every line of it, proven. `complete`: every line from where it begins to where it ends, which may be within
 * the day. `partial`: some lines. `covered`: some lines of a day whose every line is known by another source.
 */
export type Extent = 'whole' | 'complete' | 'partial' | 'covered'

export type Finding =
  | { number: number; is: 'known'; id: string }
  | { number: number; is: 'new' }
  /** It may be one of the known lines, or another. */
  | { number: number; is: 'doubt'; reason: 'other_words' | 'not_on_statement' | 'told_again' | 'batch' }

/** Beyond this many comparisons lines that only resemble each other are not looked for: a person decides. */
const MOST_COMPARISONS = 4_000_000

/**
 * Says of each line of one source which known line it is. All are of one account, day, direction and amount, and no
 * line of the source is told by it twice, so that each pairs with at most one known line, and the other way round.
 *
 * Money that is booked twice may be paid out twice; a line that waits can be booked any time. So a line counts as new
 * only when nothing known is left that it may be, or when it says clearly that it is another.
 */
export function pairLines(
  told: readonly ToldLine[],
  known: readonly KnownLine[],
  { toldBy, extent }: { toldBy: string; extent: Extent },
): Finding[] {
  const open = new Map(told.map((line) => [line.number, line]))
  const left = new Map(known.map((line) => [line.id, line]))
  const findings: Finding[] = []
  const isOther = (line: ToldLine, other: KnownLine): boolean => isNamedOtherwise(line, other, toldBy)
  const holdsAll = extent === 'whole' || extent === 'complete'

  pairByKey(
    (line) => (line.ref === null ? [] : [line.ref]),
    (one) => one.names.map(({ ref }) => ref),
    () => true,
  )
  const again = [...left.values()].filter(
    ({ apart }) => apart === 'perhaps' || apart === 'alike' || apart === 'batch',
  )
  for (const one of [...left.values()]) if (one.apart && one.apart !== 'no') left.delete(one.id)
  // A statement that holds all lines tells of two alike by holding both; elsewhere another reference is another line.
  pairByKey(
    (line) => [line.print],
    (one) => one.prints,
    (line, one) => holdsAll || !isOther(line, one),
  )
  const agrees = (line: ToldLine, one: KnownLine): boolean =>
    !isOther(line, one) && contradiction(line, one) !== 'clear'
  pairByKey(endToEndKey, endToEndKey, agrees)
  pairByKey(conceptKey, conceptKey, agrees)
  pairBy((line, one) => !isOther(line, one) && resembles(line, one) && contradiction(line, one) === 'none')
  if (extent === 'whole' || extent === 'covered') {
    pairBy((line, one) => !isOther(line, one) && contradiction(line, one) === 'none')
    pairBy((line, one) => !isOther(line, one) && contradiction(line, one) !== 'clear')
    pairRest(extent === 'whole' ? () => true : (line, one) => !isOther(line, one))
  }
  if (extent === 'complete') pairBy((line, one) => !isOther(line, one) && contradiction(line, one) === 'none')

  for (const line of open.values()) findings.push(judgeRest(line))
  return findings.sort((a, b) => a.number - b.number)

  function judgeRest(line: ToldLine): Finding {
    const { number } = line
    // Its day is told whole elsewhere, and it is not there.
    if (extent === 'covered') return { number, is: 'doubt', reason: 'not_on_statement' }
    const isNew = [...left.values()].every(
      (one) => isOther(line, one) || contradiction(line, one) === 'clear',
    )
    if (!isNew) return { number, is: 'doubt', reason: 'other_words' }
    // Another reference is another line, unless the bank gives its lines others each time.
    const told = again.find(
      (one) => (one.apart === 'alike' || !isOther(line, one)) && contradiction(line, one) !== 'clear',
    )
    if (!told) return { number, is: 'new' }
    return { number, is: 'doubt', reason: told.apart === 'batch' ? 'batch' : 'told_again' }
  }

  function pair(line: ToldLine, one: KnownLine): void {
    findings.push({ number: line.number, is: 'known', id: one.id })
    open.delete(line.number)
    left.delete(one.id)
  }

  /** Pairs lines that have a key in common, in their order. */
  function pairByKey(
    keysOf: (line: ToldLine) => readonly string[],
    knownKeysOf: (one: KnownLine) => readonly string[],
    may: (line: ToldLine, one: KnownLine) => boolean,
  ): void {
    if (open.size === 0 || left.size === 0) return
    const byKey = new Map<string, KnownLine[]>()
    for (const one of left.values()) {
      for (const key of new Set(knownKeysOf(one))) byKey.set(key, [...(byKey.get(key) ?? []), one])
    }
    for (const line of open.values()) {
      for (const key of keysOf(line)) {
        const found = byKey.get(key)?.find((one) => left.has(one.id) && may(line, one))
        if (!found) continue
        pair(line, found)
        break
      }
    }
  }

  function pairBy(may: (line: ToldLine, one: KnownLine) => boolean): void {
    if (open.size * left.size > MOST_COMPARISONS) return
    pairRest(may)
  }

  function pairRest(may: (line: ToldLine, one: KnownLine) => boolean): void {
    for (const line of open.values()) {
      for (const one of left.values()) {
        if (!one.likely || !may(line, one)) continue
        pair(line, one)
        break
      }
    }
  }
}

/** Mappings of lists may take anything for a reference; in the other sources two references are two lines. */
function isNamedOtherwise(line: ToldLine, { names }: KnownLine, toldBy: string): boolean {
  if (line.ref === null || toldBy === 'csv') return false
  return names.some((name) => name.toldBy === toldBy && name.ref !== line.ref)
}

const endToEndKey = ({ endToEndId }: LineWords): string[] => (endToEndId === null ? [] : [endToEndId])

const conceptKey = ({ concept }: LineWords): string[] => {
  const key = compact(concept)
  return key === '' ? [] : [key]
}

/** Short texts are part of many others. */
const LEAST_PART = 6

/** Whether two sources seem to say the same in other words: formats cut texts, and put words of their own around them. */
function resembles(a: LineWords, b: LineWords): boolean {
  if (a.payer !== null && a.payer === b.payer) return true
  if (areTextsAlike(a.concept, b.concept)) return true
  const name = compact(a.name())
  return name !== '' && name === compact(b.name())
}

/** Whether one text is most likely the other: the same, a part of it, or with a number of it. */
export function areTextsAlike(a: string, b: string): boolean {
  const [one, other] = [compact(a), compact(b)]
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  if (short !== '' && (short === long || (short.length >= LEAST_PART && long.includes(short)))) return true
  const numbers = new Set(numbersIn(a))
  return numbersIn(b).some((number) => numbers.has(number))
}

/** `clear`: these are two lines. `maybe`: they say different things, which one bank may yet say of one line. */
function contradiction(a: LineWords, b: LineWords): 'clear' | 'maybe' | 'none' {
  if (a.payer !== null && b.payer !== null && a.payer !== b.payer) return 'clear'
  if (a.endToEndId !== null && b.endToEndId !== null && !isCutFrom(a.endToEndId, b.endToEndId)) return 'clear'
  const numbersDiffer = areApart(numbersIn(a.concept), numbersIn(b.concept))
  const namesDiffer = areApart(wordsIn(a.name()), wordsIn(b.name()))
  if (numbersDiffer && namesDiffer) return 'clear'
  return numbersDiffer || namesDiffer ? 'maybe' : 'none'
}

const isCutFrom = (a: string, b: string): boolean => {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return short === long || (short.length >= 10 && long.startsWith(short))
}

/** Whether both say something and have nothing in common. */
const areApart = (a: readonly string[], b: readonly string[]): boolean =>
  a.length > 0 && b.length > 0 && !a.some((one) => b.includes(one))

/** Reference numbers; shorter ones are dates, counts and houses. */
const numbersIn = (text: string): string[] =>
  (plain(text).match(/\d{4,}/g) ?? []).map((digits) => digits.replace(/^0+/, ''))

const wordsIn = (text: string): string[] => plain(text).match(/[A-Z]{3,}/g) ?? []

/** Capital letters without marks, digits, and spaces for the rest. */
export const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, ' ')
    .trim()

/** Lines of a format are joined with or without a space. */
const compact = (text: string): string => plain(text).replaceAll(' ', '')

const NO_REFERENCE = new Set(['', 'NOTPROVIDED', 'NOTPROVIDE', 'NONREF', 'NOREF', 'NONE'])

/** The payer's reference, or null for the texts that stand for none. */
export function payersReference(text: string | null): string | null {
  const key = compact(text ?? '')
  return NO_REFERENCE.has(key) ? null : key
}
