import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { killNode } from '../../src/sandbox/chain/node-process.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const ROOT = join(import.meta.dirname, '../..')
const START_MS = 60_000
/** Some answer at once or never: whoever listens there may not be ours. */
const ANSWER_MS = 5_000

/** The whole program as processes that can be killed, over one database and one set of chains that go on. */
export interface Program {
  url: string
  databaseUrl: string
  dataDir: string
  env: Record<string, string>
  /** Starts a process: `all` listens and works, and is waited for until it is alive; a `worker` only works. */
  start(role?: 'all' | 'worker'): Promise<ChildProcess>
  /** Whether the process has said that it works. */
  isReady(child: ChildProcess): boolean
  /** Ends a process at once, as a power cut would. */
  kill(child: ChildProcess): Promise<void>
  running: Set<ChildProcess>
  /** The chains' nodes, as they are written down. */
  nodes(): { chain: string; pid: number; url: string }[]
  /** Ends everything, the chains too. */
  stop(): Promise<void>
  /** What the processes wrote last, for a failing test. */
  output(): string
}

export async function openProgram({
  env = {},
  database: given,
}: {
  env?: Record<string, string>
  database?: TestDatabase
} = {}): Promise<Program> {
  const database = given ?? (await createTestDatabase())
  const dataDir = mkdtempSync(join(tmpdir(), 'cryptopocket-faults-'))
  const port = await freePort()
  const running = new Set<ChildProcess>()
  const ready = new WeakSet<ChildProcess>()
  const lines: string[] = []
  const program: Program = {
    url: `http://127.0.0.1:${port}`,
    databaseUrl: database.url,
    dataDir,
    running,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? tmpdir(),
      PORT: String(port),
      DATA_DIR: dataDir,
      DATABASE_URL: database.url,
      DATABASE_POOL_SIZE: '10',
      RATE_LIMIT_PER_MINUTE: '1000000',
      NO_COLOR: '1',
      ...env,
    },
    async start(role = 'all') {
      const child = spawn(process.execPath, ['src/cli/start.ts'], {
        cwd: ROOT,
        env: { ...program.env, ROLE: role },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (text) => {
          lines.push(String(text))
          if (String(text).includes(' is ready')) ready.add(child)
        })
      }
      running.add(child)
      child.once('exit', () => running.delete(child))
      if (role === 'all') await isAlive(program, child)
      return child
    },
    isReady: (child) => ready.has(child),
    async kill(child) {
      if (child.exitCode !== null || child.signalCode !== null) return
      await new Promise<void>((resolve) => {
        child.once('exit', () => resolve())
        child.kill('SIGKILL')
      })
    },
    nodes() {
      const folder = join(dataDir, 'chains')
      const paths = existsSync(folder) ? readdirSync(folder) : []
      return paths
        .map((chain) => ({ chain, path: join(folder, chain, 'node.json') }))
        .filter(({ path }) => existsSync(path))
        .map(({ chain, path }) => {
          const { pid, port } = JSON.parse(readFileSync(path, 'utf8'))
          return { chain, pid, url: `http://127.0.0.1:${port}` }
        })
    },
    async stop() {
      const ending = [...running]
      await Promise.all(
        ending.map(
          (child) =>
            new Promise<void>((resolve) => {
              child.once('exit', () => resolve())
              child.kill('SIGTERM')
            }),
        ),
      )
      // Processes that were killed end no node.
      for (const { pid } of program.nodes()) killNode(pid)
      await database.drop()
      rmSync(dataDir, { recursive: true, force: true })
    },
    output: () => lines.slice(-60).join(''),
  }
  return program
}

async function isAlive(program: Program, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_MS
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The program ended by itself:\n${program.output()}`)
    let last: unknown
    try {
      const answer = await fetch(`${program.url}/livez`, { signal: AbortSignal.timeout(ANSWER_MS) })
      if (answer.ok) return
      last = answer.status
    } catch (error) {
      // Not listening yet.
      last = (error as Error).cause ?? error
    }
    if (performance.now() > deadline)
      throw new Error(`The program did not come up (${last}):\n${await describeHang(program)}`)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

/** What the program wrote, and what its connections do or wait for. */
async function describeHang({ databaseUrl, dataDir, output }: Program): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query(
    `select pid, state, wait_event_type, wait_event, pg_blocking_pids(pid) as blocked_by, now() - query_start as age,
            left(query, 300) as query
       from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  )
  await client.end()
  const log = join(dataDir, 'log', 'server.log')
  const logged = existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(-20) : []
  return [...rows.map((row) => JSON.stringify(row)), ...logged, output()].join('\n')
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
