import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import type { EffectsTable } from '../db/schema.ts'
import { randomText } from '../kernel/ids.ts'
import { type Payment, paymentReference } from './payment.ts'
import type { PaymentChanges } from './payment-changes.ts'
import { settleRefunds } from './payment-room.ts'
import { bankSourceKey, type Counterparty } from './refund-sources.ts'

/** A refund by bank that goes to an account which nobody has named yet. */
export interface NamelessRefund {
  id: string
  state: EffectsTable['state']
  destination: { iban: string; name: string; concept: string }
}

/** What came by a line for a payment. */
interface RefundedLine {
  paymentId: string
  iban: string
  transactionId: string
}

/** One that failed for want of an account, or waits for its turn: nothing was ordered, and nobody is about to. */
export const isUnordered = ({ state }: NamelessRefund): boolean => state === 'planned' || state === 'failed'

/**
 * Refunds of what came by a line that have no account to go to, locked: before their payment, as everywhere. What has
 * none is never ordered (`payout-ports.ts`): it fails, and waits for the account or for a person.
 */
export async function lockNamelessRefunds(
  trx: Trx,
  app: Pick<App, 'secrets'>,
  source: RefundedLine,
): Promise<NamelessRefund[]> {
  return openNameless(app, await bankRefunds(trx, source).forUpdate().execute())
}

/** The same, as they are. */
export async function findNamelessRefunds(
  trx: Trx,
  app: Pick<App, 'secrets'>,
  source: RefundedLine,
): Promise<NamelessRefund[]> {
  return openNameless(app, await bankRefunds(trx, source).execute())
}

const bankRefunds = (trx: Trx, { paymentId, iban, transactionId }: RefundedLine) =>
  trx
    .selectFrom('effects')
    .select(['id', 'state', 'destinationSealed'])
    .where('reference', '=', paymentReference(paymentId))
    .where('kind', '=', 'bank_transfer')
    .where('purpose', 'like', `%:${bankSourceKey(iban, transactionId)}`)
    .where('state', 'in', ['planned', 'prepared', 'unknown', 'failed'])
    .orderBy('id')

function openNameless(
  { secrets }: Pick<App, 'secrets'>,
  effects: readonly { id: string; state: EffectsTable['state']; destinationSealed: Buffer }[],
): NamelessRefund[] {
  return effects.flatMap(({ id, state, destinationSealed }) => {
    const destination = JSON.parse(secrets.open('effect', destinationSealed).toString('utf8'))
    return destination.iban === '' ? [{ id, state, destination }] : []
  })
}

/** Sends locked, unordered refunds of a locked payment on their way, now that the bank has named the account. */
export async function namePayee(
  { secrets }: Pick<App, 'secrets'>,
  trx: Trx,
  changes: PaymentChanges,
  payment: Payment,
  { refunds, payee }: { refunds: readonly NamelessRefund[]; payee: Counterparty & { iban: string } },
): Promise<void> {
  for (const { id, state, destination } of refunds) {
    const named = { ...destination, iban: payee.iban, name: destination.name || payee.name }
    await trx
      .updateTable('effects')
      .set({
        destinationSealed: secrets.seal('effect', JSON.stringify(named)),
        // Nothing was ordered under the old key, but a provider may have been asked about it.
        ...(state === 'failed' ? { idempotencyKey: randomText(25), providerRef: null } : {}),
        state: 'planned',
        reason: 'the bank named the account that the money came from',
        attempts: 0,
        dueAt: changes.now,
        leaseUntil: null,
        updatedAt: changes.now,
      })
      .where('id', '=', id)
      .execute()
    await recordAudit(trx, changes.now, {
      who: 'bank',
      why: 'The bank named the account that the money came from.',
      action: 'effect.name-payee',
      target: `effect:${id}`,
      before: { state },
      after: { state: 'planned' },
    })
  }
  await settleRefunds(trx, changes, [payment])
}
