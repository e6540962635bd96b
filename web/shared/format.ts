/**
 * Amounts, dates and names in the customer's language, by the browser's own Intl. Amounts stay decimal strings all the
 * way: Intl formats the digits of a string exactly, where a number would round them.
 */
import type { Language, Money, TokenAmount } from '../../src/hosted/wire.ts'

export interface Format {
  money(money: Money): string
  /** `148.32 USDC`, all digits that are not trailing zeros, at least two. */
  token(token: Pick<TokenAmount, 'amount' | 'symbol'>): string
  /** `1 USDC = 0,9934 €` */
  rate(symbol: string, rate: string, currency: string): string
  percent(percent: string): string
  dateTime(iso: string): string
  time(iso: string): string
  day(day: string): string
  country(code: string): string
  /** `9:05` */
  clock(seconds: number): string
}

/**
 * The region decides details of dates and amounts; the browser's own is kept where it speaks the language. Some browsers
 * name locales that Intl refuses (`en-US@posix`), so only plain tags count.
 */
export function localeFor(language: Language, browser: readonly string[]): string {
  const plain = /^([a-z]{2})-([a-z]{4}-)?([a-z]{2}|\d{3})$/i
  const own = browser.find((tag) => plain.exec(tag)?.[1]?.toLowerCase() === language)
  return own ?? { en: 'en-GB', es: 'es-ES', pt: 'pt-PT' }[language]
}

export function createFormat(locale: string): Format {
  const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' })
  const time = new Intl.DateTimeFormat(locale, { timeStyle: 'short' })
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' })
  const countries = new Intl.DisplayNames(locale, { type: 'region' })
  const decimal = (text: string, options: Intl.NumberFormatOptions) =>
    new Intl.NumberFormat(locale, options).format(text as Intl.StringNumericLiteral)

  return {
    money: ({ amount, currency }) => decimal(amount, { style: 'currency', currency }),
    token: ({ amount, symbol }) =>
      `${decimal(amount, { minimumFractionDigits: 2, maximumFractionDigits: 18 })}\u00a0${symbol}`,
    rate: (symbol, rate, currency) =>
      `1\u00a0${symbol} = ${decimal(rate, { style: 'currency', currency, maximumFractionDigits: 8 })}`,
    percent: (percent) => decimal(percent, { style: 'unit', unit: 'percent', maximumFractionDigits: 2 }),
    dateTime: (iso) => dateTime.format(new Date(iso)),
    time: (iso) => time.format(new Date(iso)),
    day: (text) => day.format(new Date(`${text}T00:00:00Z`)),
    country: (code) => countries.of(code) ?? code,
    clock: (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`,
  }
}
