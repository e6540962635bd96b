import { parentPort, workerData } from 'node:worker_threads'
import type { CsvMapping } from './csv-mapping.ts'
import { readerOf } from './detect-format.ts'
import { type Place, StatementError, type StatementPart } from './statement.ts'

/** What the thread is started for. */
export interface WorkerTask {
  format: string
  csv: CsvMapping | null
}

/** What it asks for and tells. `bytes` and `parts` are answered, in the order that they came in. */
export type WorkerMessage =
  /** Answered with the file's next bytes, or null at its end. */
  | { kind: 'bytes' }
  /** Answered with null once all of them are worked off. */
  | { kind: 'parts'; parts: StatementPart[] }
  | { kind: 'refused'; code: string; place: Place; text: string }
  | { kind: 'end' }

export type WorkerAnswer = Uint8Array<ArrayBuffer> | null

/** Enough that a message costs little beside what it holds. */
const PARTS = 500
/** Messages that nobody has worked off yet: more than what the other side takes between two looks at its messages. */
const AHEAD = 8

const port = parentPort!
const { format, csv } = workerData as WorkerTask
const asked: ((answer: WorkerAnswer) => void)[] = []
const sent: Promise<WorkerAnswer>[] = []
let parts: StatementPart[] = []

const tell = (message: WorkerMessage): void => port.postMessage(message)

function ask(message: WorkerMessage): Promise<WorkerAnswer> {
  tell(message)
  return new Promise((resolve) => asked.push(resolve))
}

async function* bytes(): AsyncGenerator<Uint8Array> {
  let next = ask({ kind: 'bytes' })
  for (let chunk = await next; chunk !== null; chunk = await next) {
    // The bytes after these come while these are read.
    next = ask({ kind: 'bytes' })
    // However long lines are, no message holds more than those of a few chunks.
    await send()
    yield chunk
  }
}

async function send(): Promise<void> {
  if (parts.length === 0) return
  sent.push(ask({ kind: 'parts', parts }))
  parts = []
  if (sent.length >= AHEAD) await sent.shift()
}

async function work(): Promise<void> {
  for await (const part of readerOf(format, csv)(bytes())) {
    parts.push(part)
    if (parts.length >= PARTS) await send()
  }
}

port.on('message', (answer: WorkerAnswer) => asked.shift()!(answer))
try {
  await work()
  await send()
  tell({ kind: 'end' })
} catch (error) {
  if (!(error instanceof StatementError)) throw error
  await send()
  tell({ kind: 'refused', code: error.code, place: error.place, text: error.text })
}
