import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import { createFileDecoder, type DecodedFile, type EncodingProblem } from '../kernel/encoded-file.ts'
import { createMemoryGate, type MemoryGate } from '../kernel/memory-gate.ts'
import { OutgoingError } from '../kernel/outgoing-http.ts'
import { fail } from '../server/errors.ts'
import type { FileBody } from '../server/file-body.ts'

/** Of one file, decoded. */
export const MAX_FILE_BYTES = 10 * 1024 * 1024

/** For the whole of a download: name, connection, redirects, all bytes. */
const DOWNLOAD_MS = 20_000
const MOST_REDIRECTS = 5

/** What a file field held; `problem` says for people what is wrong with it. */
export type IncomingFile = { ok: true; bytes: Buffer } | { ok: false; problem: string }

/** The gate for files that are fetched: four of the largest at once, two for one integration. */
export function createDownloadGate(): MemoryGate {
  return createMemoryGate({
    totalBytes: 4 * MAX_FILE_BYTES,
    ownerBytes: 2 * MAX_FILE_BYTES,
    mostWaiting: 200,
    longestWaitMs: 20_000,
  })
}

/** Whether the field holds the address of a file rather than the file. */
export const isFileUrl = (text: string): boolean => /^\s*https?:/i.test(text)

/**
 * Gives `use` the file that a field of the request holds: a data-URI, plain base64, or an address, which is fetched
 * by the guarded door. It is not judged yet, and a fetched one is held only while `use` runs.
 */
export async function withIncomingFile<T>(
  app: Pick<App, 'fileDoor' | 'downloads'>,
  { text, files, integration }: { text: string; files: FileBody['files']; integration: Integration },
  use: (file: IncomingFile) => Promise<T>,
): Promise<T> {
  if (!isFileUrl(text)) return use(toIncoming(files.get(text) ?? decode(text)))
  const leave = await app.downloads.enter(`integration:${integration.id}`, MAX_FILE_BYTES)
  if (!leave) return fail('too_many_requests', 'Too many files are being fetched.', { retryAfterSeconds: 5 })
  try {
    return await use(await download(app, text.trim()))
  } finally {
    leave()
  }
}

function decode(text: string): DecodedFile {
  const decoder = createFileDecoder(MAX_FILE_BYTES, text.length)
  // What isn't ASCII is no base64 either; as UTF-8 it stays what it is, foreign.
  decoder.write(Buffer.from(text))
  return decoder.end()
}

const ENCODING_TEXTS: Record<EncodingProblem, string> = {
  empty: 'is empty',
  not_base64: 'must be a base64 data-URI, plain base64, or an http(s) address (in a form, + is sent as %2B)',
  not_base64_uri: 'must be a data-URI in base64: data:application/pdf;base64,…',
  too_large: 'must have at most 10 MiB',
}

function toIncoming(decoded: DecodedFile): IncomingFile {
  return decoded.ok ? decoded : { ok: false, problem: ENCODING_TEXTS[decoded.problem] }
}

/**
 * One text for whatever kept a file from coming: who may send addresses must not learn from the answer what is closed,
 * what listens, or what a name leads to.
 */
const NOT_FETCHED = `could not be fetched: it must be a public http(s) address that answers 200 with the file, within ${DOWNLOAD_MS / 1000} seconds and ${MOST_REDIRECTS} redirects`

/** What is wrong with a file's address by itself, without anything being fetched: where it leads is forbidden. */
export async function findAddressFault(
  { fileDoor }: Pick<App, 'fileDoor'>,
  text: string,
): Promise<string | undefined> {
  return (await fileDoor.findProblem(text.trim())) && NOT_FETCHED
}

async function download({ fileDoor }: Pick<App, 'fileDoor'>, url: string): Promise<IncomingFile> {
  try {
    const bytes = await fileDoor.download({
      url,
      timeoutMs: DOWNLOAD_MS,
      limitBytes: MAX_FILE_BYTES,
      redirects: MOST_REDIRECTS,
    })
    return bytes.length > 0 ? { ok: true, bytes } : { ok: false, problem: ENCODING_TEXTS.empty }
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error
    if (error.reason === 'too_large') return { ok: false, problem: ENCODING_TEXTS.too_large }
    return { ok: false, problem: NOT_FETCHED }
  }
}
