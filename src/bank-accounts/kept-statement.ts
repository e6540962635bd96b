import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { App } from '../app.ts'
import { StatementError } from './statements/statement.ts'

/** Held at a time; a file of any size needs little memory. */
const PIECE_BYTES = 4 * 1024 * 1024
const PURPOSE = 'statement-file'
const SPOOL = 'cryptopocket-statement-'
/** No import takes so long: what lies there since then was left by one that was killed. */
const LEFT_MS = 86_400_000
/** Before each piece: its place, and whether it is the last, so that none can be swapped, left out or put elsewhere. */
const HEAD_BYTES = 5

type Needs = { secrets: App['secrets']; providers: Pick<App['providers'], 'storage'> }

/** A file that is kept, sealed, piece by piece under one name. */
export interface KeptStatement {
  storageKey: string
  bytes: number
  /** SHA-256 of the whole file. */
  digest: Buffer
}

/** A kept file whose pieces lie on this machine as well, sealed alike. */
export interface SpooledStatement extends KeptStatement {
  /** The file as it came, without asking the storage: inside a transaction nobody may wait for the network. */
  read(): AsyncGenerator<Buffer>
  /** Removes what lies on this machine. */
  release(): Promise<void>
}

const pieceKey = (storageKey: string, piece: number): string =>
  `${storageKey}/${String(piece).padStart(5, '0')}`

/**
 * Keeps a file whole. What is refused, because it is larger than `maxBytes` (`too_large`), empty (`empty`) or breaks
 * off, leaves nothing behind.
 */
export async function keepStatement(
  { secrets, providers: { storage } }: Needs,
  bytes: AsyncIterable<Uint8Array>,
  {
    storageKey,
    maxBytes,
    onProgress,
  }: { storageKey: string; maxBytes: number; onProgress?: (bytes: number) => void },
): Promise<SpooledStatement> {
  const hash = createHash('sha256')
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  let total = 0
  let pieces = 0
  const spool = await mkdtemp(join(tmpdir(), SPOOL))
  await removeLeft(statSync(spool))
  const spooled = (piece: number): string => join(spool, String(piece))
  const release = (): Promise<void> => rm(spool, { recursive: true, force: true })
  const write = async (last: boolean): Promise<void> => {
    const plain = Buffer.concat([headOf(pieces, last), ...waiting])
    waiting = []
    waitingBytes = 0
    const sealed = secrets.seal(`${PURPOSE}:${storageKey}`, plain)
    await writeFile(spooled(pieces), sealed, { mode: 0o600 })
    await storage.write(pieceKey(storageKey, pieces), sealed)
    pieces += 1
  }
  try {
    for await (const chunk of bytes) {
      total += chunk.length
      if (total > maxBytes) throw tooLarge(maxBytes)
      hash.update(chunk)
      waiting.push(chunk)
      waitingBytes += chunk.length
      if (waitingBytes >= PIECE_BYTES) await write(false)
      onProgress?.(total)
    }
    if (total === 0) throw new StatementError('empty', { line: 1, column: 1 }, 'The file is empty.')
    await write(true)
  } catch (error) {
    await release()
    await removePieces(storage, storageKey, pieces + 1)
    throw error
  }
  const read = (): AsyncGenerator<Buffer> =>
    readPieces(secrets, storageKey, (piece) => readFile(spooled(piece)))
  return { storageKey, bytes: total, digest: hash.digest(), read, release }
}

/** Removes what imports of ours left that were killed. `now` is of a folder that was made just now. */
async function removeLeft(now: { mtimeMs: number; uid: number }): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(SPOOL)) continue
    const path = join(tmpdir(), name)
    const found = statSync(path, { throwIfNoEntry: false })
    if (found?.uid === now.uid && found.mtimeMs < now.mtimeMs - LEFT_MS)
      await rm(path, { recursive: true, force: true })
  }
}

export const tooLarge = (maxBytes: number): StatementError =>
  new StatementError(
    'too_large',
    { line: 1, column: 1 },
    `The file is larger than ${maxBytes} bytes, the most that is taken (STATEMENT_MAX_BYTES). Ask the bank for a shorter period.`,
  )

/** The file as it came. Throws when a piece was changed, is missing, or the storage does not answer. */
export const readKeptStatement = (
  { secrets, providers: { storage } }: Needs,
  storageKey: string,
): AsyncGenerator<Buffer> =>
  readPieces(secrets, storageKey, (piece) => storage.read(pieceKey(storageKey, piece)))

async function* readPieces(
  secrets: Needs['secrets'],
  storageKey: string,
  readPiece: (piece: number) => Promise<Buffer>,
): AsyncGenerator<Buffer> {
  for (let piece = 0; ; piece += 1) {
    const plain = secrets.open(`${PURPOSE}:${storageKey}`, await readPiece(piece))
    if (plain.readUInt32BE(0) !== piece) throw new Error(`A piece of ${storageKey} is not in its place.`)
    yield plain.subarray(HEAD_BYTES)
    if (plain[4] === 1) return
  }
}

/** Removes a kept file; one that is gone is no error. */
export async function removeKeptStatement(
  { providers: { storage } }: Pick<Needs, 'providers'>,
  { storageKey, bytes }: Pick<KeptStatement, 'storageKey' | 'bytes'>,
): Promise<void> {
  // Pieces are never smaller than this but for the last.
  await removePieces(storage, storageKey, Math.ceil(bytes / PIECE_BYTES) + 1)
}

async function removePieces(
  storage: Needs['providers']['storage'],
  storageKey: string,
  pieces: number,
): Promise<void> {
  for (let piece = 0; piece < pieces; piece += 1) await storage.remove(pieceKey(storageKey, piece))
}

function headOf(piece: number, last: boolean): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32BE(piece, 0)
  head.writeUInt8(last ? 1 : 0, 4)
  return head
}
