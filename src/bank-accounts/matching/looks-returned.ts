import type { Line } from './find-candidates.ts'

/** How banks name a transfer of ours that comes back, in the languages of their statements. */
const WORDS =
  /\b(DEVOLUCION|DEVUELT[AO]|RETROCESION|RECHAZ(O|AD[AO])|RETORNO|RETURN(ED)?|REJECT(ED|ION)?|UNPAID|RUCK(UBERWEISUNG|LAUFER|LASTSCHRIFT|GABE|ZAHLUNG)|RETOURE|RETOUR|DEVOLUCAO|DEVOLVID[AO]|ESTORNO|REFUND|REVERSAL)\b/

/** What our own orders say, see `planRefund` and the sales' payouts. */
const OURS = /\b(REFUND|SALE) [A-Z0-9]{20,}/i

/**
 * Whether a credit is, or reads like, a transfer of ours that came back. It is nobody's payment, and no name and no
 * amount makes it one: a person looks.
 */
export function looksReturned({ concept, returnCode }: Pick<Line, 'concept' | 'returnCode'>): boolean {
  if (returnCode !== null) return true
  const plain = concept.normalize('NFKD').replaceAll(/\p{M}/gu, '').toUpperCase()
  return OURS.test(concept) || WORDS.test(plain)
}
