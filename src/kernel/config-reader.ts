import { readFileSync } from 'node:fs'
import { parseDurationMs } from './clock.ts'
import { VARIABLES, type VariableName } from './config-variables.ts'

export type Environment = Record<string, string | undefined>

export interface ConfigProblem {
  variable: string
  /** What is wrong, as a sentence. */
  problem: string
  /** How to mend it, as a sentence. */
  mend: string
}

export interface ConfigReader {
  problems: ConfigProblem[]
  report(variable: VariableName, problem: string, mend: string): void
  /** The value as given, else the default; `undefined` where there is none. Blank counts as absent. */
  text(name: VariableName): string | undefined
  oneOf<Choice extends string>(name: VariableName, choices: readonly Choice[]): Choice
  integer(name: VariableName, bounds: { min: number; max: number }): number
  list(name: VariableName): string[]
  durationMs(name: VariableName): number
}

/** Reads single variables and collects what is wrong with them; a value that is wrong reads as its default. */
export function createConfigReader(env: Environment): ConfigReader {
  const problems: ConfigProblem[] = []
  const sandbox = (blankAsAbsent(env.MODE)?.toLowerCase() ?? 'sandbox') === 'sandbox'

  const report: ConfigReader['report'] = (variable, problem, mend) => {
    problems.push({ variable, problem, mend })
  }
  const defaultOf = (name: VariableName): string | undefined => {
    const variable = VARIABLES[name]
    return sandbox ? (variable.sandboxDefault ?? variable.default) : variable.default
  }
  const text = (name: VariableName): string | undefined =>
    blankAsAbsent(env[name]) ?? (VARIABLES[name].secret ? fromFile(name) : undefined) ?? defaultOf(name)

  const fromFile = (name: VariableName): string | undefined => {
    const path = blankAsAbsent(env[`${name}_FILE`])
    if (path === undefined) return undefined
    try {
      return blankAsAbsent(readFileSync(path, 'utf8'))
    } catch (error) {
      report(
        name,
        `${name}_FILE names ${path}, which can't be read (${(error as NodeJS.ErrnoException).code}).`,
        `Name a file that this user can read, or give ${name} itself.`,
      )
      return undefined
    }
  }
  const refuse = (name: VariableName, value: string, wanted: string): void => {
    const fallback = defaultOf(name)
    const mend = fallback ? `Set ${name}=${fallback}, or leave it out.` : `Correct ${name}.`
    report(name, `${name} is ${shown(name, value)}, but must be ${wanted}.`, mend)
  }

  return {
    problems,
    report,
    text,
    oneOf(name, choices) {
      const value = text(name) ?? ''
      const choice = choices.find((candidate) => candidate === value.toLowerCase())
      if (choice === undefined) refuse(name, value, `one of ${choices.join(', ')}`)
      return choice ?? choices[0]!
    },
    integer(name, { min, max }) {
      const value = text(name) ?? ''
      const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
      if (number >= min && number <= max) return number
      refuse(name, value, `a whole number from ${min} to ${max}`)
      return Number(defaultOf(name))
    },
    list(name) {
      const items = (text(name) ?? '').split(',').map((item) => item.trim())
      return items.filter((item) => item !== '')
    },
    durationMs(name) {
      const value = text(name) ?? ''
      const durationMs = parseDurationMs(value)
      if (durationMs) return durationMs
      refuse(name, value, 'a duration such as 45s, 30m, 12h or 3d')
      return parseDurationMs(defaultOf(name) ?? '') ?? 0
    },
  }
}

function blankAsAbsent(value: string | undefined): string | undefined {
  const trimmed = value?.trim()
  return trimmed ? trimmed : undefined
}

function shown(name: VariableName, value: string): string {
  return VARIABLES[name].secret ? 'set' : JSON.stringify(value)
}
