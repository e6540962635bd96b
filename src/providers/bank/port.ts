import type { ProviderNotification, RawCallback } from '../callback.ts'

/**
 * The bank that keeps our accounts: what was booked on them, and transfers out of them.
 *
 * Every method throws `ProviderError`. `sendTransfer` is idempotent by its key.
 */
export interface BankProvider {
  readonly name: string
  listAccounts(): Promise<ProviderAccount[]>
  /** `rejected` with code `account_not_found` when it isn't ours. */
  getBalance(iban: string): Promise<AccountBalance>
  /**
   * Booked lines, oldest first. `after` is the `ref` of the last line known, null for the beginning; a line once
   * listed keeps its place, so going on after the last one misses none.
   */
  listTransactions(iban: string, after: string | null, limit?: number): Promise<BankLine[]>
  /** Orders a transfer. It is booked, rejected or returned later: told by a notification and by `findTransfer`. */
  sendTransfer(order: TransferOrder): Promise<BankTransfer>
  findTransfer(idempotencyKey: string): Promise<BankTransfer | undefined>
  /** Checks the signature and the time of a callback and reads it. Throws `CallbackRefused`. */
  parseCallback(callback: RawCallback): BankNotification[]
}

export interface ProviderAccount {
  iban: string
  bic: string
  bankName: string
  holderName: string
  currency: string
}

export interface AccountBalance {
  iban: string
  units: bigint
  currency: string
}

export interface BankLine {
  /** The bank's own reference of the line, unique on the account. */
  ref: string
  iban: string
  bookedAt: Date
  /** `YYYY-MM-DD` */
  valueDate: string
  direction: 'credit' | 'debit'
  /** Always positive. */
  units: bigint
  /** The account's balance after this line. */
  balanceUnits: bigint
  currency: string
  counterpartyName: string
  counterpartyIban: string | null
  concept: string
  endToEndId: string | null
  /** The transfer of ours that this line books (debit) or gives back (credit). */
  transferRef: string | null
}

export interface TransferOrder {
  idempotencyKey: string
  /** The account of ours that pays. */
  iban: string
  toIban: string
  toName: string
  units: bigint
  currency: string
  concept: string
  endToEndId: string
}

export interface BankTransfer {
  providerRef: string
  idempotencyKey: string
  iban: string
  units: bigint
  /** `returned`: it was booked, and the receiving bank sent it back. */
  state: 'accepted' | 'booked' | 'rejected' | 'returned'
  /** Why it was rejected or returned, e.g. `account_closed`. */
  reason: string | null
}

export type BankNotification =
  | (ProviderNotification & { type: 'line.booked'; line: NotifiedLine })
  | (ProviderNotification & {
      type: 'transfer.booked' | 'transfer.rejected' | 'transfer.returned'
      providerRef: string
      idempotencyKey: string
      iban: string
      /** Decimal text, base units. */
      units: string
      reason: string | null
    })

/** A `BankLine` as JSON: units as decimal text, times as ISO 8601. */
export interface NotifiedLine extends Omit<BankLine, 'bookedAt' | 'units' | 'balanceUnits'> {
  bookedAt: string
  units: string
  balanceUnits: string
}
