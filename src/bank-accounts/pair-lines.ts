import {
  areOthers,
  type ComparedWords,
  comparedWords,
  contradiction,
  isPartOf,
  type LineWords,
  namedTextKeys,
  nameWordKeys,
  resemblanceKeys,
} from './compare-words.ts'
import { createPass, type Known, type May, type Told } from './pair-passes.ts'
import type { Relation } from './statement-relation.ts'

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

/**
 * Says of each line of one source which known line it is. All are of one account, day, direction and amount, and no
 * line of the source is told by it twice, so that each pairs with at most one known line, and the other way round.
 *
 * Money that is booked twice may be paid out twice; a line that waits can be booked any time. So a line counts as new
 * only when nothing known is left that it may be, or when it says clearly that it is another. Two that name different
 * people are never one, whatever else they have in common: many customers write one text.
 */
export function pairLines(
  told: readonly ToldLine[],
  known: readonly KnownLine[],
  { toldBy, extent }: { toldBy: string; extent: Extent },
): Finding[] {
  const lines = told.map((line): Told => {
    // Mappings of lists may take anything for a reference; in the other sources two references are two lines.
    const isNamed = line.ref !== null && toldBy !== 'csv'
    return { line, words: comparedWords(line), isPaired: false, isNamed }
  })
  const all = known.map((line): Known => {
    const isNamed = line.names.some((name) => name.toldBy === toldBy)
    return { line, words: comparedWords(line), isPaired: false, isNamed }
  })
  const findings: Finding[] = []
  const holdsAll = extent === 'whole' || extent === 'complete'
  const pass = (left: readonly Known[]) => createPass(lines, left, findings)

  const mayBe: May = (line, one) => !areOthers(line.words, one.words)
  // Of a list the reference may be the text that its payers wrote.
  const isByTrueRef: May = (line, one) =>
    (toldBy !== 'csv' &&
      one.line.names.some((name) => name.ref === line.line.ref && name.toldBy !== 'csv')) ||
    mayBe(line, one)
  pass(all).byKey(
    ({ line }) => (line.ref === null ? [] : [line.ref]),
    ({ line }) => line.names.map(({ ref }) => ref),
    { anyName: true, may: isByTrueRef },
  )
  const isAgain = (apart: KnownLine['apart']) => apart === 'perhaps' || apart === 'alike' || apart === 'batch'
  const again = all.filter(({ line, isPaired }) => !isPaired && isAgain(line.apart))
  const left = all.filter(({ line }) => !line.apart || line.apart === 'no')
  const { byKey, inOrder } = pass(left)
  // A statement that holds all lines tells of two alike by holding both; elsewhere another reference is another line.
  byKey(
    ({ line }) => [line.print],
    ({ line }) => line.prints,
    { anyName: holdsAll, may: mayBe },
  )
  const agrees: May = (line, one) => contradiction(line.words, one.words) !== 'clear' && mayBe(line, one)
  const fits: May = (line, one) => contradiction(line.words, one.words) === 'none' && mayBe(line, one)
  byKey(endToEndKey, endToEndKey, { may: agrees })
  byKey(payersTextKey, payersTextKey, { may: agrees })
  for (const keysOf of [namedTextKeys, nameWordKeys])
    byKey(wordKeys(keysOf), wordKeys(keysOf), { may: agrees })
  byKey(textKey, textKey, { may: agrees })
  byKey(wordKeys(resemblanceKeys), wordKeys(resemblanceKeys), { may: fits, onlyLikely: true })
  inOrder((line, one) => isPartOf(line.words.concept, one.words.concept) && fits(line, one))
  if (extent !== 'partial') inOrder(fits)
  if (extent === 'whole' || extent === 'covered') {
    inOrder(agrees)
    const isDaySure = extent === 'whole' || toldBy === 'port'
    inOrder((line, one) => mayBe(line, one) || (isDaySure && isSureOfDay(one) && saysLittle(line, one)), {
      anyName: extent === 'whole',
    })
  }
  const rest = lines.filter(({ isPaired }) => !isPaired)
  findings.push(...rest.map((line) => judgeRest(line, { left, again, extent })))
  return findings.sort((a, b) => a.number - b.number)
}

/** These may tell of a line under the day on which it was announced. */
const REPORTS = new Set(['camt.052', 'camt.054', 'csv'])

/** Whether a source that tells days as they were booked told of it by a reference. */
const isSureOfDay = ({ line }: Known): boolean => line.names.some(({ toldBy }) => !REPORTS.has(toldBy))

/** Whether two lines say nothing by which they could be compared, but for their names. */
const saysLittle: May = ({ words: a }, { words: b }) =>
  contradiction(a, b) !== 'clear' &&
  (a.endToEndId === null || b.endToEndId === null) &&
  (a.numbers.length === 0 || b.numbers.length === 0) &&
  !isPartOf(a.concept, b.concept)

const endToEndKey = ({ words: { endToEndId } }: Told | Known): string[] =>
  endToEndId === null ? [] : [endToEndId]

const textKey = ({ words: { concept } }: Told | Known): string[] => (concept === '' ? [] : [concept])

/** Texts such as "Payment" are many lines': who paid is looked at first. */
const payersTextKey = ({ words: { concept, payer } }: Told | Known): string[] =>
  concept === '' || payer === null ? [] : [`${payer} ${concept}`]

const wordKeys =
  (keysOf: (words: ComparedWords) => string[]) =>
  ({ words }: Told | Known): string[] =>
    keysOf(words)

function judgeRest(
  told: Told,
  { left, again, extent }: { left: readonly Known[]; again: readonly Known[]; extent: Extent },
): Finding {
  const { number } = told.line
  // Its day is told whole elsewhere, and it is not there.
  if (extent === 'covered') return { number, is: 'doubt', reason: 'not_on_statement' }
  const isOther = (one: Known): boolean => told.isNamed && one.isNamed
  const isNew = left.every(
    (one) => one.isPaired || isOther(one) || contradiction(told.words, one.words) === 'clear',
  )
  if (!isNew) return { number, is: 'doubt', reason: 'other_words' }
  // Another reference is another line, unless the bank gives its lines others each time.
  const found = again.find(
    (one) =>
      (one.line.apart === 'alike' || !isOther(one)) && contradiction(told.words, one.words) !== 'clear',
  )
  if (!found) return { number, is: 'new' }
  return { number, is: 'doubt', reason: found.line.apart === 'batch' ? 'batch' : 'told_again' }
}
