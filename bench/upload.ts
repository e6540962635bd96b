import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import sharp from 'sharp'
import { makePdf } from '../test/support/documents.ts'
import type { Benchmark, Figure } from './measure.ts'
import { type ServerProcess, startProcess } from './servers.ts'
import { authenticate, openWorld } from './world.ts'

const TEN_MIB = 10 * 1024 * 1024
const ALLOWED_MB = 60
/** However many come at once: the gate lets two of one integration in at a time, three in all. */
const ALLOWED_AT_ONCE_MB = 100

export const upload: Benchmark = {
  name: 'upload',
  about: 'a document of 10 MiB: the memory that the server process holds beyond what it holds at rest',
  async run(tell) {
    const world = await openWorld()
    const env = { ...world.env, ROLE: 'api', FILES_FROM_LOOPBACK: 'true' }
    const server = await startProcess('bench/serve-app.ts', [], env)
    try {
      return await measure(server, tell)
    } finally {
      await server.stop()
      await world.stop()
    }
  },
}

async function measure(server: ServerProcess, tell: (line: string) => void): Promise<Figure[]> {
  const send = await makeSender(server.url)
  const pdf = makePdf(TEN_MIB)
  const jpeg = await makeJpeg()
  const files = await serve(pdf)
  // Once small, so that the code and the decoder are there, and what they left behind is gone.
  await send(makePdf())
  await send(
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#abc' } })
      .jpeg()
      .toBuffer(),
  )
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  const rest = residentMb(server)
  tell(`at rest: ${rest.toFixed(0)} MB`)

  const figures: Figure[] = []
  const hold = async (what: string, work: () => Promise<unknown>, allowed = ALLOWED_MB): Promise<void> => {
    forgetPeak(server)
    await work()
    const more = peakMb(server) - rest
    tell(
      `${what}: peak ${more.toFixed(0)} MB above rest, ${(residentMb(server) - rest).toFixed(0)} MB afterwards`,
    )
    figures.push({
      what: `memory, ${what}`,
      measured: `${more.toFixed(0)} MB more`,
      baseline: `${allowed} MB allowed (at rest ${rest.toFixed(0)} MB)`,
      ratio: more / allowed,
      required: { atMost: 1 },
    })
  }
  await hold('a PDF', () => send(pdf))
  await hold('the PDF by its address', () => send(files.url))
  await hold('ten PDFs, one after the other', async () => {
    for (let count = 0; count < 10; count += 1) await send(pdf)
  })
  await hold(`a JPEG of ${(jpeg.length / 1e6).toFixed(1)} MB, 12 megapixels`, () => send(jpeg))
  await hold(
    'twelve PDFs at once',
    () => Promise.all(Array.from({ length: 12 }, () => send(pdf))),
    ALLOWED_AT_ONCE_MB,
  )
  files.stop()
  return figures
}

/** Registers a customer; answers what sends a document of theirs: bytes as base64, or an address. */
async function makeSender(url: string): Promise<(file: Buffer | string) => Promise<void>> {
  const auth = await authenticate(url)
  const post = async (path: string, body: string): Promise<{ status: string; data: { id: number } }> => {
    const headers = { auth, 'content-type': 'application/json' }
    const response = await fetch(url + path, { method: 'POST', headers, body })
    const answer = (await response.json()) as { status: string; data: { id: number } }
    if (answer.status !== 'ok') throw new Error(`${path} was refused: ${JSON.stringify(answer)}`)
    return answer
  }
  const { data } = await post('/api/registerUser', JSON.stringify({ name: 'Ana', email: 'ana@example.com' }))
  return async (file) => {
    const text = typeof file === 'string' ? file : file.toString('base64')
    await post(`/api/customers/${data.id}/documents`, JSON.stringify({ type: 'other', file: text }))
  }
}

/** A photo of 12 megapixels with so much noise that it is nearly 10 MiB. */
async function makeJpeg(): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const
  const photo = sharp({ create: { width: 4000, height: 3000, channels: 3, background: '#888', noise } })
  for (let quality = 98; ; quality -= 2) {
    const jpeg = await photo.clone().jpeg({ quality }).toBuffer()
    if (jpeg.length <= TEN_MIB) return jpeg
  }
}

async function serve(bytes: Buffer): Promise<{ url: string; stop(): void }> {
  const server = createServer((_request, response) => response.end(bytes))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/file.pdf`, stop: () => void server.close() }
}

/** What Linux says of a process; it alone knows the peak between two looks. */
function statusMb({ child }: ServerProcess, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]
  if (kib === undefined) throw new Error(`The process does not tell its ${field}.`)
  return (Number(kib) * 1024) / 1e6
}

const residentMb = (server: ServerProcess): number => statusMb(server, 'VmRSS')
const peakMb = (server: ServerProcess): number => statusMb(server, 'VmHWM')

/** From now on the peak is counted anew (proc(5), clear_refs). */
const forgetPeak = ({ child }: ServerProcess): void => writeFileSync(`/proc/${child.pid}/clear_refs`, '5')
