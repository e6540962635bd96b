import { areSameWords, isInitial, nameWords, withoutUmlauts } from '../users/identity/name-words.ts'
import { betweenHolders, HONORIFICS, PARTICLES, SHORT_FORMS, splitLegalForm } from './holder-words.ts'

/** What banks put where a name must stand and none is known. */
const NO_NAME = new Set(['NOTPROVIDED', 'UNKNOWN'])

/** Whether a text says who paid. */
export const isNamed = (name: string): boolean => {
  const words = nameWords(name)
  return /\p{L}/u.test(name) && !NO_NAME.has(words.join(''))
}

/** Who paid as one source names them, taken apart once: one, or each of several holders. None: nobody is named. */
export type ToldPayer = readonly Holder[]

interface Holder {
  /** All words, joined. */
  joined: string
  all: readonly string[]
  /** Without particles, honorifics and legal form; short forms are written out. */
  words: readonly string[]
  form: string | undefined
}

export function readToldPayer(name: string): ToldPayer {
  if (!isNamed(name)) return []
  const each = name.split(JOINT).map(holderOf)
  // One word is half of a name such as Ortega y Gasset, or what is left of the second holder's.
  const areWhole = each.every(({ words }) => words.length > 1)
  return areWhole ? each : [holderOf(name), ...each.filter(({ words }) => words.length > 1)]
}

const JOINT = betweenHolders('Y|AND|UND')

function holderOf(text: string): Holder {
  const { name, form } = splitLegalForm(nameWords(text))
  const telling = name.filter((word) => !PARTICLES.has(word) && !HONORIFICS.has(word))
  const words = (telling.length > 0 ? telling : name).map((word) =>
    withoutUmlauts(SHORT_FORMS.get(word) ?? word),
  )
  const all = name.map(withoutUmlauts)
  return { joined: all.join(''), all, words, form }
}

/**
 * Whether two sources may name one payer. Banks shorten names, cut them off, turn them round, join them and leave words or
 * holders out; two that each have a word of their own are two people's. Who is not named may be anybody.
 */
export const mayBeOnePayer = (one: ToldPayer, other: ToldPayer): boolean =>
  one.length === 0 || other.length === 0 || one.some((a) => other.some((b) => mayBeOneHolder(a, b)))

function mayBeOneHolder(a: Holder, b: Holder): boolean {
  if (a.form !== undefined && b.form !== undefined && a.form !== b.form) return false
  if (a.joined === b.joined || isCutOff(a, b) || isCutOff(b, a)) return true
  if (areWithin(a.words, b) || areWithin(b.words, a)) return true
  return a.joined.length === b.joined.length && areSameWords(a.all, b.all)
}

/** A field that a name doesn't fit into holds more than one word of it. */
const isCutOff = (short: Holder, long: Holder): boolean =>
  short.all.length > 1 && long.joined.startsWith(short.joined)

/** Beside so many words that are the same the last one may be cut. */
const WORDS_BESIDE_CUT = 2

/** Whether each word is one of the holder's: the same, two joined, an initial for it, or what a full field left of the last. */
function areWithin(words: readonly string[], { words: theirs, all }: Holder): boolean {
  const free = [...theirs]
  const take = (at: number): boolean => at >= 0 && free.splice(at, 1).length > 0
  const strange = words.filter((word) => !take(free.indexOf(word)))
  const last = words.length - strange.length >= WORDS_BESIDE_CUT ? words.at(-1) : undefined
  return strange.every(
    (word) =>
      take(free.findIndex((one) => one[0] === word[0] && (isInitial(word) || isInitial(one)))) ||
      (word === last && take(free.findIndex((one) => one.startsWith(word)))) ||
      isJoined(word, all),
  )
}

/** Whether a word is two or more that stand side by side: `DELATORRE`, `MARIAJOSE`. */
const isJoined = (word: string, all: readonly string[]): boolean =>
  all.some((first, at) => {
    if (!word.startsWith(first)) return false
    let joined = first
    for (const next of all.slice(at + 1)) {
      joined += next
      if (joined.length >= word.length) break
    }
    return joined === word
  })
