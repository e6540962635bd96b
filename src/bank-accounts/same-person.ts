import { areSameWords, isInitial, nameWords, withoutUmlauts } from '../users/identity/name-words.ts'
import {
  betweenHolders,
  HONORIFICS,
  mayBeCut,
  PARTICLES,
  SHORT_FORMS,
  splitLegalForm,
  tellingWords,
} from './holder-words.ts'

/** A customer by name; `surnames` is null when nobody told which words they are. */
export type CustomerName = { given: string; surnames: string | null } | { company: string }

/**
 * Whether a transfer's payer is most likely the customer. Banks write names in capitals, without accents, last names
 * first, joined, shortened, or cut off; they leave out second names. So the payer's name must hold all of the
 * customer's, or the customer's all of the payer's, with a given name and a surname in common: two names that each have
 * a word of their own are a brother's and a sister's. Particles such as DE LA never count. A company's name must be the
 * same, but for its legal form when that is left out. In doubt it is not: then a person looks.
 */
export function isSamePerson(customer: CustomerName, payer: string): boolean {
  if ('company' in customer) return isSameCompany(customer.company, payer)
  const { whole, words } = readCustomer(customer)
  const theirs = readHolder(payer)
  if (areSameWords(words, theirs)) return true
  // Names of nothing that is a word.
  if (words.length === 0 && whole !== '' && plainText(whole) === plainText(payer)) return true
  return jointHolders(payer).some((holder) => isSameHolder(customer, holder))
}

interface ReadCustomer {
  whole: string
  words: readonly string[]
  parts: readonly Omit<Part, 'match'>[]
}

/** Customers are compared with many payers; what was read goes with their names. */
const customers = new WeakMap<CustomerName, ReadCustomer>()

function readCustomer(customer: { given: string; surnames: string | null }): ReadCustomer {
  const known = customers.get(customer)
  if (known) return known
  const { given, surnames } = customer
  const whole = [given, surnames ?? ''].join(' ').trim()
  const partsOf = (text: string, role: Part['role']) =>
    tellingWords(text).map(({ word, telling }) => ({ word: withoutUmlauts(word), role, telling }))
  const read = {
    whole,
    words: nameWords(whole).map(withoutUmlauts),
    parts: [...partsOf(given, 'given'), ...partsOf(surnames ?? '', 'surname')],
  }
  customers.set(customer, read)
  return read
}

/** The payer that was read last: many customers are compared with one, one after the other. */
let last: { payer: string; words: readonly string[] } = { payer: '', words: [] }

function readHolder(payer: string): readonly string[] {
  if (last.payer !== payer) last = { payer, words: nameWords(payer).map(withoutUmlauts) }
  return last.words
}

const plainText = (text: string): string =>
  text.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toUpperCase()

const JOINT = betweenHolders('AND|UND')

/** The payer as a whole, and each one of an account that several people hold. */
function jointHolders(payer: string): string[] {
  const each = payer.split(JOINT)
  return each.length === 1 ? each : [payer, ...each]
}

type Match = 'full' | 'initial'

interface Part {
  word: string
  role: 'given' | 'surname'
  telling: boolean
  match?: Match
}

interface Token {
  word: string
  /** The last word of a text that fills the bank's field. */
  cut: boolean
  used: boolean
}

function isSameHolder(customer: { given: string; surnames: string | null }, payer: string): boolean {
  const parts: Part[] = readCustomer(customer).parts.map((part) => ({ ...part }))
  const words = readHolder(payer)
  const isCut = mayBeCut(payer)
  const tokens = words.map((word, at) => ({ word, cut: isCut && at === words.length - 1, used: false }))
  matchFull(parts, tokens)
  matchJoined(parts, tokens)
  matchShortened(parts, tokens)
  matchInitials(parts, tokens)
  return judge(parts, tokens, customer.surnames !== null)
}

function judge(parts: readonly Part[], tokens: readonly Token[], knowsSurnames: boolean): boolean {
  const strange = tokens.filter(({ used }) => !used).map(({ word }) => word)
  // Whoever trades under the customer's name as a company is another one before the law.
  if (splitLegalForm(['', ...strange]).form !== undefined) return false
  const extra = strange.filter((word) => !PARTICLES.has(word) && !HONORIFICS.has(word))
  const telling = parts.filter((part) => part.telling)
  const isMissing = telling.some(({ match }) => match === undefined)
  const has = (role: Part['role'], how: Match) =>
    telling.some((part) => part.role === role && part.match === how)
  if (!knowsSurnames) {
    const common = telling.filter(({ match }) => match === 'full').length
    return common >= 2 && (!isMissing || extra.length === 0)
  }
  if (!has('surname', 'full')) return false
  if (has('given', 'full')) return !isMissing || extra.length === 0
  // An initial says little: it stands for a given name only beside all surnames, and nobody else's.
  const surnames = telling.filter(({ role }) => role === 'surname')
  return has('given', 'initial') && surnames.every(({ match }) => match === 'full') && extra.every(isInitial)
}

