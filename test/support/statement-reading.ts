import assert from 'node:assert/strict'
import {
  StatementError,
  type StatementPart,
  type StatementReader,
} from '../../src/bank-accounts/statements/statement.ts'
import type { WrittenLine } from './statement-writers.ts'

/** A file's bytes in pieces of this size. */
export async function* inPieces(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** All parts that a reader makes of a file. */
export async function readAll(
  read: StatementReader,
  file: string | Uint8Array,
  size?: number,
): Promise<StatementPart[]> {
  const bytes = typeof file === 'string' ? Buffer.from(file) : file
  const parts: StatementPart[] = []
  for await (const part of read(inPieces(bytes, size))) parts.push(part)
  return parts
}

/** Why a reader refuses a file: `code at line:column: message`. Fails where it doesn't. */
export async function refusalOf(read: StatementReader, file: string | Uint8Array): Promise<string> {
  try {
    await readAll(read, file)
  } catch (error) {
    assert.ok(error instanceof StatementError, String(error))
    const { line, column } = error.place
    assert.ok(line >= 1 && column >= 1)
    return `${error.code} at ${line}:${column}: ${error.message.replace(/^Line \d+, column \d+: /, '')}`
  }
  return assert.fail('The file was read.')
}

/** The lines among parts, without their places. */
export const linesAmong = (parts: readonly StatementPart[]): WrittenLine[] =>
  parts.flatMap((part) => {
    if (part.kind !== 'line') return []
    const { kind: _kind, place: _place, ...line } = part
    return [line]
  })

/** How `examples/newest-first.csv` is to be read, of the account that its lines are taken to be of. */
export const NEWEST_FIRST_MAPPING = {
  delimiter: ';',
  skip_rows: 2,
  date_format: 'DD.MM.YYYY',
  decimal: ',',
  account: 'ES9121000418450200051332',
  currency: 'EUR',
  only: { column: 'Status', values: ['gebucht'] },
  columns: {
    booked_on: 'Buchungstag',
    value_date: 'Wertstellung',
    amount: 'Umsatz',
    balance: 'Saldo',
    counterparty_name: 'Name',
    counterparty_iban: 'IBAN',
    concept: ['Verwendungszweck', 'Zusatz'],
  },
}
