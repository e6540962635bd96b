import type { ColumnType, Generated } from 'kysely'
import type { SimulatedDatabase } from './simulated-schema.ts'

/**
 * The tables as Kysely sees them, column for column as `migrations/` makes them. Base units are `bigint`
 * (numeric(78,0)), ids and sequences `number` (all below 2^53), times `Date`.
 */

/** jsonb: parsed when read; written as JSON text (`JSON.stringify`) or through `jsonColumn`. */
// biome-ignore lint/suspicious/noExplicitAny: the reader of a row narrows it with its own schema.
export type JSONColumn = ColumnType<any, string | undefined, string>
// biome-ignore lint/suspicious/noExplicitAny: as above.
type NullableJSONColumn = ColumnType<any, string | null | undefined, string | null>

export interface Database extends SimulatedDatabase {
  integrations: IntegrationsTable
  credentials: CredentialsTable
  authTokens: AuthTokensTable
  idempotencyKeys: IdempotencyKeysTable
  auditLog: AuditLogTable
  customers: CustomersTable
  verifications: VerificationsTable
  passwordAttempts: PasswordAttemptsTable
  documents: DocumentsTable
  payments: PaymentsTable
  paymentGateways: PaymentGatewaysTable
  paymentSessions: PaymentSessionsTable
  providerCallbacks: ProviderCallbacksTable
  bankAccounts: BankAccountsTable
  paymentConcepts: PaymentConceptsTable
  bankTransactions: BankTransactionsTable
  bankMatches: BankMatchesTable
  bankSuggestions: BankSuggestionsTable
  bankLineRefs: BankLineRefsTable
  knownPayers: KnownPayersTable
  payerNews: PayerNewsTable
  paymentNames: PaymentNamesTable
  unnamedPayments: UnnamedPaymentsTable
  statementImports: StatementImportsTable
  statements: StatementsTable
  statementLines: StatementLinesTable
  statementBatches: StatementBatchesTable
  bankDoubts: BankDoubtsTable
  orderFiles: OrderFilesTable
  fileOrders: FileOrdersTable
  chargebackScans: ChargebackScansTable
  bankCloses: BankClosesTable
  journals: JournalsTable
  postings: PostingsTable
  unsealedJournals: UnsealedJournalsTable
  journalSeals: JournalSealsTable
  balanceCheckpoints: BalanceCheckpointsTable
  doors: DoorsTable
  chains: ChainsTable
  wallets: WalletsTable
  chainTransactions: ChainTransactionsTable
  chainAttempts: ChainAttemptsTable
  effects: EffectsTable
  outflows: OutflowsTable
  events: EventsTable
  webhookSubscriptions: WebhookSubscriptionsTable
  webhookDestinations: WebhookDestinationsTable
  deliveries: DeliveriesTable
  deliveryAttempts: DeliveryAttemptsTable
  sales: SalesTable
  deposits: DepositsTable
  chainScans: ChainScansTable
  chainBlocks: ChainBlocksTable
  sweeps: SweepsTable
  platform: PlatformTable
  providerFaults: ProviderFaultsTable
}

export interface IntegrationsTable {
  id: Generated<number>
  name: string
  settings: JSONColumn
  version: Generated<number>
  eventSequence: Generated<number>
  detachedAt: Date | null
  replacedBy: number | null
  createdAt: Date
  updatedAt: Date
}

export interface CredentialsTable {
  apiKey: string
  integrationId: number
  secretSealed: Buffer
  expiresAt: Date | null
  createdAt: Date
}

export interface AuthTokensTable {
  tokenHash: Buffer
  integrationId: number
  apiKey: string
  expiresAt: Date
  revokedAt: Date | null
  createdAt: Date
}

export interface IdempotencyKeysTable {
  integrationId: number
  method: string
  path: string
  keyHash: Buffer
  bodyHash: Buffer
  state: 'running' | 'done'
  resourceId: string | null
  status: number | null
  answerSealed: Buffer | null
  realStartedAt: Date
  expiresAt: Date
}

export interface AuditLogTable {
  id: Generated<number>
  at: Date
  who: string
  why: string
  action: string
  target: string
  before: NullableJSONColumn
  after: NullableJSONColumn
}

