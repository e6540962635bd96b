import { closeSync, openSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Pair } from './client.ts'

export const HELP = `Tries the partner API contract against any server, as an integrator's program would.

  npm run conformance -- --base-url http://127.0.0.1:8080

  --base-url <url>        the server, with or without /api at the end
  --api-key <key>         the key pair; the public one of the sandbox unless told
  --api-secret <secret>
  --second-key <key>      another integration's pair, to try that neither sees what is the other's;
  --second-secret <s>     the sandbox's second one unless a first one is told
  --only <words>          only cases whose section, name or title has one of the words (may be repeated)
  --junit <file>          writes the results as JUnit XML
  --html <file>           writes the results as one HTML file that needs nothing else
  --receiver-url <url>    how the server reaches the kit's webhook receiver, when it is not on this machine
  --receiver-port <port>  where the receiver listens (a free port)
  --list                  shows the cases, tries nothing
  -h, --help              this

Secrets may come from the environment instead: API_KEY, API_SECRET, SECOND_KEY, SECOND_SECRET.
The server should be a sandbox: there the kit also verifies customers, pays and moves the clock (by some days).
It makes customers and payments of its own, and puts the webhook subscriptions back that it found.
Ends with 0 when nothing failed, with 1 otherwise. NO_COLOR and FORCE_COLOR are respected.`

export interface Options {
  baseUrl: string
  first: Pair
  /** Undefined: what concerns two integrations is skipped. */
  second: Pair | undefined
  only: readonly string[]
  junit: string | undefined
  html: string | undefined
  receiverUrl: string | undefined
  receiverPort: number
  list: boolean
  help: boolean
}

/** A mistake in the command line, with a text for people. */
export class BadOption extends Error {}

export function readOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Options {
  const { values, positionals } = parse(argv)
  const apiKey = values['api-key'] ?? env.API_KEY
  const apiSecret = values['api-secret'] ?? env.API_SECRET
  const first = readPair('api', apiKey, apiSecret)
  const second = readPair(
    'second',
    values['second-key'] ?? env.SECOND_KEY,
    values['second-secret'] ?? env.SECOND_SECRET,
  )
  const port = Number(values['receiver-port'] ?? 0)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new BadOption('--receiver-port must be a port, 0 to 65535.')
  }
  return {
    baseUrl: readUrl('base-url', values['base-url'], values.list === true || values.help === true),
    first: first ?? { apiKey: 'sandbox-key', apiSecret: 'sandbox-secret' },
    second: second ?? (first ? undefined : { apiKey: 'sandbox-key-2', apiSecret: 'sandbox-secret-2' }),
    only: [...(values.only ?? []), ...positionals].flatMap((words) => words.toLowerCase().split(/[\s,]+/)),
    junit: values.junit,
    html: values.html,
    receiverUrl: values['receiver-url'] && readUrl('receiver-url', values['receiver-url'], false),
    receiverPort: port,
    list: values.list === true,
    help: values.help === true,
  }
}

/** Throws `BadOption` when a report could not be written, so that it is told before the run and not after it. */
export function checkReports({ junit, html }: Pick<Options, 'junit' | 'html'>): void {
  for (const [name, file] of Object.entries({ junit, html })) {
    if (file === undefined) continue
    try {
      closeSync(openSync(file, 'a'))
    } catch (error) {
      throw new BadOption(`--${name} can't be written: ${(error as Error).message}.`)
    }
  }
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        'base-url': text,
        'api-key': text,
        'api-secret': text,
        'second-key': text,
        'second-secret': text,
        only: { type: 'string', multiple: true },
        junit: text,
        html: text,
        'receiver-url': text,
        'receiver-port': text,
        list: flag,
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new BadOption((error as Error).message)
  }
}

function readPair(name: string, apiKey: string | undefined, apiSecret: string | undefined): Pair | undefined {
  if (apiKey === undefined && apiSecret === undefined) return undefined
  if (apiKey && apiSecret) return { apiKey, apiSecret }
  throw new BadOption(`--${name}-key and --${name}-secret belong together: give both.`)
}

function readUrl(name: string, text: string | undefined, isOptional: boolean): string {
  if (text === undefined && isOptional) return ''
  if (text === undefined)
    throw new BadOption(`--${name} is missing: the server to try, such as http://127.0.0.1:8080.`)
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new BadOption(`--${name} must be a complete http(s) address, not ${text}.`)
  }
  return text.replace(/\/+$/, '').replace(/\/api$/, '')
}
