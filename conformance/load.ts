import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Preparation, Section } from './model.ts'

const FOLDER = join(import.meta.dirname, 'cases')
const PREPARATIONS = 'preparations.json'

/** The sections in the order of their files' names; those that move the clock last. */
export function loadSections(): Section[] {
  const sections = readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json') && file !== PREPARATIONS)
    .sort()
    .map((file) => readJson<Section>(file))
  const ids = sections.flatMap(({ cases }) => cases.map(({ id }) => id))
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new Error(`Two cases have the id ${twice}.`)
  return [...sections.filter(({ last }) => !last), ...sections.filter(({ last }) => last)]
}

/** What cases stand on, by name. */
export const loadPreparations = (): Record<string, Preparation> => readJson(PREPARATIONS)

function readJson<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))
  } catch (error) {
    throw new Error(`conformance/cases/${file} is not readable: ${(error as Error).message}`)
  }
}

/** The sections with only those cases whose section, id or title has one of the words; all without words. */
export function choose(sections: readonly Section[], words: readonly string[]): Section[] {
  return sections
    .map((section) => ({
      ...section,
      cases: section.cases.filter(({ id, title }) => {
        const text = `${section.section} ${id} ${title}`.toLowerCase()
        return words.length === 0 || words.some((word) => text.includes(word))
      }),
    }))
    .filter(({ cases }) => cases.length > 0)
}
