import { isInitial, nameWords, withoutUmlauts } from '../../users/identity/name-words.ts'
import { SHORT_FORMS, splitLegalForm, tellingWords } from '../holder-words.ts'
import { type CustomerName, isSamePerson } from '../same-person.ts'

/** How a payer's name stands to a customer's. */
export type NameAgreement =
  /** Every word is there, in whatever order. */
  | 'same'
  /** It is most likely the customer, though words are left out. */
  | 'fits'
  /** It is the customer if an initial is a given name's. */
  | 'initial'
  /** Somebody with a word of the name in common. */
  | 'relative'
  | 'other'
  /** The bank told no name, or the customer's is forgotten. */
  | 'unknown'

export function compareNames(customer: CustomerName | null, payer: PayerName): NameAgreement {
  if (customer === null || payer.words.length === 0) return 'unknown'
  const { all, telling: ours } = customerWords(customer)
  // Nearly all that is compared is the same, or has nothing in common.
  if (areAllOf(all, payer.plain)) return 'same'
  const theirs = payer.spelled
  // Most names that are compared have nothing in common; only a word that may be several joined ones needs a closer look.
  const isStrange = ours.every((word) => !theirs.has(word))
  if (isStrange && !(payer.mayBeJoined && ('company' in customer || mayBeginAlike(all, payer.plain))))
    return 'other'
  if (!isSamePerson(customer, payer.text)) return ours.some((word) => theirs.has(word)) ? 'relative' : 'other'
  if ('company' in customer) return 'same'
  if (ours.every((word) => theirs.has(word))) return 'same'
  const withoutInitials = payer.words.filter((word) => !isInitial(word))
  const stillSame = withoutInitials.length > 0 && isSamePerson(customer, withoutInitials.join(' '))
  return stillSame ? 'fits' : 'initial'
}

/** A payer's name, taken apart once for all customers that it is compared with. */
export interface PayerName {
  text: string
  words: readonly string[]
  /** As banks without umlauts write them. */
  plain: readonly string[]
  /** The same, without what banks shorten. */
  spelled: ReadonlySet<string>
  /** One of them is so long that it may be several. */
  mayBeJoined: boolean
}

export function readPayer(text: string): PayerName {
  const words = nameWords(text)
  const spelled = new Set(words.map(plainWord))
  const mayBeJoined = [...spelled].some(({ length }) => length >= JOINED)
  return { text, words, plain: words.map(withoutUmlauts), spelled, mayBeJoined }
}

interface CustomerWords {
  /** Of a person's whole name, as banks without umlauts write it; none of a company's. */
  all: readonly string[]
  telling: readonly string[]
}

/** They go with the names that they are of. */
const knownWords = new WeakMap<CustomerName, CustomerWords>()

function customerWords(customer: CustomerName): CustomerWords {
  const known = knownWords.get(customer)
  if (known) return known
  const whole = 'company' in customer ? '' : `${customer.given} ${customer.surnames ?? ''}`
  const words = { all: nameWords(whole).map(withoutUmlauts), telling: wordsOf(customer) }
  knownWords.set(customer, words)
  return words
}

/** Whether the words are the same, in whatever order. */
const areAllOf = (all: readonly string[], words: readonly string[]): boolean =>
  all.length === words.length &&
  all.every((word) => words.includes(word)) &&
  words.every((word) => all.includes(word))

/** A word that is several of the other name, joined, begins with the first of them; one that is cut, the other way. */
const mayBeginAlike = (some: readonly string[], others: readonly string[]): boolean =>
  some.some((one) => others.some((other) => one.startsWith(other) || other.startsWith(one)))

/** Whether `isSamePerson` says so of the same names: it was asked for this. */
export const provesPerson = (agreement: NameAgreement): boolean =>
  agreement === 'same' || agreement === 'fits' || agreement === 'initial'

/** So long a word may be two that the bank joined. */
const JOINED = 8

/** The words that tell one name from another, as banks without umlauts write them. */
function wordsOf(name: CustomerName): string[] {
  const text =
    'company' in name ? companyWords(name.company).join(' ') : `${name.given} ${name.surnames ?? ''}`
  return tellingWords(text)
    .filter(({ telling }) => telling)
    .map(({ word }) => withoutUmlauts(word))
}

const companyWords = (company: string): readonly string[] => splitLegalForm(nameWords(company)).name

const plainWord = (word: string): string => withoutUmlauts(SHORT_FORMS.get(word) ?? word)

/** What a name is looked for by: the whole of it, and each given name with each surname, so that a word may be missing. */
export interface NameKeys {
  whole: string
  pairs: string[]
}

/** Of a customer, whose surnames are known, mostly. */
export function keysOfCustomer(name: CustomerName): NameKeys {
  const all = wordsOf(name)
  if ('company' in name) return { whole: wholeOf(all), pairs: companyPairs(all) }
  const given = wordsOf({ given: name.given, surnames: null })
  const surnames = name.surnames === null ? all : wordsOf({ given: name.surnames, surnames: null })
  const others = name.surnames === null ? all : given
  return { whole: wholeOf(all), pairs: pairsOf(others, surnames) }
}

/** Of a payer: any two words may be a given name and a surname. */
export function keysOfPayer(payer: string): NameKeys {
  const telling = tellingWords(companyWords(payer).join(' ')).filter((one) => one.telling)
  const words = telling.map(({ word }) => plainWord(word)).slice(0, MOST_WORDS)
  return { whole: wholeOf(words), pairs: [...new Set([...companyPairs(words), ...pairsOf(words, words)])] }
}

const MOST_WORDS = 7

/** A company is known by its first words, or by its only one. */
const companyPairs = (words: readonly string[]): string[] =>
  words.length === 0 ? [] : [wholeOf(words.slice(0, 2))]

function pairsOf(some: readonly string[], others: readonly string[]): string[] {
  const pairs = some.flatMap((one) =>
    others.filter((other) => other !== one).map((other) => wholeOf([one, other])),
  )
  return [...new Set(pairs)]
}

const wholeOf = (words: readonly string[]): string => [...new Set(words)].sort().join(' ')