export interface CustomersTable {
  integrationId: number
  id: Generated<number>
  uuid: string
  type: 'individual' | 'company'
  keyWrapped: Buffer | null
  personalSealed: Buffer
  emailIndex: Buffer
  externalId: string | null
  country: string | null
  language: string | null
  callbackUrl: string | null
  kycStatus: Generated<'unused' | 'processing' | 'valid' | 'fail'>
  kycLevel: Generated<'none' | 'basic' | 'reinforced'>
  kycReasons: JSONColumn
  kycUpdatedAt: Date
  /** Null until an enhanced verification was begun. */
  reinforcedStatus: 'unused' | 'processing' | 'valid' | 'fail' | null
  reinforcedReasons: JSONColumn
  bannedAt: Date | null
  bannedReason: string | null
  createdAt: Date
  updatedAt: Date
}

/** Wrong passwords of a company's form from one network. */
export interface PasswordAttemptsTable {
  integrationId: number
  verificationId: string
  network: Buffer
  failures: number
  /** No password from there is looked at before that time of the machine. */
  waitUntil: Date
}

export interface VerificationsTable {
  integrationId: number
  id: string
  customerId: number
  kind: 'kyc' | 'kyb' | 'reinforced' | 'delegated'
  tokenHash: Buffer
  tokenSealed: Buffer
  phase: 'form' | 'submitted' | 'deciding' | 'review' | 'valid' | 'fail' | 'expired'
  dataSealed: Buffer | null
  /** Of a company's form: null for the others, which their link alone opens. */
  passwordHash: string | null
  reasons: JSONColumn
  checks: JSONColumn
  providerRef: string | null
  callbackUrl: string | null
  decidedBy: string | null
  decidedAt: Date | null
  version: Generated<number>
  expiresAt: Date
  dueAt: Date | null
  leaseUntil: Date | null
  attempts: Generated<number>
  createdAt: Date
  updatedAt: Date
}

export interface DocumentsTable {
  integrationId: number
  id: string
  customerId: number
  verificationId: string | null
  type: string
  mime: string
  bytes: number
  width: number | null
  height: number | null
  problems: JSONColumn
  sha256: Buffer
  storageKey: string
  createdAt: Date
}

export interface PaymentsTable {
  integrationId: number
  id: string
  customerId: number
  externalId: string | null
  liveExternalId: string | null
  requestHash: Buffer
  guided: boolean
  paymentType: string
  state:
    | 'started'
    | 'pending_bank'
    | 'in_review'
    | 'payment_received'
    | 'coins_sent'
    | 'expired'
    | 'cancelled'
    | 'payment_rejected'
    | 'refunded'
  fiat: string
  fiatUnits: bigint
  receivedUnits: Generated<bigint>
  convertedUnits: Generated<bigint>
  refundedUnits: Generated<bigint>
  limitUnits: bigint
  symbol: string
  chain: string
  coinUnits: bigint
  price: string
  feeUnits: bigint
  networkFeeUnits: bigint
  terms: JSONColumn
  priceFixedAt: Date | null
  priceExpiresAt: Date | null
  quoteId: string | null
  wallet: string | null
  walletFixed: Generated<boolean>
  walletFrozen: Generated<boolean>
  callbackUrl: string | null
  browserHash: Buffer | null
  handoverHash: Buffer | null
  handoverExpiresAt: Date | null
  declines: Generated<number>
  lastDecline: string | null
  holderSealed: Buffer | null
  reviewReason: string | null
  reviewDetail: string | null
  endReason: string | null
  receivedAt: Date | null
  concept: number | null
  accountIban: string | null
  txid: string | null
  refund: NullableJSONColumn
  chargeback: NullableJSONColumn
  conversionRound: Generated<number>
  version: Generated<number>
  expiresAt: Date | null
  dueAt: Date | null
  leaseUntil: Date | null
  createdAt: Date
  updatedAt: Date
}

export interface PaymentGatewaysTable {
  integrationId: number
  paymentId: string
  tokenHash: Buffer
  tokenSealed: Buffer
  createdAt: Date
}

export interface PaymentSessionsTable {
  id: string
  integrationId: number
  paymentId: string
  paymentType: string
  provider: string
  providerRef: string | null
  url: string | null
  state: 'created' | 'open' | 'pending' | 'paid' | 'declined' | 'cancelled' | 'expired' | 'failed'
  units: bigint
  currency: string
  declines: Generated<number>
  declineCode: string | null
  returnedAt: Date | null
  chargedBackAt: Date | null
  disputeWonAt: Date | null
  dueAt: Date | null
  leaseUntil: Date | null
  attempts: Generated<number>
  createdAt: Date
  updatedAt: Date
}

export interface ProviderCallbacksTable {
  id: Generated<number>
  provider: string
  externalId: string
  payloadSealed: Buffer
  attempts: Generated<number>
  dueAt: Date | null
  leaseUntil: Date | null
  parkedReason: string | null
  receivedAt: Date
  processedAt: Date | null
}

