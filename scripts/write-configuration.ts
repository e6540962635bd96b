import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { VARIABLES } from '../src/kernel/config-variables.ts'

const FILE = join(import.meta.dirname, '../docs/configuration.md')

interface Described {
  group: string
  meaning: string
  default?: string
  sandboxDefault?: string
  secret?: boolean
}

/** The page of every variable, from the table that the program reads. */
export function configurationPage(): string {
  const lines = [
    '# Configuration',
    '',
    'Every setting is an environment variable; none is needed for the sandbox. Durations are written like `90d`, `24h`, `10m`,',
    '`45s`. A secret can also be given as a file: `NAME_FILE=/run/secrets/name`. What is wrong is named at the start, all of it at',
    'once, with how to mend it.',
    '',
    'This page is written by `node scripts/write-configuration.ts` from the table that the program reads.',
  ]
  let group = ''
  for (const [name, variable] of Object.entries<Described>(VARIABLES)) {
    if (variable.group !== group)
      lines.push('', `## ${variable.group}`, '', '| Variable | Default | Meaning |', '|---|---|---|')
    group = variable.group
    lines.push(
      `| \`${name}\` | ${defaultText(variable)} | ${variable.meaning.replaceAll('|', '\\|')}${variable.secret ? ' Secret.' : ''} |`,
    )
  }
  return `${lines.join('\n')}\n`
}

function defaultText({ default: value, sandboxDefault }: Described): string {
  if (value === undefined && sandboxDefault === undefined) return ''
  const plain = value === undefined ? 'none' : `\`${value}\``
  return sandboxDefault === undefined ? plain : `${plain}; sandbox \`${sandboxDefault}\``
}

if (import.meta.main) writeFileSync(FILE, configurationPage())
