/** Letters that lose more than a mark when they are written in the characters of SEPA. */
const WRITTEN: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  Æ: 'AE',
  œ: 'oe',
  Œ: 'OE',
  ø: 'o',
  Ø: 'O',
  đ: 'd',
  Đ: 'D',
  ł: 'l',
  Ł: 'L',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'TH',
  ı: 'i',
  '&': '+',
  _: '-',
  '’': "'",
}

/**
 * A text in the characters that every bank of SEPA takes (EPC217-08): letters without marks, digits and some signs;
 * what has no such form becomes a dot. Cut to `most` characters.
 */
export function sepaText(text: string, most: number): string {
  const plain = [...text.normalize('NFD').replaceAll(/\p{M}/gu, '')]
    .map((character) => WRITTEN[character] ?? character)
    .join('')
  return plain
    .replaceAll(/[^A-Za-z0-9/?:().,'+ -]/gu, '.')
    .replaceAll(/ {2,}/g, ' ')
    .trim()
    .slice(0, most)
    .trimEnd()
}