export interface BankAccountsTable {
  iban: string
  integrationId: number | null
  bic: string
  bankName: string
  holderName: string
  currency: string
  status: Generated<string>
  ordersBy: Generated<'api' | 'file'>
  statementRef: string | null
  dueAt: Date | null
  leaseUntil: Date | null
  createdAt: Date
}

export interface PaymentConceptsTable {
  iban: string
  concept: number
  integrationId: number
  paymentId: string
  createdAt: Date
}

export interface BankTransactionsTable {
  iban: string
  id: string
  bankRef: string
  bookedAt: Date
  valueDate: string
  direction: 'credit' | 'debit'
  units: bigint
  matchedUnits: Generated<bigint>
  currency: string
  counterpartySealed: Buffer
  concept: string
  endToEndId: string | null
  transferRef: string | null
  returnCode: string | null
  returnText: string | null
  state: Generated<'unmatched' | 'suggested' | 'matched' | 'returned' | 'divided'>
  matchReasons: JSONColumn
  /** 0 to 100. */
  matchScore: number | null
  bookedOn: string
  payerIndex: Buffer | null
  importId: string | null
  importLine: number | null
  /** The line of the sum that it was told to be part of. */
  partOf: Generated<string | null>
  /** Of a debit that takes a credit back: by what it names it. */
  reversalRefs: NullableJSONColumn
  /** The credit that it takes back. */
  reverses: Generated<string | null>
  reversal: Generated<'waits' | 'settled' | 'lost' | 'seen' | null>
  dueAt: Date | null
  leaseUntil: Date | null
  createdAt: Date
}

export interface BankSuggestionsTable {
  iban: string
  transactionId: string
  integrationId: number
  paymentId: string
  /** 0 to 100. */
  score: number
  reasons: JSONColumn
  /** The payment's when it was suggested. */
  paymentState: string | null
}

export interface PaymentNamesTable {
  paymentId: string
  digest: Buffer
  iban: string
  units: bigint
  createdAt: Date
}

/** Payments that `payment_names` may have to have, not looked at yet. */
export interface UnnamedPaymentsTable {
  iban: string
  paymentId: string
}

export interface BankLineRefsTable {
  iban: string
  ref: string
  transactionId: string
}

export interface KnownPayersTable {
  integrationId: number
  payerIndex: Buffer
  customerId: string
  payments: Generated<number>
  lastPaidAt: Date
}

export interface PayerNewsTable {
  iban: string
  transactionId: string
  integrationId: number
  paymentId: string
  /** The payer's name was not known before. */
  learnedName: boolean
  /** The payer's account was not known before. */
  learnedAccount: boolean
  dueAt: Date
  leaseUntil: Date | null
}

export interface StatementImportsTable {
  id: string
  digest: Buffer
  fileName: string
  format: string
  bytes: bigint
  storageKey: string
  source: 'command' | 'folder' | 'console' | 'bank'
  importedBy: string
  lines: number
  added: number
  createdAt: Date
}

export interface StatementsTable {
  importId: string
  position: number
  iban: string
  currency: string
  statementRef: string | null
  fromOn: string | null
  toOn: string | null
  openingUnits: bigint | null
  closingUnits: bigint | null
  lines: number
  added: number
  doubts: Generated<number>
  complete: boolean
  wholeFrom: string | null
  wholeTo: string | null
  findings: JSONColumn
}

export interface StatementLinesTable {
  importId: string
  position: number
  number: number
  iban: string
  transactionId: string
  ref: string | null
  print: Buffer
  /** The day that it gives the line, where that is not the line's own. */
  toldOn: Generated<string | null>
}

export interface StatementBatchesTable {
  importId: string
  position: number
  entry: number
  iban: string
  bookedOn: string
  direction: 'credit' | 'debit'
  units: bigint
  transfers: number | null
  refs: string[]
  numbers: number[]
}

export interface BankDoubtsTable {
  iban: string
  id: string
  /** `port`, or the kind of statement, such as `camt.053`. */
  toldBy: string
  importId: string | null
  position: number | null
  number: number | null
  importLine: number | null
  bankRef: string | null
  bookedAt: Date
  bookedOn: string
  valueDate: string
  direction: 'credit' | 'debit'
  units: bigint
  currency: string
  counterpartySealed: Buffer
  payerIndex: Buffer | null
  concept: string
  endToEndId: string | null
  transferRef: string | null
  returnCode: string | null
  returnText: string | null
  print: Buffer
  reason: 'other_words' | 'not_on_statement' | 'same_sum' | 'told_again' | 'other_day' | 'batch'
  state: Generated<'open' | 'same' | 'new' | 'dismissed' | 'again'>
  transactionId: string | null
  createdAt: Date
  decidedAt: Date | null
  /** The doubt that this one is, told again. */
  sameAs: Generated<string | null>
  reversalRefs: NullableJSONColumn
  /** The credit that it would take back. */
  reverses: Generated<string | null>
}

