/**
 * Whether two names are most likely one person's or company's. Banks write names in capitals, without accents, last
 * names first, or shortened: two parts in common, or all parts of the shorter name, are enough.
 */
export function isSamePerson(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)]
  const shorter = a.size <= b.size ? a : b
  const longer = shorter === a ? b : a
  if (shorter.size === 0) return false
  const common = [...shorter].filter((part) => longer.has(part)).length
  return common === shorter.size || common >= 2
}

function partsOf(name: string): Set<string> {
  const plain = name.normalize('NFD').replaceAll(/\p{M}/gu, '').toUpperCase()
  return new Set(plain.match(/[\p{L}\p{N}]{2,}/gu) ?? [])
}
