import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { lockPlanned } from './cancel-refunds.ts'
import { takeMoneyBack } from './chargeback.ts'
import type { PaymentChanges } from './payment-changes.ts'
import { lockCoins } from './payment-effects.ts'
import { lockPayments } from './payment-store.ts'
import { bankSourceKey } from './refund-sources.ts'

/** A transfer of which the bank took so much back that was a payment's. */
export interface TransferTakenBack {
  paymentId: string
  iban: string
  /** Our line of the transfer, and the one that took it back. */
  creditId: string
  debitId: string
  units: bigint
  /** The ledger's account that holds what the bank took. */
  account: string
  mark: () => Promise<void>
}

/**
 * A bank took back a transfer whose match can't be undone, since coins or money have left: it is a chargeback, of which
 * what is still held is given back and the rest is lost. Answers what was lost, in base units.
 */
export async function chargeBackTransfer(
  app: Pick<App, 'secrets'>,
  trx: Trx,
  changes: PaymentChanges,
  { paymentId, iban, creditId, debitId, ...taken }: TransferTakenBack,
): Promise<bigint> {
  const source = bankSourceKey(iban, creditId)
  const coins = await lockCoins(trx, paymentId)
  const refunds = await lockPlanned(trx, paymentId, source)
  const payment = (await lockPayments(trx, [paymentId])).get(paymentId)
  if (!payment) throw new Error(`There is no payment ${paymentId}.`)
  const { lossUnits } = await takeMoneyBack(app, trx, changes, payment, {
    ...taken,
    coins,
    refunds,
    key: `bank-line:${iban}:${debitId}`,
    source,
    reason: 'reversed_by_bank',
  })
  return lossUnits
}
