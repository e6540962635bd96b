import pg from 'pg'

const TIMESTAMPTZ = 1184
const parseAny = pg.types.getTypeParser(TIMESTAMPTZ) as (text: string) => Date | number | null

/** `YYYY-MM-DD HH:MM:SS`, then perhaps a fraction, then the zone. */
const SECONDS_LENGTH = 19
const ZONE_LENGTH = 3
const [PLUS, DASH, POINT, ZERO, COLON, SPACE] = [43, 45, 46, 48, 58, 32]

// Most times of a statement's rows are of few days.
let lastDay = 0
let lastDayMs = 0

/**
 * The time that a `timestamptz` tells, whole milliseconds of it. The driver's own way takes a text apart with a regular
 * expression for whatever a server may be set to write; what isn't UTC of a year of four digits is left to it.
 */
export function parseTimestamp(text: string): Date | number | null {
  if (!isPlain(text)) return parseAny(text)
  const day =
    (twoDigits(text, 0) * 100 + twoDigits(text, 2)) * 10_000 + twoDigits(text, 5) * 100 + twoDigits(text, 8)
  if (day !== lastDay) {
    lastDayMs = Date.UTC(Math.floor(day / 10_000), twoDigits(text, 5) - 1, twoDigits(text, 8))
    lastDay = day
  }
  const seconds = (twoDigits(text, 11) * 60 + twoDigits(text, 14)) * 60 + twoDigits(text, 17)
  return new Date(lastDayMs + seconds * 1000 + milliseconds(text))
}

/** A year that begins with a zero may be one of the first hundred, which `Date` takes for others. */
function isPlain(text: string): boolean {
  const zone = text.length - ZONE_LENGTH
  return (
    zone >= SECONDS_LENGTH &&
    text.charCodeAt(zone) === PLUS &&
    text.charCodeAt(zone + 1) === ZERO &&
    text.charCodeAt(zone + 2) === ZERO &&
    (zone === SECONDS_LENGTH || text.charCodeAt(SECONDS_LENGTH) === POINT) &&
    text.charCodeAt(0) !== ZERO &&
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(10) === SPACE &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON
  )
}

function milliseconds(text: string): number {
  const digits = text.length - ZONE_LENGTH - SECONDS_LENGTH - 1
  if (digits <= 0) return 0
  return digit(text, 20) * 100 + (digits > 1 ? digit(text, 21) * 10 : 0) + (digits > 2 ? digit(text, 22) : 0)
}

const digit = (text: string, at: number): number => text.charCodeAt(at) - ZERO
const twoDigits = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1)
