import { mkdirSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { destination, type Logger } from 'pino'
import { paint, withProgress } from '../../scripts/progress.mjs'
import { createApp, type RunningApp } from '../app.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../db/embedded.ts'
import { type Config, describeVariables, loadConfig } from '../kernel/config.ts'
import { createLog, rotatingFile } from '../kernel/log.ts'
import { readyText } from './ready.ts'
import { databaseFailure, explainFailure, listenFailure, StartFailure } from './start-failure.ts'

const HELP = `Starts the program: npm start

Without any setting it is a sandbox on http://127.0.0.1:8080 that keeps its data in ./.data and simulates the
outside world. It is set by environment variables; in square brackets their defaults. A secret may also be given
as NAME_FILE, the path of a file that holds it.

${describeVariables()}

More processes on one database: ROLE=worker DATABASE_URL=… npm start`

/** How long a stop waits for requests and steps that run before it ends all the same; they are taken up at the next start. */
const STOP_LIMIT_MS = 30_000

let logFile: string | undefined
/** What kept the program from starting is told at its end, once. */
let terminalOpen = true

/** From the command line to a program that runs, or to a paragraph that says why not. */
export async function runProgram(): Promise<void> {
  try {
    await start(process.argv.slice(2))
  } catch (error) {
    for (const paragraph of explainFailure(error, logFile)) {
      process.stderr.write(`${paint('31', '✗')} ${paragraph}\n`)
    }
    process.exit(1)
  }
}

async function start([argument]: string[]): Promise<void> {
  if (argument === '--help' || argument === '-h') return console.log(HELP)
  if (argument !== undefined) {
    throw new StartFailure(
      `npm start takes no ${argument}.`,
      'It is set by environment variables: npm start -- --help.',
    )
  }
  // What is kept may be read by this user alone.
  process.umask(0o077)
  const config = loadConfig(process.env)
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  if (config.role !== 'worker') await checkPort(config)
  const log = openLog(config)
  const started: Started = { postgres: undefined, app: undefined, stopping: false }
  stopOnSignals(started, log)
  try {
    started.postgres = openPostgres(config, log)
    const postgres = await started.postgres
    if (started.stopping) return
    const databaseUrl = postgres?.url ?? config.database.url ?? ''
    started.app = withProgress('Starting the platform', () => createApp({ config, log, databaseUrl }))
    const app = await started.app
    if (started.stopping) return
    const { url } = await withProgress('Reading prices and balances', () => app.start())
    announce(config, url, postgres, log)
  } catch (error) {
    if (started.stopping) return
    terminalOpen = false
    log.error({ err: error }, 'The program could not start.')
    await stopAll(started)
    throw error
  }
}

/** What has to be stopped again, from the moment it begins to start. */
interface Started {
  postgres: Promise<StartedPostgres | undefined> | undefined
  app: Promise<RunningApp> | undefined
  stopping: boolean
}

type StartedPostgres = EmbeddedPostgres & { first: boolean }

/** In production one JSON object a line on standard output; in the sandbox that goes to a file, and what matters to the terminal. */
function openLog(config: Config): Logger {
  if (config.mode === 'production')
    return createLog({ level: config.logLevel, to: destination({ dest: 1, sync: true }) })
  const name = config.role === 'all' ? 'server' : config.role
  logFile = join(config.dataDir, 'log', `${name}.log`)
  return createLog({
    level: config.logLevel,
    to: rotatingFile(logFile),
    terminal: (line) => void (terminalOpen && process.stderr.write(line)),
    paint,
  })
}

/** The embedded server, or nothing when the operator names one of their own, which is asked whether it answers. */
async function openPostgres(config: Config, log: Logger): Promise<StartedPostgres | undefined> {
  if (config.database.url === undefined) {
    let first = false
    const postgres = await withProgress('Starting PostgreSQL', (say) =>
      startEmbeddedPostgres({
        dataDir: config.dataDir,
        log: (message) => log.warn(message),
        onProgress(step) {
          first = true
          say(step)
        },
      }),
    )
    return { ...postgres, first }
  }
  const client = new pg.Client({ connectionString: config.database.url, connectionTimeoutMillis: 10_000 })
  try {
    await withProgress('Connecting to the database', () => client.connect())
    return undefined
  } catch (error) {
    throw databaseFailure(error as Error)
  } finally {
    await client.end()
  }
}

/** Finds out before anything is started, for the answer should not take seconds. */
async function checkPort(config: Config): Promise<void> {
  const { host, port } = config
  if (port === 0) return
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const probe = createServer()
    probe.once('error', resolve)
    probe.listen({ host, port }, () => probe.close(() => resolve(undefined)))
  })
  if (error) throw listenFailure(error, config, error.code === 'EADDRINUSE' && (await isOurs(config)))
}

async function isOurs({ host, port }: Config): Promise<boolean> {
  const reachable =
    host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  try {
    const answer = await fetch(`http://${reachable}:${port}/livez`, { signal: AbortSignal.timeout(2000) })
    return answer.headers.has('x-request-id') && /"status":"ok"/.test(await answer.text())
  } catch {
    // Whoever listens there speaks no HTTP: not ours.
    return false
  }
}

function announce(config: Config, url: string, postgres: StartedPostgres | undefined, log: Logger): void {
  const readyInMs = Math.round(performance.now())
  log.info({ url, role: config.role, readyInMs }, 'Ready.')
  if (config.mode === 'production') return
  const { folder: databaseFolder, first = false } = postgres ?? { folder: undefined }
  flushCompileCache()
  console.log(readyText({ config, url, readyInMs, databaseFolder, first, logFile: logFile ?? '' }))
}

function stopOnSignals(started: Started, log: Logger): void {
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (started.stopping) {
      process.stderr.write('Stopping at once; the next start takes up what was left.\n')
      process.exit(130)
    }
    started.stopping = true
    log.info({ signal }, 'Stopping.')
    setTimeout(() => {
      log.error({ signal }, 'Stopping took too long; the next start takes up what was left.')
      process.exit(1)
    }, STOP_LIMIT_MS).unref()
    try {
      await withProgress('Stopping', () => stopAll(started))
      log.info({ signal }, 'Stopped.')
      process.exit(0)
    } catch (error) {
      log.error({ err: error, signal }, 'Stopping failed; the next start takes up what was left.')
      process.exit(1)
    }
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  // What nobody expected leaves the process in a state nobody knows. All that matters is in the database.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'An error that nothing caught; the program ends.')
    process.exit(1)
  })
}

/** In the opposite order of starting. What did not come to start has nothing to stop; its own error was told. */
async function stopAll({ app, postgres }: Started): Promise<void> {
  const running = await app?.catch(() => undefined)
  await running?.stop()
  const server = await postgres?.catch(() => undefined)
  await server?.stop()
}
