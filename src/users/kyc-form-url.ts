import type { App } from '../app.ts'
import { fail } from '../server/errors.ts'
import { findCustomer } from './customer-store.ts'
import { formUrl, isOpen, kindOf, openVerification } from './verification.ts'
import { findLatestVerification } from './verification-store.ts'

/** Where the customer is verified, as the API tells it. */
export interface KycForm {
  kyc_form_url: string
  /** Of a company's new form: told now and never again. */
  password?: string
}

/**
 * Where the customer is verified, for `require_kyc`. Reads when the form is open, and writes a new one only when there
 * is none; a customer who failed is `unused` again with it. Not to be called inside a transaction that holds the
 * customer's lock.
 */
export async function kycForm(
  app: Pick<App, 'db' | 'clock' | 'secrets' | 'config'>,
  integrationId: number,
  customerId: number,
): Promise<KycForm> {
  const customer = await findCustomer(app.db, integrationId, customerId)
  const latest =
    customer && (await findLatestVerification(app.db, { integrationId, customerId, kind: kindOf(customer) }))
  if (latest && isOpen(latest, app.clock.now())) return { kyc_form_url: formUrl(app, latest) }
  const opened = await openVerification(app, { integrationId, id: customerId })
  if (!opened) fail('user_not_found', 'There is no such customer who could be verified.')
  const { url, password } = opened
  return { kyc_form_url: url, ...(password !== undefined && { password }) }
}
