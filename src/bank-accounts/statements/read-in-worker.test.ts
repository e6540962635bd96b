import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { inPieces, NEWEST_FIRST_MAPPING } from '../../../test/support/statement-reading.ts'
import { statementParts, writeCamt, writeMt940 } from '../../../test/support/statement-writers.ts'
import { type CsvMapping, csvMappingOf } from './csv-mapping.ts'
import { detectFormat, openStatement } from './detect-format.ts'
import { readInWorker } from './read-in-worker.ts'
import { StatementError, type StatementPart } from './statement.ts'
import type { WorkerMessage } from './statement-worker.ts'

const FOLDER = new URL('examples/', import.meta.url)
const TASK = { format: 'camt.053.001.08', csv: null }
const CSV = csvMappingOf(NEWEST_FIRST_MAPPING)

const partsOf = (count: number) =>
  statementParts({
    account: 'ES9121000418450200051332',
    lines: () => Array.from({ length: count }, (_, n) => ({ units: BigInt(n + 1), concept: `Pago ${n}` })),
  })
const camtOf = (count: number): Buffer => Buffer.from([...writeCamt(partsOf(count))].join(''))
const CAMT = camtOf(1_200).toString()
/** Large enough for a thread. */
const LARGE = camtOf(8_000)
const MT940 = [...writeMt940(partsOf(1_200))].join('')

const inThread = (file: Uint8Array, size: number, csv: CsvMapping | null = null) =>
  readInWorker(inPieces(file, size), { format: detectFormat(file, csv).format, csv })

interface Read {
  parts: StatementPart[]
  refusal: unknown
}

async function read(parts: AsyncIterable<StatementPart>): Promise<Read> {
  const read: Read = { parts: [], refusal: null }
  try {
    for await (const part of parts) read.parts.push(part)
  } catch (error) {
    assert.ok(error instanceof StatementError, String(error))
    const { name, message, code, place, text } = error
    read.refusal = { name, message, code, place, text }
  }
  return read
}

async function drain(parts: AsyncIterable<StatementPart>): Promise<void> {
  for await (const _part of parts);
}

/** The threads that begin while `work` does, each with what it told and whether it is gone. */
async function threadsOf(
  work: (threads: readonly Thread[]) => Promise<void>,
  begun: (worker: Worker) => void = () => {},
): Promise<readonly Thread[]> {
  const threads: Thread[] = []
  const follow = (worker: Worker): void => {
    const thread = { worker, parts: 0, isGone: false }
    threads.push(thread)
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'parts') thread.parts += message.parts.length
    })
    worker.once('exit', () => {
      thread.isGone = true
    })
    begun(worker)
  }
  process.on('worker', follow)
  try {
    await work(threads)
  } finally {
    process.off('worker', follow)
  }
  return threads
}

/** Until a thread waits, and what it told until then is here. */
async function untilIdle({ performance: { eventLoopUtilization } }: Worker): Promise<void> {
  for (let before = eventLoopUtilization(), idle = 0; idle < 4; ) {
    await setTimeout(10)
    const now = eventLoopUtilization()
    idle = eventLoopUtilization(now, before).idle > 8 ? idle + 1 : 0
    before = now
  }
}

interface Thread {
  worker: Worker
  parts: number
  isGone: boolean
}

