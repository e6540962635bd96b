/**
 * The number that a payer writes in a bank transfer, so that the money finds its payment: a running number and two
 * check digits (ISO 7064, MOD 97-10). One wrong digit, or two swapped ones, never make another payment's number.
 */
export function conceptOf(number: bigint | number): number {
  const shifted = BigInt(number) * 100n
  return Number(shifted + (98n - (shifted % 97n)))
}

export function isConcept(concept: number): boolean {
  return Number.isSafeInteger(concept) && concept > 100 && BigInt(concept) % 97n === 1n
}

/**
 * The concepts that a payer's text may mean: runs of digits with right check digits, also when the payer put spaces,
 * dots or hyphens between them. Nothing is guessed: a number whose digits don't check is none.
 */
export function readConcepts(text: string): number[] {
  const found = new Set<number>()
  const whole = text.match(/\d+/g) ?? []
  const joined = (text.match(/\d(?:[\d .\-/]*\d)?/g) ?? []).map((run) => run.replaceAll(/\D/g, ''))
  for (const run of [...whole, ...joined]) {
    // Some banks fill a field up with zeros in front.
    const digits = run.replace(/^0+/, '')
    if (digits.length > 15) continue
    const concept = Number(digits)
    if (isConcept(concept)) found.add(concept)
  }
  return [...found]
}
