import { paint, seconds } from '../../scripts/progress.mjs'
import type { Config } from '../kernel/config.ts'
import { SANDBOX_INTEGRATIONS } from '../sandbox/seed.ts'

export interface ReadyFacts {
  config: Config
  url: string
  readyInMs: number
  /** Where the database is, when it is ours. */
  databaseFolder: string | undefined
  /** Whether this start made the database; later ones are much faster. */
  first: boolean
  logFile: string
}

/** What a person needs when the sandbox has started: where it is, who to be, what to try. */
export function readyText({ config, url, readyInMs, databaseFolder, first, logFile }: ReadyFacts): string {
  const bold = (text: string): string => paint('1', text, process.stdout)
  const dim = (text: string): string => paint('2', text, process.stdout)
  const [one, another] = SANDBOX_INTEGRATIONS
  const title = `${paint('32', '✓', process.stdout)} ${bold('CryptoPocket sandbox')} is ready at ${bold(url)} `
  const time = `in ${seconds(readyInMs)}${first ? '; the next start is faster' : ''}`
  const row = (name: string, text: string): string => `  ${dim(name.padEnd(12))}${text}`
  const body = JSON.stringify({ api_key: one.apiKey, api_secret: one.apiSecret })
  const lines = ['', `${title}${dim(time)}`, '']
  if (config.role === 'worker')
    lines[1] = `${paint('32', '✓', process.stdout)} ${bold('Worker')} is ready ${dim(time)}`
  lines.push(
    row('api_key', `${bold(one.apiKey)}     ${dim('another:')} ${another.apiKey}`),
    row('api_secret', `${bold(one.apiSecret)}  ${dim('another:')} ${another.apiSecret}`),
    row('Reference', `${url}/docs`),
    row(
      'Data',
      databaseFolder?.startsWith(config.dataDir)
        ? config.dataDir
        : `${config.dataDir}${databaseFolder ? `, database in ${databaseFolder}` : ''}`,
    ),
    row('Log', logFile),
    '',
    '  Try next:',
    '',
    `    curl ${url}/api/authenticate -H 'content-type: application/json' -d '${body}'`,
    `    ${environmentOf(config, 'PORT')}npm run demo            ${dim('# a whole purchase, step by step')}`,
    `    ${environmentOf(config, 'PORT')}npm run demo -- sell    ${dim('# a whole sale, likewise')}`,
    `    ${environmentOf(config, 'DATA_DIR', 'DATABASE_URL')}npm run cli -- --help   ${dim("# the operator's commands")}`,
    '',
    dim('  Ctrl-C stops it; what happened is kept.'),
    '',
  )
  if (!isLoopback(config.host)) {
    lines.push(
      paint(
        '33',
        '  The sandbox is open to the network, and its credentials are public. Nothing real belongs in it.',
        process.stdout,
      ),
      '',
    )
  }
  return lines.join('\n')
}

/** What the commands beside must be told where it isn't the default: the demo an address, the operator's commands the data. */
function environmentOf(config: Config, ...names: ('PORT' | 'DATA_DIR' | 'DATABASE_URL')[]): string {
  const values = { PORT: String(config.port), DATA_DIR: process.env.DATA_DIR, DATABASE_URL: '…' }
  return names.map((name) => (process.env[name] ? `${name}=${values[name]} ` : '')).join('')
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
