/**
 * The words of a name, in capitals and without the accents of European scripts, as banks and lists write them. Hyphens
 * part words, apostrophes don't. In other scripts a mark is a letter of its own and stays.
 */
export function nameWords(name: string): string[] {
  // As banks write nearly all of them; nothing below changes these.
  if (IS_PLAIN.test(name)) return name.toUpperCase().match(/[A-Z0-9]+/g) ?? []
  const plain = name
    .normalize('NFKD')
    .replaceAll(/(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{M}+/gu, '')
    .normalize('NFC')
    .replaceAll(/(?<=\p{L})['’ʼ`´](?=\p{L})/gu, '')
    .toUpperCase()
    .replaceAll(/[ÆŒØŁĐÐÞ]/g, (letter) => UNDECOMPOSED[letter] ?? letter)
  return plain.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
}

const IS_PLAIN = /^[\w ,.&/()+:-]*$/

/** Letters that are one letter to Unicode, and that banks write as another. */
const UNDECOMPOSED: Readonly<Record<string, string>> = {
  Æ: 'AE',
  Œ: 'OE',
  Ø: 'O',
  Ł: 'L',
  Đ: 'D',
  Ð: 'D',
  Þ: 'TH',
}

const UMLAUTS = /[AOU]E/

/** The word as banks without umlauts write it: `MÜLLER` is `MULLER` or `MUELLER`. */
export function withoutUmlauts(word: string): string {
  return UMLAUTS.test(word) ? word.replaceAll(/AE|OE|UE/g, (pair) => pair[0]!) : word
}

/** Whether the letters are those of a script that has initials. */
export const isInitial = (word: string): boolean =>
  /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]$/u.test(word)

/** Whether the words are the same, in any order, or one after the other without spaces, whichever stands first. */
export function areSameWords(one: readonly string[], other: readonly string[]): boolean {
  if (one.length === 0 || other.length === 0) return false
  if (one.every((word) => other.includes(word)) && other.every((word) => one.includes(word))) return true
  const [a, b] = [one.join(''), other.join('')]
  return a.length === b.length && (isTurned(one, b) || isTurned(other, a))
}

/** Whether the words, joined from any of them on, are the text. */
const isTurned = (words: readonly string[], text: string): boolean =>
  words.some((_, at) => [...words.slice(at), ...words.slice(0, at)].join('') === text)
