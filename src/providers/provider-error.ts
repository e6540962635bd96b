/**
 * How a call to the outside ended when it did not succeed:
 * `not_sent` it never reached the other side and may be tried again;
 * `rejected` the other side answered no;
 * `unknown` it may have happened: ask the other side before anything else.
 */
export type Outcome = 'not_sent' | 'rejected' | 'unknown'

/** The one error that providers throw. `message` is for the operator: what failed, why, and what the provider said. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError'
  readonly provider: string
  readonly outcome: Outcome
  /** The provider's own code, where it gave one. */
  readonly code: string | undefined

  constructor(
    provider: string,
    outcome: Outcome,
    message: string,
    options: { code?: string; cause?: unknown } = {},
  ) {
    super(`${provider}: ${message}`, { cause: options.cause })
    this.provider = provider
    this.outcome = outcome
    this.code = options.code
  }
}
