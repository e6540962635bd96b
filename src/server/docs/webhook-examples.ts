import { SALE_EXAMPLE } from '../../offramp/retrieve-rampoff.ts'
import { PAYMENT_EXAMPLE } from '../../onramp/retrieve-payment.ts'
import type { EventType } from '../../webhooks/event-types.ts'

/** A payment that has just been created and waits for money. */
const STARTED = {
  ...PAYMENT_EXAMPLE,
  status: 'started',
  fiat_amount_received: '0.00',
  txid: undefined,
  holder: null,
  expires_at: '2026-06-26T11:00:00.000000Z',
}

const RECEIVED = {
  ...PAYMENT_EXAMPLE,
  status: 'payment_received',
  txid: undefined,
  expires_at: '2026-06-27T10:31:02.000000Z',
}

/** A bank transfer that came from somebody else, and waits for a person to look at it. */
const IN_REVIEW = {
  ...RECEIVED,
  status: 'in_review',
  payment_type: 'transfer',
  price_fixed_at: null,
  price_expires_at: null,
  fee: '1.97',
  holder: { name: 'Otra Persona Distinta', iban: 'DE32000000008161730228', card_last4: null },
  bank_transfer: {
    iban: 'ES4199980001320001000017',
    bic: 'SIMBESMMXXX',
    concept: 100008,
    destination_name: 'Sandbox Remittances',
    amount: '150.50',
  },
  expires_at: '2026-07-03T10:31:02.000000Z',
}

/** A sale that has just been created and waits for coins. */
const SALE_STARTED = {
  ...SALE_EXAMPLE,
  status: 'started',
  received_amount: '0',
  txid: null,
  payout: null,
  payouts: [],
  deposits: [],
  expires_at: '2026-06-27T10:30:00.000000Z',
}

const KYC = {
  user_id: 100067,
  kyc_status: 'valid',
  kyc_level: 'basic',
  reasons: [] as { field: string | null; code: string; text: string }[],
  reinforced: null,
  updated_at: '2026-06-26T10:30:00.000000Z',
}

/**
 * What `data` holds in events; a test has each of them delivered and compares. Sales that need a person, or needed one, or end otherwise
 * are not here: `data` is the sale as its GET gives it, with the status that the type names.
 */
export const EVENT_DATA: Partial<Record<EventType, object>> = {
  PAY_IN: RECEIVED,
  COINS_SENT: PAYMENT_EXAMPLE,
  CRYPTO_RECEIVED: {
    ...SALE_STARTED,
    status: 'crypto_received',
    received_amount: SALE_EXAMPLE.amount,
    txid: SALE_EXAMPLE.txid,
    deposits: SALE_EXAMPLE.deposits,
  },
  TRANSFER_RAMPOFF_FINISHED: SALE_EXAMPLE,
  RAMPOFF_EXPIRED: { ...SALE_STARTED, status: 'expired', expires_at: null },
  KYC_VALID: KYC,
  KYC_FAIL: {
    ...KYC,
    kyc_status: 'fail',
    kyc_level: 'none',
    reasons: [{ field: null, code: 'not_accepted', text: 'The customer cannot be accepted.' }],
  },
  KYC_PROCESSING: {
    ...KYC,
    kyc_status: 'processing',
    kyc_level: 'none',
    reasons: [{ field: 'document_front', code: 'blurred', text: 'The picture is blurred.' }],
  },
  PAYMENT_EXPIRED: { ...STARTED, status: 'expired', expires_at: null },
  PAYMENT_REJECTED: { ...STARTED, status: 'payment_rejected', expires_at: null },
  PAYMENT_CANCELLED: { ...STARTED, status: 'cancelled', expires_at: null },
  PAYMENT_IN_REVIEW: IN_REVIEW,
  PAYMENT_REFUNDED: {
    ...IN_REVIEW,
    status: 'refunded',
    expires_at: null,
    refund: {
      state: 'confirmed',
      amount: '150.50',
      reason: 'requested',
      created_at: '2026-06-26T10:31:12.000000Z',
    },
  },
  PAYMENT_CHARGED_BACK: {
    ...PAYMENT_EXAMPLE,
    holder: { name: 'Ana Pérez', iban: null, card_last4: '0259' },
    chargeback: {
      amount: '150.50',
      reason: 'fraudulent',
      state: 'charged_back',
      created_at: '2026-06-26T10:33:12.000000Z',
    },
  },
}

/** An event as it is delivered. */
export function exampleEvent(type: EventType): object | undefined {
  const data = EVENT_DATA[type]
  return (
    data && {
      id: 'evt_4nRw8sZx1cBf6mLt3JHkQ2vY',
      type,
      sequence: 1042,
      created_at: '2026-06-26T10:31:02.000000Z',
      data,
    }
  )
}
