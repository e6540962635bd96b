import { isLocalMethod } from '../pricing/payment-methods.ts'

/** Who takes the money of a payment on a page of their own. */
export type SessionTaker = 'card' | 'open_banking' | 'paypal' | 'local'

/** Undefined for a bank transfer, which the customer makes alone. */
export function takerOf(paymentType: string): SessionTaker | undefined {
  if (paymentType === 'card' || paymentType === 'paypal') return paymentType
  if (paymentType === 'psd2') return 'open_banking'
  return isLocalMethod(paymentType) ? 'local' : undefined
}

/**
 * The ledger's account of what a provider took and has not settled, and the door by which it goes back:
 * `card:<provider>`, `paypal:<provider>`, `local:<provider>`.
 */
export const takerAccount = (paymentType: string, provider: string): string =>
  `${takerOf(paymentType)}:${provider}`
