import { sql } from 'kysely'
import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { Failure } from '../server/errors.ts'
import { type Reconciled, type Reconciling, reconcileLine } from './reconcile-line.ts'

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'wake' | 'pageNews'>

export type HandMatch = Pick<
  Reconciling,
  'iban' | 'transactionId' | 'paymentId' | 'amount' | 'acceptDifference'
>

/**
 * An operator says which payment a line is for: what an integration can say of its own accounts, and of shared ones
 * nobody else. Recorded with who and why. Throws `RefusedOperation` with the reason.
 */
export async function matchByHand(app: Needs, asked: HandMatch, { who, why }: Change): Promise<Reconciled> {
  await refuseOtherOwner(app, asked)
  const { iban, transactionId, paymentId, amount } = asked
  try {
    return await reconcileLine(app, {
      ...asked,
      by: 'operator',
      within: (trx, { paymentState }) =>
        recordAudit(trx, app.clock.now(), {
          who,
          why,
          action: 'bank-line.match',
          target: `bank-line:${iban}:${transactionId}`,
          after: { payment: paymentId, state: paymentState, ...(amount === undefined ? {} : { amount }) },
        }),
    })
  } catch (error) {
    if (error instanceof Failure) throw new RefusedOperation(error.message)
    throw error
  }
}

/** Money on an integration's own account is never another's. */
async function refuseOtherOwner(
  { db }: Needs,
  { iban, paymentId }: Pick<HandMatch, 'iban' | 'paymentId'>,
): Promise<void> {
  const { rows } = await sql<{ owner: number | null; integrationId: number | null }>`
    select accounts.integration_id as owner, payments.integration_id
      from bank_accounts accounts left join payments on payments.id = ${paymentId}
     where accounts.iban = ${iban}`.execute(db)
  const [found] = rows
  if (!found) throw new RefusedOperation(`There is no account ${iban}.`)
  if (found.integrationId === null) throw new RefusedOperation(`There is no payment ${paymentId}.`)
  if (found.owner !== null && found.owner !== found.integrationId) {
    throw new RefusedOperation(`Account ${iban} is another integration’s than payment ${paymentId}.`)
  }
}
