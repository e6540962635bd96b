import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, statfsSync, statSync } from 'node:fs'
import { chown, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { platform, totalmem } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Binaries,
  bareEnvironment,
  EmbeddedDatabaseError,
  type RunAs,
  run,
} from './embedded-binaries.ts'
import type { Place } from './embedded-place.ts'

export const DATABASE_USER = 'cryptopocket'

/** Modest: a laptop runs this beside a browser. Given at each start, so that a new version's values take effect. */
const SETTINGS: Record<string, string> = {
  max_connections: '100',
  checkpoint_timeout: '15min',
  random_page_cost: '1.1',
  jit: 'off',
  // Until a table is analysed once, its statements may keep a plan that read everything as long as it was nearly empty: the
  // minute of the default is thousands of payments long. Every 5 s cost a twentieth of all time while lines are matched.
  autovacuum_naptime: '20s',
  // So often it must be cheap; what is asked is found by keys, whatever the finer figures are.
  default_statistics_target: '30',
  // So often, tables that grow would be walked again and again for nothing but their new rows.
  autovacuum_vacuum_insert_threshold: '50000',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // A refused statement is told to who sent it; the server's own log is for what happens to the server.
  log_min_messages: 'log',
  unix_socket_directories: '',
  listen_addresses: '127.0.0.1',
}

const MIB = 1024 * 1024

/**
 * An eighth of the memory that the machine, or the container, has; 512 MB are a day of 100,000 bank lines. After each checkpoint
 * pages are logged whole again, in a busy minute more than all else: the log may take 4 GB between two where the disk has room.
 */
function sizesFor(dataFolder: string): Record<string, string> {
  const constrained = process.constrainedMemory()
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  const buffers = Math.max(64, Math.min(512, Math.floor(memory / 8 / MIB)))
  const { bavail, bsize } = statfsSync(dataFolder)
  return { shared_buffers: `${buffers}MB`, max_wal_size: bavail * bsize > 20 * 1024 * MIB ? '4GB' : '1GB' }
}

const LOG_LIMIT_BYTES = 10 * 1024 * 1024
const POLL_MS = 10
/** Recovery after a power loss replays at most `max_wal_size`: minutes on a slow disk, not more. */
const START_POLLS = (30 * 60_000) / POLL_MS

export interface RunningServer {
  pid: number
  port: number
  /** Whether it ran already. */
  adopted: boolean
}

export interface ServerOptions {
  place: Place
  binaries: Binaries
  runAs: RunAs | undefined
  /** A file of ours; PostgreSQL gets it open. */
  logFile: string
  /** Override single server settings. */
  settings?: Record<string, string>
}

/** Makes the database's files beside their final place and moves them there whole: an interrupted start leaves none. */
export async function initialise({ place, binaries, runAs }: ServerOptions): Promise<void> {
  const draft = join(place.folder, `new-${process.pid}`)
  const passwordFile = join(place.folder, `password-${process.pid}`)
  await removeDrafts(place.folder)
  try {
    await writeFile(passwordFile, `${place.password}\n`, { mode: 0o600 })
    if (runAs) await chown(passwordFile, runAs.uid, runAs.gid)
    const args = [`--pgdata=${draft}`, `--pwfile=${passwordFile}`, `--username=${DATABASE_USER}`]
    args.push('--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-instructions')
    const made = await run(binaries.initdb, args, runAs, place.folder)
    if (made.code !== 0) {
      const reason = made.output.split('\n').slice(-3).join(' ')
      const mend = /space/i.test(reason) ? 'Make room on the disk' : 'Mend that'
      throw new EmbeddedDatabaseError(
        `The database couldn't be made in ${place.folder}: ${reason}`,
        `${mend} and start again.`,
      )
    }
    await rename(draft, join(place.folder, 'data'))
  } catch (error) {
    // Another start was faster: its database is as good.
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    await rm(passwordFile, { force: true })
    await rm(draft, { recursive: true, force: true })
  }
}

/** Drafts of processes that are no more. */
async function removeDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^(?:new|password)-(\d+)$/.exec(name)?.[1]
    if (pid && !isAlive(Number(pid))) await rm(join(folder, name), { recursive: true, force: true })
  }
}

/** Starts the server, or finds the one that runs already: left over from a killed process, or another's. */
export async function ensureRunning(options: ServerOptions): Promise<RunningServer> {
  const dataFolder = join(options.place.folder, 'data')
  await checkVersion(dataFolder, options.binaries)
  // Two starts at once: the one that loses the race finds the winner's server in the next round.
  for (let round = 0; round < 5; round++) {
    const found = await readPidFile(dataFolder)
    if (found && (await isServerOf(found.pid, dataFolder))) {
      const running = await waitUntilReady(dataFolder, () => isAlive(found.pid))
      if (running) return { ...running, adopted: true }
      continue
    }
    const port = await freePort(options.place.port)
    const { child, logOffset } = launch(options, dataFolder, port, found?.pid)
    const running = await waitUntilReady(
      dataFolder,
      () => child.exitCode === null && child.signalCode === null,
      child.pid,
    )
    if (running) return { ...running, adopted: false }
    const said = (await readFile(options.logFile, 'utf8')).slice(logOffset).trim()
    if (!/lock file "postmaster.pid"|Address already in use/.test(said)) {
      throw new EmbeddedDatabaseError(
        `The embedded PostgreSQL didn't start: ${lastWords(said)}`,
        `Its log is ${options.logFile}.`,
      )
    }
  }
  throw new EmbeddedDatabaseError(
    `The embedded PostgreSQL of ${dataFolder} is starting and stopping under our hands.`,
    'Stop other programs that use this folder, then start again.',
  )
}

