import type { Generated } from 'kysely'
import type { JSONColumn } from './schema.ts'

/** The tables of the simulated outside world, column for column as `migrations/` makes them. */
export interface SimulatedDatabase {
  'simulated.callbacks': SimulatedCallbacksTable
  'simulated.cardSessions': SimulatedCardSessionsTable
  'simulated.cardRefunds': SimulatedCardRefundsTable
  'simulated.openBankingSessions': SimulatedOpenBankingSessionsTable
  'simulated.redirectSessions': SimulatedRedirectSessionsTable
  'simulated.redirectRefunds': SimulatedRedirectRefundsTable
  'simulated.bankAccounts': SimulatedBankAccountsTable
  'simulated.bankTransfers': SimulatedBankTransfersTable
  'simulated.bankLines': SimulatedBankLinesTable
  'simulated.kycApplications': SimulatedKycApplicationsTable
}

interface SimulatedCallbacksTable {
  id: Generated<number>
  provider: 'card' | 'open_banking' | 'bank' | 'kyc' | 'paypal' | 'local'
  notification: JSONColumn
  attempts: Generated<number>
  dueAt: Date
  leaseUntil: Date | null
}

interface SimulatedCardSessionsTable {
  id: string
  idempotencyKey: string
  reference: string
  units: bigint
  currency: string
  description: string
  merchantName: string
  returnUrl: string
  language: string | null
  customerName: string | null
  state: Generated<'open' | 'paid' | 'declined' | 'cancelled' | 'expired'>
  threeDSecure: Generated<'none' | 'required' | 'passed' | 'failed'>
  wrongCodes: Generated<number>
  declines: Generated<number>
  declineCode: string | null
  cardLast4: string | null
  cardBrand: string | null
  holderName: string | null
  refundedUnits: Generated<bigint>
  chargebackDueAt: Date | null
  chargedBackAt: Date | null
  disputeWonAt: Date | null
  disputeDueAt: Date | null
  expiresAt: Date
  createdAt: Date
  updatedAt: Date
}

interface SimulatedCardRefundsTable {
  id: string
  idempotencyKey: string
  sessionId: string
  units: bigint
  state: Generated<'pending' | 'done' | 'failed'>
  reason: string | null
  dueAt: Date
  createdAt: Date
  updatedAt: Date
}

interface SimulatedOpenBankingSessionsTable {
  id: string
  idempotencyKey: string
  reference: string
  units: bigint
  currency: string
  description: string
  merchantName: string
  returnUrl: string
  language: string | null
  creditorIban: string
  creditorName: string
  concept: string
  customerName: string | null
  state: Generated<'open' | 'initiated' | 'refused' | 'cancelled' | 'expired'>
  bankId: string | null
  loggedIn: Generated<boolean>
  debtorName: string | null
  debtorIban: string | null
  refusal: string | null
  expiresAt: Date
  createdAt: Date
  updatedAt: Date
}

interface SimulatedRedirectSessionsTable {
  id: string
  kind: 'paypal' | 'local'
  method: string
  idempotencyKey: string
  reference: string
  units: bigint
  currency: string
  description: string
  merchantName: string
  returnUrl: string
  language: string | null
  customerName: string | null
  state: Generated<'open' | 'paid' | 'declined' | 'cancelled' | 'expired'>
  code: string | null
  payerName: string | null
  declineCode: string | null
  paidUnits: Generated<bigint>
  refundedUnits: Generated<bigint>
  payDueAt: Date | null
  disputeDueAt: Date | null
  disputedUnits: Generated<bigint>
  expiresAt: Date
  createdAt: Date
  updatedAt: Date
}

interface SimulatedRedirectRefundsTable {
  id: string
  idempotencyKey: string
  sessionId: string
  units: bigint
  state: Generated<'pending' | 'done' | 'failed'>
  reason: string | null
  dueAt: Date
  createdAt: Date
  updatedAt: Date
}

interface SimulatedBankAccountsTable {
  iban: string
  bic: string
  bankName: string
  holderName: string
  currency: string
  balanceUnits: Generated<bigint>
  heldUnits: Generated<bigint>
  filesOnly: Generated<boolean>
  nextLine: Generated<number>
  openedAt: Date
}

interface SimulatedBankTransfersTable {
  id: string
  iban: string
  direction: 'in' | 'out'
  idempotencyKey: string | null
  units: bigint
  currency: string
  counterpartyName: string
  counterpartyIban: string | null
  concept: string
  endToEndId: string | null
  state: Generated<'accepted' | 'booked' | 'rejected' | 'returned'>
  fate: Generated<'book' | 'reject' | 'return' | 'stay'>
  fateCode: string | null
  fateText: string | null
  returnAfterMs: number | null
  returnUnits: bigint | null
  reason: string | null
  dueAt: Date | null
  createdAt: Date
  updatedAt: Date
}

interface SimulatedBankLinesTable {
  iban: string
  line: number
  transferId: string
  bookedAt: Date
  direction: 'credit' | 'debit'
  units: bigint
  balanceUnits: bigint
}

interface SimulatedKycApplicationsTable {
  id: string
  idempotencyKey: string
  outcome: 'valid' | 'mend' | 'fail' | 'review'
  reasons: JSONColumn
  checks: JSONColumn
  decidedAt: Date
  createdAt: Date
}