describe('a thread reads what its reader reads', () => {
  for (const [name, csv] of [
    ['batches-and-returns.camt053.xml', null],
    ['swiss-layout.camt053.xml', null],
    ['collective.camt054.xml', null],
    ['german.mt940', null],
    ['dutch.mt940', null],
    ['csb43.n43', null],
    ['newest-first.csv', CSV],
  ] as const) {
    test(name, async () => {
      const file = readFileSync(new URL(name, FOLDER))
      const here = await read(detectFormat(file, csv).read(inPieces(file)))
      assert.equal(here.refusal, null)
      assert.ok(here.parts.length > 3)
      assert.deepEqual(await read(inThread(file, 1_000, csv)), here)
    })
  }

  test('a time of booking, a reversal and the mark of a batch arrive as they are', async () => {
    const file = Buffer.from(
      [
        ...writeCamt(
          statementParts({
            account: 'ES9121000418450200051332',
            lines: () => [
              { units: 5n, bookedAt: new Date('2026-03-31T10:11:12Z'), endToEndId: 'E1' },
              { units: 5n, direction: 'debit', bankRef: 'R1', reverses: ['R1'] },
            ],
          }),
        ),
      ].join(''),
    )
    const { parts } = await read(inThread(file, 65_536))
    assert.deepEqual(parts, (await read(detectFormat(file).read(inPieces(file)))).parts)
    const [, booked, reversed] = parts
    assert.ok(booked?.kind === 'line' && booked.bookedAt instanceof Date && booked.units === 5n)
    assert.ok(reversed?.kind === 'line' && reversed.reverses?.includes('R1'))
  })

  const wrongByte = Buffer.from(CAMT)
  wrongByte[wrongByte.indexOf('Pago 900')] = 0xff
  for (const [name, code, file, csv] of [
    ['a camt.053 that breaks off', 'truncated', CAMT.slice(0, CAMT.length / 2)],
    ['an entity of its own', 'doctype', CAMT.replace('Pago 900', '&lol9;')],
    ['another amount in one line', 'balance', CAMT.replaceAll('>9.01<', '>9.02<')],
    ['an MT940 that breaks off', 'truncated', MT940.slice(0, MT940.length / 2)],
    ['a byte that is no UTF-8', 'encoding', wrongByte],
    ['a column that is not there', 'column', 'a;b\n1;2\na;b\n1;2\n', CSV],
  ] as [name: string, code: string, file: string | Buffer, csv?: CsvMapping][]) {
    test(`${name} is refused alike, after the same parts`, async () => {
      const bytes = Buffer.from(file)
      const here = await read(detectFormat(bytes, csv).read(inPieces(bytes)))
      assert.equal((here.refusal as StatementError | null)?.code, code)
      assert.deepEqual(await read(inThread(bytes, 65_536, csv)), here)
    })
  }
})

