import type { Bank } from '../../../src/providers/simulated-pages-wire.ts'

/** Finds "Crédit Agricole" by "credit agri", and a bank by the first letters of any of its words. */
export function findBanks(banks: readonly Bank[], typed: string): Bank[] {
  const wanted = plain(typed).split(/\s+/).filter(Boolean)
  return banks.filter(({ name }) => {
    const parts = plain(name).split(/[\s-]+/)
    return wanted.every((word) => parts.some((part) => part.startsWith(word)))
  })
}

function plain(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .toLowerCase()
}
