import type { Secrets } from '../kernel/secrets.ts'

/** A journal with its entries, every value as the text that is hashed. */
export interface JournalText {
  id: number
  kind: string
  purpose: string
  integrationId: number | null
  reference: string | null
  /** Microseconds since 1970, so that no digit of the database's time is left out. */
  atMicros: string
  lines: readonly LineText[]
}

export interface LineText {
  line: number
  account: string
  asset: string
  units: string
}

export interface JournalHashes {
  header: Buffer
  /** By the entry's line, from 0. */
  lines: Buffer[]
}

const PURPOSE = 'journal-seal'
/** Of a row's hash: it tells rows apart; the chain's whole hash stands for all of them. */
export const ROW_HASH_BYTES = 16

/** The keyed hashes of a journal's rows. Without the master key nobody can make them. */
export function hashJournal(secrets: Secrets, journal: JournalText): JournalHashes {
  return {
    header: hashHeader(secrets, journal, journal.lines.length),
    lines: journal.lines.map((line) => hashLine(secrets, journal.id, line)),
  }
}

export function hashHeader(secrets: Secrets, journal: Omit<JournalText, 'lines'>, lines: number): Buffer {
  const { id, kind, purpose, integrationId, reference, atMicros } = journal
  return hashRow(secrets, ['journal', id, kind, purpose, integrationId, reference, atMicros, lines])
}

export function hashLine(
  secrets: Secrets,
  journalId: number,
  { line, account, asset, units }: LineText,
): Buffer {
  return hashRow(secrets, ['posting', journalId, line, account, asset, units])
}

function hashRow(secrets: Secrets, values: readonly unknown[]): Buffer {
  return secrets.index(PURPOSE, JSON.stringify(values)).subarray(0, ROW_HASH_BYTES)
}

/** What stands before the first seal. */
export const CHAIN_START = Buffer.alloc(32)

/** The hash that ties a seal to its journal, its place and all seals before it. */
export function chainHash(
  secrets: Secrets,
  seal: { position: number; journalId: number; headerHash: Buffer; lineHashes: Buffer },
  before: Buffer,
): Buffer {
  const { position, journalId, headerHash, lineHashes } = seal
  const parts = [
    position,
    journalId,
    headerHash.toString('hex'),
    lineHashes.toString('hex'),
    before.toString('hex'),
  ]
  return secrets.index(PURPOSE, JSON.stringify(['seal', ...parts]))
}
