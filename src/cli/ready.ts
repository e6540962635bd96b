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
    `    ${environmentOf(config)}npm run demo            ${dim('# a whole purchase, step by step')}`,
    `    ${environmentOf(config)}npm run cli -- --help   ${dim("# the operator's commands")}`,
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

/** What the commands beside must be told, when it isn't the default. */
function environmentOf(config: Config): string {
  const { PORT, DATA_DIR } = process.env
  const port = PORT && config.port !== 8080 ? `PORT=${config.port} ` : ''
  return `${port}${DATA_DIR ? `DATA_DIR=${DATA_DIR} ` : ''}`
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
