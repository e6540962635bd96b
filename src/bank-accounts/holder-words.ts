import { nameWords } from '../users/identity/name-words.ts'

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '))

/** Words between names that half the world shares: they prove nothing, and nothing is missing without them. */
export const PARTICLES = set(
  'DE DEL LA LAS LOS DA DO DOS DAS DI DU DES LE VAN VON DER DEN TER TEN ZU ZUR ZUM AF AV Y I E AL EL BIN IBN BINT',
)

/** What stands before or after a name and is none. */
export const HONORIFICS = set(
  'MR MRS MS MISS MX SIR DR DRA D DN DNA DON DONA SR SRA SRTA HERR FRAU HR FR M MME MLLE MONSIEUR MADAME SIG SIGRA SIGNOR SIGNORA PROF ING LIC ABG ARQ DHR MEVR MW SENHOR SENHORA PHD FNU',
)

/** How Spanish banks shorten names. */
export const SHORT_FORMS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    MA: 'MARIA',
    FCO: 'FRANCISCO',
    FCA: 'FRANCISCA',
    DGO: 'DOMINGO',
    GLEZ: 'GONZALEZ',
    GLZ: 'GONZALEZ',
    FDEZ: 'FERNANDEZ',
    FDZ: 'FERNANDEZ',
    HDEZ: 'HERNANDEZ',
    RGUEZ: 'RODRIGUEZ',
    RDGUEZ: 'RODRIGUEZ',
    MTNEZ: 'MARTINEZ',
    MTEZ: 'MARTINEZ',
    SCHEZ: 'SANCHEZ',
    JMNEZ: 'JIMENEZ',
    GCIA: 'GARCIA',
  }),
)

/** Legal forms of companies; those in one line are ways to write the same one. */
const LEGAL_FORMS: ReadonlyMap<string, string> = new Map(
  [
    ['SOCIEDADLIMITADA', 'SL', 'SLU', 'SLP', 'SLL', 'SRL', 'SRLS'],
    ['SOCIEDADANONIMA', 'SA', 'SAU'],
    ['LTD', 'LIMITED'],
    ['INC', 'INCORPORATED'],
    ['CORP', 'CORPORATION'],
    ...'GMBH AG KG UG OHG EV SAS SASU SARL EURL SCI SPA BV NV CV LDA LTDA PLC LLC LLP LP AB AS OY SE SC SCP CB SPZOO DOO KFT SRO'
      .split(' ')
      .map((form) => [form]),
  ].flatMap((forms) => forms.map((form) => [form, forms[0]!] as [string, string])),
)

const LONGEST_FORM_WORDS = 4

/**
 * A company's name and its legal form, which stands last, `S.L.` or `SL`; undefined when it has none. Of
 * `GmbH & Co. KG` the last is the form.
 */
export function splitLegalForm(words: readonly string[]): { name: readonly string[]; form?: string } {
  for (let count = Math.min(LONGEST_FORM_WORDS, words.length - 1); count > 0; count -= 1) {
    const form = LEGAL_FORMS.get(words.slice(-count).join(''))
    if (form !== undefined) return { name: words.slice(0, -count), form }
  }
  return { name: words }
}

/**
 * What stands between the holders of one account: a sign, or one of these words by itself. Letters of every alphabet count:
 * to `\b` the accent of ANDÚJAR ends a word.
 */
export const betweenHolders = (words: string): RegExp =>
  new RegExp(`[/&;+]|(?<![\\p{L}\\p{M}\\p{N}])(?:${words})(?![\\p{L}\\p{M}\\p{N}])`, 'iu')

/** Banks cut a name at so many characters, and a space at the end is lost. */
const FIELD_CHARACTERS = 34

/** Whether the text may be cut off in its last word. */
export const mayBeCut = (text: string): boolean => {
  const { length } = text.trim()
  return length === FIELD_CHARACTERS || length === FIELD_CHARACTERS + 1
}

/** The words that tell one name from another: all of them when there are none but particles, as in Do Van Le. */
export function tellingWords(name: string): { word: string; telling: boolean }[] {
  const words = nameWords(name)
  const someTell = words.some((word) => !PARTICLES.has(word))
  return words.map((word) => ({ word, telling: !someTell || !PARTICLES.has(word) }))
}
