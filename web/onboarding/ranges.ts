/** Ranges of amounts in words, without cents: nobody earns a range to the cent. */
import type { AmountRange } from '../../src/hosted/onboarding-wire.ts'
import type { Language } from '../../src/hosted/wire.ts'
import { localeFor } from '../shared/format.ts'
import type { OnboardingWords } from './messages/en.ts'

export function rangeText(
  words: OnboardingWords,
  language: Language,
  { from, to }: Pick<AmountRange, 'from' | 'to'>,
  currency: string,
): string {
  const format = new Intl.NumberFormat(localeFor(language, navigator.languages), {
    style: 'currency',
    currency,
    maximumFractionDigits: 0,
  })
  const amount = (text: string) => format.format(text as Intl.StringNumericLiteral)
  if (to === null) return words.rangeOver(amount(from))
  return from === '0' ? words.rangeUpTo(amount(to)) : words.rangeBetween(amount(from), amount(to))
}

/** `Euro (EUR)`: the currency's name, and its code for whoever knows it by that. */
export function currencyName(language: Language, code: string): string {
  const locale = localeFor(language, navigator.languages)
  const name = new Intl.DisplayNames(locale, { type: 'currency' }).of(code)
  if (!name || name === code) return code
  // Some languages write currencies small, which looks amiss at the beginning of a line.
  return `${name.slice(0, 1).toLocaleUpperCase(locale)}${name.slice(1)} (${code})`
}

/** A file's size as people say it. */
export function sizeText(language: Language, bytes: number): string {
  const kilobytes = Math.max(1, Math.round(bytes / 1024))
  const [value, unit] = kilobytes < 1000 ? [kilobytes, 'kilobyte'] : [bytes / 1024 ** 2, 'megabyte']
  return new Intl.NumberFormat(localeFor(language, navigator.languages), {
    style: 'unit',
    unit: unit as string,
    maximumFractionDigits: 1,
  }).format(value as number)
}
