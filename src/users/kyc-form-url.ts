import type { App } from '../app.ts'
import { fail } from '../server/errors.ts'
import { formUrl, isOpen, openVerification } from './verification.ts'
import { findLatestVerification } from './verification-store.ts'

/**
 * The address of the customer's verification page, for `require_kyc`. Reads when the form is open, and writes a new
 * one only when there is none; a customer who failed is `unused` again with it. Not to be called inside a
 * transaction that holds the customer's lock.
 */
export async function kycFormUrl(
  app: Pick<App, 'db' | 'clock' | 'secrets' | 'config'>,
  integrationId: number,
  customerId: number,
): Promise<string> {
  const latest = await findLatestVerification(app.db, { integrationId, customerId, kind: 'kyc' })
  if (latest && isOpen(latest, app.clock.now())) return formUrl(app, latest)
  const opened = await openVerification(app, { integrationId, id: customerId })
  return opened?.url ?? fail('user_not_found', 'There is no such customer who could be verified.')
}
