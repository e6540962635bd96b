/** Every event type and when it is sent: the one list that subscriptions, the documentation and the log share. */
export const EVENT_TYPES = {
  PAY_IN: "The customer's payment was received.",
  COINS_SENT: 'The tokens are confirmed in the wallet.',
  CRYPTO_RECEIVED: 'The tokens of a sale were received.',
  TRANSFER_RAMPOFF_FINISHED: 'The bank transfer of a sale was sent.',
  KYC_VALID: 'The verification was accepted.',
  KYC_FAIL: 'The verification was refused for good.',
  KYC_PROCESSING: 'The verification was handed in, or waits for fields to be mended.',
  PAYMENT_EXPIRED: 'The payment ended because no money came in time.',
  PAYMENT_REJECTED: 'The payment ended because the provider refused it.',
  PAYMENT_CANCELLED: 'The payment was cancelled.',
  PAYMENT_IN_REVIEW: 'The payment waits for a person to look at it.',
  PAYMENT_REFUNDED: 'The money went back to the payer.',
  PAYMENT_CHARGED_BACK: 'The payer took the money back through the card network.',
  RAMPOFF_EXPIRED: 'The sale ended because no tokens came in time.',
  RAMPOFF_IN_REVIEW: 'The sale waits for a person to look at it.',
  RAMPOFF_REVIEWED: 'A person has looked at the sale: it goes on, or is finished as it was before.',
  RAMPOFF_REFUNDED: 'The tokens of the sale went back.',
  RAMPOFF_FAILED: 'The sale ended without a transfer.',
} as const

export type EventType = keyof typeof EVENT_TYPES

/** What the event is about, by the name that the documentation gives to the object in `data`. */
export function objectOfEvent(type: EventType): 'Payment' | 'Sale' | 'Kyc' {
  if (type.startsWith('KYC_')) return 'Kyc'
  return /RAMPOFF|CRYPTO_RECEIVED/.test(type) ? 'Sale' : 'Payment'
}

/** Older names that a subscription may still use; the events are then sent under them. */
const OLDER_NAMES: Readonly<Record<string, EventType>> = { RAMPOFF_FINISHED: 'TRANSFER_RAMPOFF_FINISHED' }

export const SUBSCRIBABLE_NAMES: readonly string[] = [
  ...Object.keys(EVENT_TYPES),
  ...Object.keys(OLDER_NAMES),
]

/** The event type that a name stands for, or `undefined` when there is none. */
export function findEventType(name: string): EventType | undefined {
  if (Object.hasOwn(EVENT_TYPES, name)) return name as EventType
  return Object.hasOwn(OLDER_NAMES, name) ? OLDER_NAMES[name] : undefined
}