function lastWords(log: string): string {
  return (
    log
      .split('\n')
      .filter((line) => /FATAL|PANIC|HINT|DETAIL/.test(line))
      .slice(-3)
      .join(' ') || log.slice(-500)
  )
}

async function checkVersion(dataFolder: string, binaries: Binaries): Promise<void> {
  const found = (await readFile(join(dataFolder, 'PG_VERSION'), 'utf8')).trim()
  if (found === binaries.major) return
  throw new EmbeddedDatabaseError(
    `The database in ${dataFolder} was made by PostgreSQL ${found}, but this version of the program brings ${binaries.major}.`,
    'Back it up with the version that made it and restore it with this one.',
  )
}

function launch(
  { place, binaries, runAs, logFile, settings }: ServerOptions,
  dataFolder: string,
  port: number,
  stalePid: number | undefined,
): { child: ChildProcess; logOffset: number } {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
  if (size > LOG_LIMIT_BYTES) renameSync(logFile, `${logFile}.1`)
  const logOffset = size > LOG_LIMIT_BYTES ? 0 : size
  const log = openSync(logFile, 'a', 0o600)
  const flags = Object.entries({
    ...SETTINGS,
    ...sizesFor(dataFolder),
    ...settings,
    port: String(port),
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  // A pid file may name a process that is alive but no server (the number was given anew after a power loss).
  // PostgreSQL passes over the pid of its "grandparent" and still looks for shared memory in use, the true proof
  // that nobody works on these files; removing the pid file would take that check away.
  const stale = stalePid ? { PG_GRANDPARENT_PID: String(stalePid) } : {}
  const child = spawn(binaries.postgres, ['-D', dataFolder, ...flags], {
    ...runAs,
    cwd: place.folder,
    env: { ...bareEnvironment(), ...stale },
    stdio: ['ignore', log, log],
    // A session of its own: Ctrl-C in the terminal is for us, and a killed program leaves its database running.
    detached: true,
  })
  // That it couldn't be spawned shows in its exit code; the programs were tried out before.
  child.on('error', () => {})
  child.unref()
  closeSync(log)
  return { child, logOffset }
}

/** The port last used if it is free, else any free one. */
async function freePort(preferred: number): Promise<number> {
  return (preferred && (await listenOnce(preferred))) || (await listenOnce(0)) || 0
}

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined))
    })
  })
}

interface PidFile {
  pid: number
  port: number
  ready: boolean
}

/** The server's own note of itself. Nothing when there is none, or when a power loss left it empty. */
async function readPidFile(dataFolder: string): Promise<PidFile | undefined> {
  const path = join(dataFolder, 'postmaster.pid')
  for (let poll = 0; poll < 200; poll++) {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (text === undefined) return undefined
    const lines = text.split('\n')
    const pid = Number(lines[0])
    if (Number.isInteger(pid) && pid > 0) {
      return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
    }
    // A server that is just starting writes it within the moment.
    await delay(POLL_MS)
  }
  await rm(path, { force: true })
  return undefined
}

async function waitUntilReady(
  dataFolder: string,
  isAlive: () => boolean,
  pid?: number,
): Promise<{ pid: number; port: number } | undefined> {
  for (let poll = 0; poll < START_POLLS; poll++) {
    const alive = isAlive()
    const text = await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch(() => '')
    const lines = text.split('\n')
    const found = Number(lines[0])
    if (lines[7]?.trim() === 'ready' && (pid === undefined || pid === found))
      return { pid: found, port: Number(lines[3]) }
    if (!alive) return undefined
    await delay(POLL_MS)
  }
  return undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether that process is PostgreSQL on that folder, and not one that was given the same number later. */
async function isServerOf(pid: number, dataFolder: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  if (platform() === 'linux') {
    const workingFolder = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return workingFolder === dataFolder && basename(command.split('\0')[0] ?? '') === 'postgres'
  }
  // PostgreSQL on Windows has no `ps`, and removes no process's pid file by itself: its own check must do there.
  if (platform() === 'win32') return true
  return (await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)], undefined)).output.includes(
    dataFolder,
  )
}

/** Stops the server in order: open transactions are rolled back, everything is written. */
export async function stopServer({ place, binaries, runAs }: ServerOptions): Promise<void> {
  const dataFolder = join(place.folder, 'data')
  const args = ['stop', `--pgdata=${dataFolder}`, '--mode=fast', '--wait', '--timeout=60', '--silent']
  const stopped = await run(binaries.pgCtl, args, runAs, place.folder)
  if (stopped.code === 0 || !(await readPidFile(dataFolder))) return
  throw new EmbeddedDatabaseError(
    `The embedded PostgreSQL didn't stop within a minute: ${stopped.output}`,
    'It goes on running; the next start takes it over.',
  )
}
