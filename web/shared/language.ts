/** Which language the page speaks: the customer's own choice, else the integrator's word, else the browser's. */
import type { Language } from '../../src/hosted/wire.ts'

export const languages: readonly Language[] = ['en', 'es', 'pt']

const key = 'language'

export interface LanguageHints {
  chosen: string | null
  registered: string | null
  browser: readonly string[]
}

export function pickLanguage({ chosen, registered, browser }: LanguageHints): Language {
  for (const hint of [chosen, registered, ...browser]) {
    const found = languages.find((language) => hint?.toLowerCase().split('-')[0] === language)
    if (found) return found
  }
  return 'en'
}

/** Storage can be forbidden (private windows, embedded browsers). The switch then holds until the page is left. */
export function readChosenLanguage(): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

export function rememberLanguage(language: Language): boolean {
  try {
    localStorage.setItem(key, language)
    return true
  } catch {
    return false
  }
}
