import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import { StatementError, type StatementPart } from './statement.ts'
import type { WorkerAnswer, WorkerMessage, WorkerTask } from './statement-worker.ts'

/** What the program has itself (`npm start`): a reader's own bounds keep it far below. */
const MOST_HEAP_MB = 512

/**
 * The parts of a file, read in a thread of its own, so that what is done with them goes on beside it. The thread is given
 * nothing but the bytes, begins with the first part that is asked for, is never more than some thousand parts ahead,
 * and is gone once the reading ends or stops.
 *
 * Throws what the reader of the format does, `StatementError` with code `too_large` where the thread's memory isn't enough,
 * and `Error` where it dies otherwise.
 */
export async function* readInWorker(
  bytes: AsyncIterable<Uint8Array>,
  task: WorkerTask,
): AsyncGenerator<StatementPart> {
  const source = bytes[Symbol.asyncIterator]()
  const worker = new Worker(new URL('./statement-worker.ts', import.meta.url), {
    name: 'statement',
    workerData: task,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB },
  })
  // While it is read `on` hears of errors; one that arrives after the reading stopped would end the program if none did.
  worker.on('error', () => {})
  const answer = (what: WorkerAnswer): void => worker.postMessage(what, what === null ? [] : [what.buffer])
  try {
    for await (const [message] of on(worker, 'message', { close: ['exit'] }) as AsyncIterable<
      [WorkerMessage]
    >) {
      if (message.kind === 'bytes') {
        const { value, done } = await source.next()
        // A copy, as what is sent is sent with all of the memory that it is a view of: a buffer of Node's pool lies in it
        // beside whatever else the program handles.
        answer(done === true ? null : new Uint8Array(value))
      } else if (message.kind === 'parts') {
        yield* message.parts
        answer(null)
      } else if (message.kind === 'refused') {
        throw new StatementError(message.code, message.place, message.text)
      } else return
    }
    throw new Error('The thread that reads the statement ended before the statement did.')
  } catch (error) {
    // Another try would end alike.
    if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') throw tooLargeToRead()
    throw error
  } finally {
    await worker.terminate()
    await source.return?.()
  }
}

const tooLargeToRead = (): StatementError =>
  new StatementError(
    'too_large',
    { line: 1, column: 1 },
    `Reading this file takes more than ${MOST_HEAP_MB} MB of memory, as no statement does. Ask the bank for smaller files, ` +
      'such as one for each day.',
  )
