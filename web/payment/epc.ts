import type { BankTransfer } from '../../src/hosted/wire.ts'

/**
 * The text of the EPC QR code ("Girocode"), which the banking apps of the SEPA countries read as a filled transfer.
 * Source: European Payments Council, EPC069-12, version 002. Null when the transfer doesn't fit (other currency).
 */
export function epcText(transfer: BankTransfer): string | null {
  const { holder, iban, bic, amount, concept } = transfer
  if (amount.currency !== 'EUR' || !/^\d{1,9}(\.\d{1,2})?$/.test(amount.amount)) return null
  const name = cutToBytes(holder, 70)
  const compactIban = iban.replace(/\s/g, '')
  const lines = ['BCD', '002', '1', 'SCT', bic, name, compactIban, `EUR${amount.amount}`, '', '', concept]
  return lines.join('\n')
}

/** The name may have 70 characters; some readers count bytes, so bytes are what is counted here. */
function cutToBytes(text: string, limit: number): string {
  const letters = Array.from(text.trim())
  while (new TextEncoder().encode(letters.join('')).length > limit) letters.pop()
  return letters.join('').trimEnd()
}
