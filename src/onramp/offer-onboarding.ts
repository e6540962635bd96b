import type { App } from '../app.ts'
import { type ErrorCode, Failure, fail } from '../server/errors.ts'
import { openOnboarding, type ReturnAddress } from '../users/enhanced-open.ts'

/** A purchase over the customer's limits. `liftable`: with the level reinforced it would be within them. */
export class OverLimit extends Failure {
  readonly liftable: boolean
  constructor(code: ErrorCode, message: string, liftable: boolean) {
    super(code, message)
    this.liftable = liftable
  }
}

/**
 * Runs `buy`, and where it is refused for a limit that the enhanced verification would lift, refuses with the link to
 * it in `data`. Outside of the purchase's transaction, as a verification may be begun.
 */
export async function offerOnboarding<T>(
  app: Pick<App, 'db' | 'clock' | 'secrets' | 'config'>,
  customer: { integrationId: number; id: number },
  buy: () => Promise<T>,
  returnAddress: ReturnAddress = {},
): Promise<T> {
  try {
    return await buy()
  } catch (error) {
    if (!(error instanceof OverLimit) || !error.liftable) throw error
    const opened = await openOnboarding(app, customer, returnAddress)
    // Undefined when the level was raised at this very moment: the next try goes through.
    if (!opened) throw error
    return fail(error.code, error.message, { data: { onboarding_link: opened.url } })
  }
}