export interface OrderFilesTable {
  id: string
  iban: string
  format: 'pain.001.001.03' | 'pain.001.001.09'
  messageId: string
  storageKey: string
  orders: number
  units: bigint
  answer: string | null
  madeBy: string
  createdAt: Date
  batchLine: string | null
}

export interface ChargebackScansTable {
  provider: string
  readTo: Date
  dueAt: Date
  leaseUntil: Date | null
}

export interface BankClosesTable {
  iban: string
  /** `YYYY-MM-DD` */
  day: string
  run: number
  toldBy: 'statement' | 'bank' | 'none'
  bankUnits: bigint | null
  ledgerUnits: bigint
  agreed: boolean
  differences: JSONColumn
  closedBy: string
  closedAt: Date
}

export interface FileOrdersTable {
  idempotencyKey: string
  iban: string
  destinationSealed: Buffer
  units: bigint
  currency: string
  state: Generated<'accepted' | 'booked' | 'rejected' | 'returned'>
  fileId: string | null
  reason: string | null
  reasonText: string | null
  createdAt: Date
  updatedAt: Date
}

export interface BankMatchesTable {
  iban: string
  transactionId: string
  integrationId: number
  paymentId: string
  units: bigint
  matchedBy: string
  round: Generated<number>
  differenceUnits: Generated<bigint>
  paymentState: Generated<PaymentsTable['state']>
  stateBefore: PaymentsTable['state'] | null
  deadlineBefore: Date | null
  bookedAt: Date
  createdAt: Date
}

export interface JournalsTable {
  id: Generated<number>
  kind: string
  purpose: string
  integrationId: number | null
  reference: string | null
  at: Date
}

export interface PostingsTable {
  journalId: number
  line: number
  account: string
  asset: string
  units: bigint
}

export interface UnsealedJournalsTable {
  journalId: number
}

export interface JournalSealsTable {
  position: number
  journalId: number
  headerHash: Buffer
  lineHashes: Buffer
  chainHash: Buffer
}

export interface BalanceCheckpointsTable {
  account: string
  asset: string
  units: bigint
  position: number
}

export interface DoorsTable {
  door: string
  pausedAt: Date | null
  pausedBy: string | null
  pausedReason: string | null
  haltedAt: Date | null
  haltedReason: string | null
}

export interface ChainsTable {
  chain: string
  epoch: Generated<number>
  genesisHash: string
  checkpointHeight: Generated<number>
  checkpointHash: string
  updatedAt: Date
}

export interface WalletsTable {
  chain: string
  address: string
  keyRef: string
  role: 'hot' | 'faucet' | 'deposit'
  epoch: number
  nextNonce: Generated<number>
}

export interface ChainTransactionsTable {
  id: Generated<number>
  chain: string
  epoch: number
  wallet: string
  nonce: number
  kind: 'single' | 'batch' | 'approve'
  state: 'reserved' | 'prepared' | 'sent' | 'confirmed' | 'failed' | 'abandoned'
  request: JSONColumn
  cancelling: Generated<boolean>
  wantedAttempts: Generated<number>
  maxGasUnits: bigint
  hash: string | null
  blockHeight: number | null
  blockHash: string | null
  gasUnits: bigint | null
  reason: string | null
  attempts: Generated<number>
  dueAt: Date | null
  leaseUntil: Date | null
  realSentAt: Date | null
  createdAt: Date
  updatedAt: Date
}

export interface ChainAttemptsTable {
  transactionId: number
  attempt: number
  hash: string
  raw: string
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
  cancels: Generated<boolean>
  realCreatedAt: Date
}

export interface EffectsTable {
  id: string
  integrationId: number
  kind: 'coin_transfer' | 'bank_transfer' | 'card_refund'
  purpose: string
  reference: string
  door: string
  asset: string
  units: bigint
  account: string | null
  destinationSealed: Buffer
  state: 'planned' | 'reserved' | 'prepared' | 'sent' | 'confirmed' | 'failed' | 'unknown' | 'cancelled'
  givenUp: 'planned' | 'cancelled' | null
  transactionId: number | null
  idempotencyKey: string
  providerRef: string | null
  txid: string | null
  gasUnits: bigint | null
  single: Generated<boolean>
  reason: string | null
  attempts: Generated<number>
  leftOn: string | null
  lineRead: Generated<boolean>
  dueAt: Date | null
  leaseUntil: Date | null
  createdAt: Date
  updatedAt: Date
  confirmedAt: Date | null
}

