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
  /**
   * Orders a transfer. It is booked, rejected or returned later: told by a notification and by `findTransfer`. What is
   * refused at once throws `rejected` with an ISO 20022 code, such as `AC01`; with `AM04` there is not enough money.
   */
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
  /** Of a line that gives back: the receiving bank's ISO 20022 code, such as `AC04`, and its words, where it has any. */
  returnCode: string | null
  returnText: string | null
}

/** Where a transfer goes: an account in SEPA, or one at a bank in Latin America. Numbers are normalised. */
export type TransferTarget = { iban: string } | { account: string; bankName: string; country: string }

export interface TransferOrder {
  idempotencyKey: string
  /** The account of ours that pays. */
  iban: string
  to: TransferTarget
  /** At most 70 characters. */
  toName: string
  units: bigint
  currency: string
  /** At most 140 characters. */
  concept: string
  /** Comes to the receiver unchanged, at most 35 characters. */
  endToEndId: string
}

export interface BankTransfer {
  providerRef: string
  idempotencyKey: string
  iban: string
  units: bigint
  /** `returned`: it was booked, and the receiving bank sent it back. */
  state: 'accepted' | 'booked' | 'rejected' | 'returned'
  /** Why it was rejected or returned: the ISO 20022 code, such as `AC04`, and the bank's words, where it has any. */
  reason: string | null
  reasonText: string | null
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
      reasonText: string | null
    })

/** A `BankLine` as JSON: units as decimal text, times as ISO 8601. */
export interface NotifiedLine extends Omit<BankLine, 'bookedAt' | 'units' | 'balanceUnits'> {
  bookedAt: string
  units: string
  balanceUnits: string
}
