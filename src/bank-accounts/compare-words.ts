import { mayBeOnePayer, readToldPayer, type ToldPayer } from './same-payer.ts'

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

/** The words of a line as they are compared. Each is made once: a line is compared with thousands. */
export interface ComparedWords {
  endToEndId: string | null
  payer: string | null
  /** See `compact`. */
  concept: string
  /** Reference numbers of the text. */
  numbers: readonly string[]
  name(): string
  nameWords(): readonly string[]
  toldPayer(): ToldPayer
}

export function comparedWords({ endToEndId, payer, concept, name }: LineWords): ComparedWords {
  let told: { name: string; words: string[]; payer: ToldPayer } | undefined
  const named = () => {
    if (told === undefined) {
      const text = name()
      told = { name: compact(text), words: wordsIn(text), payer: readToldPayer(text) }
    }
    return told
  }
  return {
    endToEndId,
    payer,
    concept: compact(concept),
    numbers: numbersIn(concept),
    name: () => named().name,
    nameWords: () => named().words,
    toldPayer: () => named().payer,
  }
}

/** Keys of which two lines have one in common that resemble each other, but for texts that are parts of others. */
export const resemblanceKeys = ({ payer, numbers, name }: ComparedWords): string[] => [
  ...(payer === null ? [] : [`payer ${payer}`]),
  ...numbers.map((number) => `number ${number}`),
  ...(name() === '' ? [] : [`name ${name()}`]),
]

/** Short texts are part of many others. */
const LEAST_PART = 6

/** Whether one of two texts, as they are compared, is the other or a part of it. */
export function isPartOf(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  return short !== '' && (short === long || (short.length >= LEAST_PART && long.includes(short)))
}

/** Whether one text is most likely the other: the same, a part of it, or with a number of it. */
export function areTextsAlike(a: string, b: string): boolean {
  if (isPartOf(compact(a), compact(b))) return true
  const numbers = new Set(numbersIn(a))
  return numbersIn(b).some((number) => numbers.has(number))
}

/** `clear`: these are two lines. `maybe`: they say different things, which one bank may yet say of one line. */
export function contradiction(a: ComparedWords, b: ComparedWords): 'clear' | 'maybe' | 'none' {
  if (a.payer !== null && b.payer !== null && a.payer !== b.payer) return 'clear'
  if (a.endToEndId !== null && b.endToEndId !== null && !isCutFrom(a.endToEndId, b.endToEndId)) return 'clear'
  const numbersDiffer = areApart(a.numbers, b.numbers)
  const namesDiffer = areApart(a.nameWords(), b.nameWords())
  if (numbersDiffer && namesDiffer) return 'clear'
  return numbersDiffer || namesDiffer ? 'maybe' : 'none'
}

/** Whether they name two people, of whom neither can be the other: then they are never one line by what else they say. */
export const areOthers = (a: ComparedWords, b: ComparedWords): boolean =>
  !mayBeOnePayer(a.toldPayer(), b.toldPayer())

/** Keys of one text and one payer: the whole name, in whatever order its words stand. */
export const namedTextKeys = ({ concept, toldPayer }: ComparedWords): string[] =>
  concept === '' ? [] : toldPayer().map(({ words }) => `${words.toSorted().join(' ')} ${concept}`)

/** Keys of one text and a word of the payer's name. */
export const nameWordKeys = ({ concept, toldPayer }: ComparedWords): string[] =>
  concept === '' ? [] : toldPayer().flatMap(({ words }) => words.map((word) => `${word} ${concept}`))

/** Whether one of two references is the other, or the beginning of it. */
export const isCutFrom = (a: string, b: string): boolean => {
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
