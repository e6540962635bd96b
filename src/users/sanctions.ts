import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names that nobody may do business with, and where they come from. */
export interface SanctionsList {
  name: string
  /** The entry that a person's name resembles, for a person to look at: a resemblance proves nothing. */
  find(fullName: string): string | undefined
}

/**
 * Reads a list: JSON `{name, people: [text]}`. Without a path it is the sample that comes with the program, whose
 * names are invented.
 */
export function readSanctionsList(path = join(import.meta.dirname, 'sanctions-sample.json')): SanctionsList {
  const { name, people } = JSON.parse(readFileSync(path, 'utf8')) as { name: string; people: string[] }
  if (typeof name !== 'string' || !Array.isArray(people)) throw new Error(`${path} is no list of names.`)
  return createSanctionsList(name, people)
}

export function createSanctionsList(name: string, people: readonly string[]): SanctionsList {
  const entries = people.map((entry) => ({ entry, words: wordsOf(entry) }))
  return {
    name,
    find(fullName) {
      const words = wordsOf(fullName)
      return entries.find((known) => known.words.length >= 2 && resembles(known.words, words))?.entry
    },
  }
}

/** Plain lower-case words, in any order: accents, case and hyphens differ from list to list. */
function wordsOf(name: string): string[] {
  const plain = name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
  return plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 1)
}

/** Whether every word of the listed name is among the person's, a letter more or less forgiven in longer words. */
function resembles(listed: string[], words: string[]): boolean {
  return listed.every((one) =>
    words.some((word) => word === one || (one.length >= 5 && isOneEditAway(one, word))),
  )
}

function isOneEditAway(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start += 1
  const [restA, restB] = [a.slice(start), b.slice(start)]
  return restA.slice(1) === restB.slice(1) || restA === restB.slice(1) || restA.slice(1) === restB
}
