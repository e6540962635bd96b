/**
 * Whoever tells us which addresses we must not send to. Throws `ProviderError`; without an answer nothing is decided.
 */
export interface ScreeningProvider {
  readonly name: string
  /** Asked outside of any transaction. */
  screenWallet(wallet: { chain: string; address: string }): Promise<ScreeningResult>
}

export type ScreeningResult = { blocked: false } | { blocked: true; reason: string }
