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

export function compareNames(customer: CustomerName | null, payer: string): NameAgreement {
  if (customer === null || nameWords(payer).length === 0) return 'unknown'
  const [ours, theirs] = [wordsOf(customer), new Set(plainWords(payer))]
  if (!isSamePerson(customer, payer)) return ours.some((word) => theirs.has(word)) ? 'relative' : 'other'
  if ('company' in customer) return 'same'
  if (ours.every((word) => theirs.has(word))) return 'same'
  const withoutInitials = nameWords(payer).filter((word) => !isInitial(word))
  const stillSame = withoutInitials.length > 0 && isSamePerson(customer, withoutInitials.join(' '))
  return stillSame ? 'fits' : 'initial'
}

/** The words that tell one name from another, as banks without umlauts write them. */
function wordsOf(name: CustomerName): string[] {
  const text =
    'company' in name ? companyWords(name.company).join(' ') : `${name.given} ${name.surnames ?? ''}`
  return tellingWords(text)
    .filter(({ telling }) => telling)
    .map(({ word }) => withoutUmlauts(word))
}

const companyWords = (company: string): readonly string[] => splitLegalForm(nameWords(company)).name

const plainWords = (payer: string): string[] =>
  nameWords(payer).map((word) => withoutUmlauts(SHORT_FORMS.get(word) ?? word))

/** What a customer is looked for by: a payer that is the customer has at least one of the words, mostly. */
export function searchWordsOf(name: CustomerName): { words: string[]; whole: string } {
  const all = wordsOf(name)
  if ('company' in name) return { words: all.slice(0, 2), whole: wholeOf(all) }
  const surnames = tellingWords(name.surnames ?? '').filter(({ telling }) => telling)
  const words = name.surnames === null ? all : surnames.map(({ word }) => withoutUmlauts(word))
  return { words: [...new Set(words)], whole: wholeOf(all) }
}

/** The same of a payer, whose surnames nobody told. */
export function searchWordsOfPayer(payer: string): { words: string[]; whole: string } {
  const telling = tellingWords(companyWords(payer).join(' ')).filter((one) => one.telling)
  const words = telling.map(({ word }) => withoutUmlauts(SHORT_FORMS.get(word) ?? word))
  return { words: [...new Set(words)], whole: wholeOf(words) }
}

const wholeOf = (words: readonly string[]): string => [...new Set(words)].sort().join(' ')
