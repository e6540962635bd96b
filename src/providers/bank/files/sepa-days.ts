const DAY_MS = 86_400_000

/** SEPA keeps the days of Central Europe. */
const CENTRAL_EUROPE = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Brussels', dateStyle: 'short' })

/** The day that it is in Central Europe, `YYYY-MM-DD`. */
export const sepaDateOf = (time: Date): string => CENTRAL_EUROPE.format(time)

/** The first day from this one on, it included, on which banks carry out transfers (TARGET). */
export function nextSepaDay(day: string): string {
  let time = Date.parse(`${day}T00:00:00Z`)
  while (!isSepaDay(new Date(time))) time += DAY_MS
  return new Date(time).toISOString().slice(0, 10)
}

const FIXED_HOLIDAYS: ReadonlySet<string> = new Set(['01-01', '05-01', '12-25', '12-26'])
/** Good Friday and Easter Monday, in days from Easter. */
const EASTER_HOLIDAYS: ReadonlySet<number> = new Set([-2, 1])

function isSepaDay(date: Date): boolean {
  const weekday = date.getUTCDay()
  if (weekday === 0 || weekday === 6 || FIXED_HOLIDAYS.has(date.toISOString().slice(5, 10))) return false
  return !EASTER_HOLIDAYS.has((date.getTime() - easterOf(date.getUTCFullYear())) / DAY_MS)
}

/** Easter Sunday of the Gregorian calendar (Meeus, Jones, Butcher), as a time in UTC. */
function easterOf(year: number): number {
  const golden = year % 19
  const [century, ofCentury] = [Math.floor(year / 100), year % 100]
  const moon =
    (19 * golden +
      century -
      Math.floor(century / 4) -
      Math.floor((century - Math.floor((century + 8) / 25) + 1) / 3) +
      15) %
    30
  const toSunday = (32 + 2 * (century % 4) + 2 * Math.floor(ofCentury / 4) - moon - (ofCentury % 4)) % 7
  const late = Math.floor((golden + 11 * moon + 22 * toSunday) / 451)
  const place = moon + toSunday - 7 * late + 114
  return Date.UTC(year, Math.floor(place / 31) - 1, (place % 31) + 1)
}