/** Words that are the same; those of the customer that tell something come first. */
function matchFull(parts: readonly Part[], tokens: readonly Token[]): void {
  for (const part of [...parts].sort((a, b) => Number(b.telling) - Number(a.telling))) {
    const token = tokens.find(({ used, word }) => !used && word === part.word)
    if (token) pair([part], [token], 'full')
  }
}

/** Words that stand joined in one name and apart in the other: `DELATORRE`, `MARIAJOSE`, `MC DONALD`, `王伟`. */
function matchJoined(parts: readonly Part[], tokens: readonly Token[]): void {
  const ofRole = (role: Part['role']) => parts.filter((part) => part.role === role)
  if (tokens.some((token) => !token.used && mayJoin(parts, token))) {
    const orders = [parts, [...ofRole('surname'), ...ofRole('given')]]
    const runs = orders.flatMap((order) => runsOf(order).map((run) => ({ run, word: joinedWord(run) })))
    for (const token of tokens) {
      const found = runs.find(({ run, word }) => word === token.word && isFree(run, token))
      if (found) pair(found.run, [token], 'full')
    }
  }
  if (!parts.some((part) => part.match === undefined && mayJoin(tokens, part))) return
  const runs = runsOf(tokens).map((run) => ({ run, word: joinedWord(run) }))
  for (const part of parts) {
    const found = runs.find(
      ({ run, word }) => part.match === undefined && word === part.word && run.every(({ used }) => !used),
    )
    if (found) pair([part], found.run, 'full')
  }
}

/** What is several words joined begins with the first of them. */
const mayJoin = (some: readonly { word: string }[], { word }: { word: string }): boolean =>
  some.some((one) => one.word.length < word.length && word.startsWith(one.word))

/** A word that holds particles may be taken again: only they were matched before, in another place. */
const isFree = (run: readonly Part[], token: Token): boolean =>
  !token.used && run.every(({ match, telling }) => match === undefined || !telling)

const joinedWord = (run: readonly { word: string }[]): string => run.map(({ word }) => word).join('')

const LONGEST_RUN = 4

/** All that stands side by side, two to four of them. */
function runsOf<T>(all: readonly T[]): T[][] {
  return all.flatMap((_, from) =>
    Array.from({ length: Math.min(LONGEST_RUN, all.length - from) - 1 }, (_none, more) =>
      all.slice(from, from + more + 2),
    ).filter((run) => run.length > 1),
  )
}

/** A cut word proves as much as it shows: less than this is no more than an initial. */
const TELLING_CUT = 4

function matchShortened(parts: readonly Part[], tokens: readonly Token[]): void {
  for (const token of tokens.filter(({ used }) => !used)) {
    const part = parts.find(
      ({ match, telling, word }) =>
        match === undefined &&
        telling &&
        (SHORT_FORMS.get(token.word) === word || (token.cut && word.startsWith(token.word))),
    )
    if (part) pair([part], [token], token.cut && token.word.length < TELLING_CUT ? 'initial' : 'full')
  }
}

/** A letter for a word on either side; given names first. */
function matchInitials(parts: readonly Part[], tokens: readonly Token[]): void {
  for (const part of parts.filter(({ match, telling }) => match === undefined && telling)) {
    const token = tokens.find(
      ({ used, word }) => !used && word[0] === part.word[0] && (isInitial(word) || isInitial(part.word)),
    )
    if (token) pair([part], [token], 'initial')
  }
}

function pair(parts: readonly Part[], tokens: readonly Token[], match: Match): void {
  for (const part of parts) part.match = match
  for (const token of tokens) token.used = true
}

/** A word more makes another company, and so does another legal form. */
function isSameCompany(company: string, payer: string): boolean {
  if (company.trim() !== '' && plainText(company) === plainText(payer)) return true
  const [ours, theirs] = [splitLegalForm(nameWords(company)), splitLegalForm(nameWords(payer))]
  const [name, other] = [ours, theirs].map((one) =>
    one.name
      .filter((word) => !PARTICLES.has(word) && word !== 'AND' && word !== 'UND')
      .map(withoutUmlauts)
      .join(''),
  ) as [string, string]
  if (name === '' || other === '') return false
  if (ours.form !== undefined && theirs.form !== undefined && ours.form !== theirs.form) return false
  return name === other || (mayBeCut(payer) && name.startsWith(other))
}