describe('a thread lives as long as it is needed', () => {
  test('large files have one, small ones none', async () => {
    const parts = async (file: Buffer): Promise<number> => {
      let count = 0
      for await (const _part of (await openStatement(inPieces(file))).parts) count += 1
      return count
    }
    assert.deepEqual(await threadsOf(async () => assert.equal(await parts(camtOf(1_200)), 1_202)), [])
    const threads = await threadsOf(async () => assert.equal(await parts(LARGE), 8_002))
    assert.deepEqual(
      threads.map(({ parts, isGone }) => ({ parts, isGone })),
      [{ parts: 8_002, isGone: true }],
    )
  })

  test('it begins when the first part is asked for', async () => {
    const threads = await threadsOf(async () => {
      await openStatement(inPieces(LARGE))
    })
    assert.deepEqual(threads, [])
  })

  test('it is never more than four thousand parts ahead', { timeout: 60_000 }, async () => {
    const file = camtOf(10_000)
    let taken = 0
    await threadsOf(async (threads) => {
      for await (const _part of inThread(file, file.length)) {
        // All bytes are there: but for its bound it would read on to the end.
        if (taken % 3_000 === 0) {
          const thread = threads[0]!
          await untilIdle(thread.worker)
          assert.ok(thread.parts - taken <= 4_000, `${thread.parts} when ${taken} were taken`)
          assert.ok(thread.parts - taken > 500, 'It does not read ahead.')
        }
        taken += 1
      }
    })
    assert.equal(taken, 10_002)
  })

  test('it is gone at once, and the file let go, when the reading stops', async () => {
    let open = 0
    const source = async function* (): AsyncGenerator<Uint8Array> {
      open += 1
      try {
        yield Buffer.from(CAMT.slice(0, CAMT.indexOf('<Ntry>')))
        const entry = /<Ntry>.*<\/Ntry>\n/.exec(CAMT)![0]
        for (;;) yield Buffer.from(entry.repeat(100))
      } finally {
        open -= 1
      }
    }
    const threads = await threadsOf(async () => {
      let taken = 0
      for await (const _part of readInWorker(source(), TASK)) {
        taken += 1
        if (taken === 700) break
      }
      await assert.rejects(async () => {
        for await (const part of readInWorker(source(), TASK)) {
          if (part.kind === 'line') throw new Error('The database is gone.')
        }
      }, /The database is gone/)
    })
    assert.deepEqual(
      threads.map(({ isGone }) => isGone),
      [true, true],
    )
    assert.equal(open, 0)
  })

  test('bytes that can’t be read fail as themselves', async () => {
    const lost = new Error('A piece is not in its place.')
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(CAMT.slice(0, 10_000))
      throw lost
    }
    const threads = await threadsOf(() =>
      assert.rejects(drain(readInWorker(source(), TASK)), (error) => error === lost),
    )
    assert.equal(threads[0]?.isGone, true)
  })

  test('that it died is told', async () => {
    let released = false
    const source = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* inPieces(LARGE)
      } finally {
        released = true
      }
    }
    await threadsOf(
      async () => {
        await assert.rejects(
          drain(readInWorker(source(), TASK)),
          /The thread that reads the statement ended before the statement did/,
        )
      },
      (worker) => {
        void once(worker, 'message').then(() => worker.terminate())
      },
    )
    assert.ok(released)
  })

  test('that it fails when the reading has stopped is nobody’s failure any more', async () => {
    // What it told before it is ended arrives then; unheard, it would end the program.
    const failLate = (worker: Worker): void => {
      const terminate = worker.terminate.bind(worker)
      worker.terminate = () => {
        worker.emit('error', new Error('There is no memory left.'))
        return terminate()
      }
    }
    const [thread] = await threadsOf(async () => {
      for await (const _part of readInWorker(inPieces(LARGE, 65_536), TASK)) break
    }, failLate)
    assert.equal(thread?.isGone, true)
  })

  test('that it failed is told, with the reason', async () => {
    await threadsOf(
      () => assert.rejects(drain(readInWorker(inPieces(LARGE), TASK)), TypeError),
      (worker) => worker.postMessage('no bytes'),
    )
  })

  test('that its memory was not enough is no reason to try again', async () => {
    const threads = await threadsOf(
      async () => {
        const { refusal } = await read(readInWorker(inPieces(LARGE), TASK))
        const { code, text } = refusal as StatementError
        assert.equal(code, 'too_large')
        assert.match(text, /more than 512 MB of memory.* Ask the bank for smaller files/)
      },
      (worker) => {
        const lack = Object.assign(new Error('Worker terminated due to reaching memory limit'), {
          code: 'ERR_WORKER_OUT_OF_MEMORY',
        })
        void once(worker, 'message').then(() => worker.emit('error', lack))
      },
    )
    assert.equal(threads[0]?.isGone, true)
  })

  test('it is given the bytes and not what lies beside them in memory', async () => {
    const pooled = Buffer.from(CAMT.slice(0, 1_000))
    assert.ok(pooled.buffer.byteLength > pooled.length)
    const sent: number[] = []
    await threadsOf(
      async () => {
        const { refusal } = await read(readInWorker(inPieces(pooled), TASK))
        assert.ok(refusal)
      },
      (worker) => {
        const post = worker.postMessage.bind(worker)
        worker.postMessage = (answer: Uint8Array | null, transferred) => {
          if (answer !== null) sent.push(answer.buffer.byteLength)
          post(answer, transferred)
        }
      },
    )
    assert.deepEqual(sent, [pooled.length])
  })
})
