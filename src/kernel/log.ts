import { mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type DestinationStream, destination, type Level, type Logger, multistream, pino } from 'pino'

/**
 * The fields a line of the log may carry. What isn't named here is left out and said to be, so that a customer's
 * data can't reach the log by way of an object that grew a field.
 */
const FIELDS = new Set([
  ...[
    'answer',
    'chain',
    'channel',
    'count',
    'counted',
    'door',
    'durationMs',
    'effect',
    'epoch',
    'err',
    'event',
  ],
  ...['eventId', 'height', 'integration', 'lane', 'method', 'nonce', 'notifications', 'ours', 'paymentId'],
  ...[
    'pid',
    'provider',
    'providerRef',
    'readyInMs',
    'reason',
    'requestId',
    'role',
    'route',
    'sessionId',
    'signal',
  ],
  ...['source', 'status', 'txid', 'url', 'userId', 'wallet'],
])

export interface LogOptions {
  level: string
  /** Where the lines go as JSON. */
  to: DestinationStream
  /** Where warnings and worse go as text for a person. */
  terminal?: (line: string) => void
  /** Colours a text for the terminal. */
  paint?: (code: string, text: string) => string
}

/** The program's log: one JSON object a line, and on a terminal what a person should not miss. */
export function createLog({ level, to, terminal, paint = (_code, text) => text }: LogOptions): Logger {
  const streams: { level: Level; stream: DestinationStream }[] = [{ level: 'trace', stream: to }]
  if (terminal) {
    streams.push({ level: 'warn', stream: { write: (line) => terminal(readable(JSON.parse(line), paint)) } })
  }
  return pino(
    {
      level,
      base: { pid: process.pid },
      serializers: { err: describeError },
      formatters: { level: (label) => ({ level: label }), log: onlyKnownFields },
    },
    multistream(streams),
  )
}

function onlyKnownFields(fields: Record<string, unknown>): Record<string, unknown> {
  const known: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) known[name] = FIELDS.has(name) ? value : 'not shown'
  return known
}

interface ErrorLine {
  type: string
  message: string
  code?: unknown
  stack?: string
  cause?: ErrorLine
}

/** Without an error's further properties: those of the database hold the row that was refused. */
function describeError(error: unknown, depth = 0): ErrorLine | unknown {
  if (!(error instanceof Error)) return typeof error === 'object' ? 'not shown' : error
  return {
    type: error.name,
    message: error.message,
    code: (error as NodeJS.ErrnoException).code,
    stack: error.stack,
    cause: error.cause === undefined || depth > 3 ? undefined : describeError(error.cause, depth + 1),
  }
}

type Line = Record<string, unknown> & { level: string; msg: string; err?: ErrorLine }

/** `WARN  A price source fails. source=kraken: It answered 503.` */
function readable(
  { level, time, pid, msg, err, ...fields }: Line,
  paint: NonNullable<LogOptions['paint']>,
): string {
  const facts = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`,
  )
  const causes: string[] = []
  for (let error = err; error; error = error.cause) causes.push(error.message)
  const reason = causes.length > 0 ? ` (${causes.join(': ')})` : ''
  return `${paint(level === 'warn' ? '33' : '31', level.toUpperCase())} ${msg}${paint('2', `${facts.join('')}${reason}`)}\n`
}

export interface RotatingFile extends DestinationStream {
  close(): void
}

/** A file that is renamed to `.1` (and `.1` to `.2`) when it has grown to `limitBytes`; every line is on its way at once. */
export function rotatingFile(path: string, { limitBytes = 10 * 1024 * 1024, keep = 3 } = {}): RotatingFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = destination({ dest: path, append: true, sync: true, mode: 0o600 })
  let size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  const rotate = (): void => {
    for (let number = keep - 1; number >= 1; number -= 1) {
      if (statSync(`${path}.${number}`, { throwIfNoEntry: false }))
        renameSync(`${path}.${number}`, `${path}.${number + 1}`)
    }
    renameSync(path, `${path}.1`)
    file.reopen()
    size = 0
  }
  return {
    write(line) {
      file.write(line)
      size += Buffer.byteLength(line)
      if (size >= limitBytes) rotate()
    },
    close: () => file.end(),
  }
}
