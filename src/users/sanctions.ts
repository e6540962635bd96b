import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { areSameWords, isInitial, nameWords } from './identity/name-words.ts'

/** Names that nobody may do business with, and where they come from. */
export interface SanctionsList {
  name: string
  /** The entry that a person's name resembles, for a person to look at: a resemblance proves nothing. */
  find(fullName: string): string | undefined
}

/**
 * Reads a list: JSON `{name, people: [text]}`. Without a path it is the sample that comes with the program, whose
 * names are invented. Throws for entries that no name could ever be like.
 */
export function readSanctionsList(path = join(import.meta.dirname, 'sanctions-sample.json')): SanctionsList {
  const { name, people } = JSON.parse(readFileSync(path, 'utf8')) as { name: string; people: string[] }
  if (typeof name !== 'string' || !Array.isArray(people)) throw new Error(`${path} is no list of names.`)
  const idle = people.flatMap((entry, at) =>
    typeof entry === 'string' && nameWords(entry).length > 0 ? [] : [`${at + 1} (${JSON.stringify(entry)})`],
  )
  if (idle.length > 0) {
    throw new Error(`${path} has entries without a letter, which would never be found: ${idle.join(', ')}.`)
  }
  return createSanctionsList(name, people)
}

export function createSanctionsList(name: string, people: readonly string[]): SanctionsList {
  const entries = people.map((entry) => ({ entry, words: nameWords(entry) }))
  return {
    name,
    find(fullName) {
      const words = nameWords(fullName)
      return entries.find((known) => areSameWords(known.words, words) || resembles(known.words, words))?.entry
    },
  }
}

/**
 * Whether every word of the listed name is among the person's, a letter more or less forgiven in longer words. A name
 * of one word is like another such name only: within a longer one it is most often somebody else's.
 */
function resembles(listed: readonly string[], words: readonly string[]): boolean {
  if (listed.length === 0 || (listed.length === 1 && words.length > 1)) return false
  const known = [...words, ...pairsOf(words)]
  const startsKnown = listed.some((one) => one.length > 1)
  return listed.every((one, at) => {
    const neighbours = [one + (listed[at + 1] ?? ''), (listed[at - 1] ?? '') + one]
    return known.some(
      (word) =>
        word === one ||
        neighbours.includes(word) ||
        (one.length >= 5 && isOneEditAway(one, word)) ||
        (startsKnown && isInitial(one) && word.startsWith(one)),
    )
  })
}

/** Neighbouring words joined, as `O BRIEN` for `O'BRIEN`. */
const pairsOf = (words: readonly string[]): string[] =>
  words.slice(1).map((word, at) => (words[at] as string) + word)

function isOneEditAway(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start += 1
  const [restA, restB] = [a.slice(start), b.slice(start)]
  return restA.slice(1) === restB.slice(1) || restA === restB.slice(1) || restA.slice(1) === restB
}