export interface OutflowsTable {
  door: string
  asset: string
  day: string
  units: bigint
}

export interface EventsTable {
  integrationId: number
  id: string
  type: string
  stream: string
  position: Generated<number>
  sequence: number | null
  dataSealed: Buffer
  keyWrapped: Buffer | null
  createdAt: Date
}

export interface WebhookSubscriptionsTable {
  integrationId: number
  type: string
  sentType: string
  url: string
  createdAt: Date
  updatedAt: Date
}

export interface WebhookDestinationsTable {
  integrationId: number
  url: string
  dueAt: Date | null
  owner: string | null
  leaseUntil: Date | null
  failures: Generated<number>
  failingSince: Date | null
  resumeAt: Date | null
}

export interface DeliveriesTable {
  integrationId: number
  sequence: number
  eventId: string
  type: string
  sentType: string
  stream: string
  state: 'pending' | 'delivered' | 'failed' | 'dropped'
  attempts: Generated<number>
  tries: Generated<number>
  redeliveries: Generated<number>
  dueAt: Date | null
  retryUntil: Date | null
  createdAt: Date
  updatedAt: Date
}

export interface DeliveryAttemptsTable {
  integrationId: number
  sequence: number
  attempt: number
  url: string
  status: number | null
  error: string | null
  durationMs: number
  at: Date
}

export interface PlatformTable {
  onlyRow: Generated<boolean>
  mode: string
  clockOffsetMs: Generated<number>
}

export interface ProviderFaultsTable {
  id: Generated<number>
  provider: string
  kind: string
  remaining: number
  createdAt: Date
}

export interface SalesTable {
  integrationId: number
  id: string
  customerId: number
  externalId: string | null
  liveExternalId: string | null
  requestHash: Buffer
  state:
    | 'started'
    | 'crypto_received'
    | 'processing'
    | 'finished'
    | 'expired'
    | 'in_review'
    | 'refunded'
    | 'failed'
  chain: string
  symbol: string
  askedUnits: bigint
  receivedUnits: Generated<bigint>
  convertedUnits: Generated<bigint>
  returnedUnits: Generated<bigint>
  keptUnits: Generated<bigint>
  conversions: JSONColumn
  fiat: string
  fiatUnits: bigint
  feeUnits: bigint
  price: string
  priceFixedAt: Date | null
  priceExpiresAt: Date | null
  terms: JSONColumn
  quoteId: string | null
  address: string
  refundWallet: string | null
  payeeSealed: Buffer
  txid: string | null
  reviewReason: string | null
  reviewDetail: string | null
  endReason: string | null
  payout: NullableJSONColumn
  coinReturn: NullableJSONColumn
  earlierPayouts: JSONColumn
  earlierReturns: JSONColumn
  failure: Generated<string | null>
  version: Generated<number>
  expiresAt: Date | null
  dueAt: Date | null
  leaseUntil: Date | null
  createdAt: Date
  updatedAt: Date
}

export interface DepositsTable {
  integrationId: number
  id: string
  saleId: string
  chain: string
  epoch: number
  address: string
  asset: string
  units: bigint
  fromAddress: string | null
  txHash: string
  ordinal: number
  blockHeight: number
  blockHash: string
  state: 'seen' | 'vanished' | 'final'
  outcome: 'credited' | 'wrong_asset' | 'dust' | 'blocked' | null
  settledAt: Date | null
  returnRound: number | null
  leaseUntil: Date | null
  sweepSeenAt: Date | null
  firstSeenAt: Date
  finalAt: Date | null
  updatedAt: Date
}

export interface ChainScansTable {
  chain: string
  epoch: number
  height: number
  hash: string
  heldReason: string | null
  readUntil: Generated<Date | null>
  updatedAt: Date
}

export interface ChainBlocksTable {
  chain: string
  epoch: number
  height: number
  hash: string
}

export interface SweepsTable {
  id: string
  integrationId: number
  chain: string
  epoch: number
  address: string
  asset: string
  state: 'gas' | 'coins' | 'done' | 'failed' | 'lost'
  units: bigint
  round: Generated<number>
  attempts: Generated<number>
  dueAt: Date | null
  reason: string | null
  createdAt: Date
  updatedAt: Date
}
