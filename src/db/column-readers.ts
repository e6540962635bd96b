import pg from 'pg'

/** Reads the value of a column from the text that the server wrote, which is these bytes. */
export type ColumnReader = (bytes: Buffer, start: number, end: number) => unknown

const BOOL = 16
const INT8 = 20
const INT2 = 21
const INT4 = 23
const TEXT = 25
const VARCHAR = 1043
const TIMESTAMPTZ = 1184
const NUMERIC = 1700
const NATIVE: Readonly<Record<number, ColumnReader>> = {
  [BOOL]: (bytes, start) => bytes[start] === LETTER_T,
  [INT2]: readNumber,
  [INT4]: readNumber,
  [INT8]: readNumber,
  [TEXT]: readText,
  [VARCHAR]: readText,
  [TIMESTAMPTZ]: readTimestamp,
  [NUMERIC]: readUnits,
}

/** The reader of a type: where the commonest have none of their own, their text is made and given to the driver's parser. */
export function columnReader(type: number, parse: (text: string) => unknown): ColumnReader {
  return NATIVE[type] ?? ((bytes, start, end) => parse(readText(bytes, start, end)))
}

const LETTER_T = 't'.charCodeAt(0)
const [PLUS, DASH, POINT, ZERO, COLON, SPACE] = [43, 45, 46, 48, 58, 32]

// Naming the encoding costs a look-up for each.
function readText(bytes: Buffer, start: number, end: number): string {
  return bytes.toString(undefined, start, end)
}

/** So many digits are exact as a number whatever they are. */
const EXACT_DIGITS = 15

/** Undefined where it isn't whole, or too long to be exact. */
function wholeNumber(bytes: Buffer, start: number, end: number): number | undefined {
  if (end - start > EXACT_DIGITS) return undefined
  const isNegative = bytes[start] === DASH
  let value = 0
  for (let at = isNegative ? start + 1 : start; at < end; at += 1) {
    const digit = digitAt(bytes, at)
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return isNegative ? -value : value
}

function readNumber(bytes: Buffer, start: number, end: number): number {
  return wholeNumber(bytes, start, end) ?? Number(readText(bytes, start, end))
}

/** Base units are whole; a numeric with a fraction is a mistake in the query, not something to round. */
export function readUnits(bytes: Buffer, start: number, end: number): bigint {
  return BigInt(wholeNumber(bytes, start, end) ?? readText(bytes, start, end))
}

const parseAnyTime = pg.types.getTypeParser(TIMESTAMPTZ) as (text: string) => Date | number | null
/** `YYYY-MM-DD HH:MM:SS`, then perhaps a fraction, then the zone. */
const SECONDS_LENGTH = 19
const ZONE_LENGTH = 3

// Most times of a statement's rows are of few days.
let lastDay = 0
let lastDayMs = 0

/**
 * The time that a `timestamptz` tells, whole milliseconds of it. The driver's own way takes a text apart with a regular
 * expression for whatever a server may be set to write; what isn't UTC of a year of four digits is left to it.
 */
export function readTimestamp(bytes: Buffer, start: number, end: number): Date | number | null {
  if (!isPlainTime(bytes, start, end)) return parseAnyTime(readText(bytes, start, end))
  const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2)
  const month = twoDigits(bytes, start + 5)
  const date = twoDigits(bytes, start + 8)
  const day = (year * 100 + month) * 100 + date
  if (day !== lastDay) {
    lastDayMs = Date.UTC(year, month - 1, date)
    lastDay = day
  }
  const minutes = twoDigits(bytes, start + 11) * 60 + twoDigits(bytes, start + 14)
  const seconds = minutes * 60 + twoDigits(bytes, start + 17)
  return new Date(
    lastDayMs + seconds * 1000 + milliseconds(bytes, start + SECONDS_LENGTH + 1, end - ZONE_LENGTH),
  )
}

/** A year that begins with a zero may be one of the first hundred, which `Date` takes for others. */
function isPlainTime(bytes: Buffer, start: number, end: number): boolean {
  const zone = end - ZONE_LENGTH
  const point = start + SECONDS_LENGTH
  return (
    zone >= point &&
    bytes[zone] === PLUS &&
    bytes[zone + 1] === ZERO &&
    bytes[zone + 2] === ZERO &&
    (zone === point || bytes[point] === POINT) &&
    bytes[start] !== ZERO &&
    bytes[start + 4] === DASH &&
    bytes[start + 7] === DASH &&
    bytes[start + 10] === SPACE &&
    bytes[start + 13] === COLON &&
    bytes[start + 16] === COLON
  )
}

function milliseconds(bytes: Buffer, start: number, end: number): number {
  const hundreds = start < end ? digitAt(bytes, start) * 100 : 0
  const tens = start + 1 < end ? digitAt(bytes, start + 1) * 10 : 0
  return hundreds + tens + (start + 2 < end ? digitAt(bytes, start + 2) : 0)
}

const digitAt = (bytes: Buffer, at: number): number => bytes[at]! - ZERO
const twoDigits = (bytes: Buffer, at: number): number => digitAt(bytes, at) * 10 + digitAt(bytes, at + 1)
