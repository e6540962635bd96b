import { sql } from 'kysely'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import { isUnsettledDebit } from '../effects/held-orders.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { RETURNED_BY_BANK } from '../effects/payout-ports.ts'
import { book } from '../ledger/book.ts'
import { describeReason } from '../providers/bank/reasons.ts'
import { suspenseOf } from './record-lines.ts'
import {
  countDebits,
  lockReturnLines,
  type ReturnedEffect,
  type ReturnLine,
  type ReturnNeeds,
  releaseRefused,
  takeBackFromSuspense,
} from './returned-transfer.ts'

/** What the receiving banks kept of transfers that came back. */
export const BANK_COSTS = 'cost:bank'

/**
 * A person decides that a transfer which came back in part, or with too much, is over: the difference is the house's
 * cost, and the payment or sale holds all that was sent. Of a refund that the bank refused, and whose debit never came,
 * the payment holds the money again and the line stays without an owner. Answers the difference, in base units: cost is
 * positive.
 */
export async function settleReturn(
  app: ReturnNeeds,
  effectId: string,
  { who, why }: Change,
): Promise<{ asset: string; costUnits: bigint }> {
  const { after, ...settled } = await app.db.transaction().execute(async (trx) => {
    const { rows } = await sql<ReturnedEffect & { providerRef: string | null }>`
      select id, reference, purpose, door, asset, units, state, reason, idempotency_key, provider_ref from effects
       where id = ${effectId} and kind = 'bank_transfer' for update`.execute(trx)
    const effect = rows[0]
    if (!effect?.providerRef)
      throw new RefusedOperation(
        `There is no bank transfer ${effectId} that left. "effects list" shows them.`,
      )
    const iban = effect.door.slice('bank:'.length)
    const lines = await lockReturnLines(trx, iban, effect.providerRef)
    if (effect.state === 'cancelled' || lines.length === 0) {
      throw new RefusedOperation(`Nothing of ${effectId} came back that waits for a person.`)
    }
    const waiting = lines.find(({ dueAt }) => dueAt !== null)
    if (waiting) throw new RefusedOperation(`Line ${waiting.bankRef} is being looked at; try again soon.`)
    const now = app.clock.now()
    const { asset, purpose, reference } = effect
    const names = [effect.providerRef, effect.idempotencyKey]
    const debitRead = (await countDebits(trx, iban, names)) > 0
    const backUnits = lines.reduce((sum, { units }) => sum + units, 0n)
    await refuseSecond(trx, effect, lines[0]!)
    if (!debitRead) refuseUnread(effect, lines[0]!)
    const costUnits = debitRead ? effect.units - backUnits : 0n
    if (debitRead)
      await book(trx, {
        kind: 'return_costs',
        purpose: `${purpose}:return-costs`,
        integrationId: null,
        reference,
        at: now,
        postings: [
          { account: BANK_COSTS, asset, units: costUnits },
          { account: suspenseOf(iban), asset, units: -costUnits },
        ],
      })
    const { returnCode, returnText } = lines[0]!
    const reason = `${RETURNED_BY_BANK}: ${describeReason(returnCode, returnText)}`
    await recordAudit(trx, now, {
      who,
      why,
      action: 'effect.settle-return',
      target: `effect:${effectId}`,
      before: { state: effect.state, reason: effect.reason },
      after: { state: 'cancelled', costUnits: costUnits.toString() },
    })
    const takeBack = debitRead ? takeBackFromSuspense : releaseRefused
    const after = await takeBack(app, trx, effect, { lines, reason })
    return { asset, costUnits, after }
  })
  after()
  return settled
}

/** What the bank took again is what it gives back first: as long as that waits, the transfer itself stays where it is. */
async function refuseSecond(
  trx: Trx,
  { id, idempotencyKey }: ReturnedEffect,
  { iban, id: line, transferRef }: ReturnLine,
): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    select t.id from bank_transactions t
     where t.iban = ${iban} and t.transfer_ref in (${transferRef}, ${idempotencyKey}) and ${isUnsettledDebit}
     limit 1`.execute(trx)
  if (rows[0])
    throw new RefusedOperation(
      `The bank took ${id} more than once, the second time by line ${rows[0].id} of ${iban}. If line ${line} gives that back: "accounts claim" both, as the same. Otherwise claim that debit first.`,
    )
}

/** Nothing left by the books: only what the bank refused is sure not to leave any more. */
function refuseUnread({ id, state, reference }: ReturnedEffect, { iban, id: line }: ReturnLine): void {
  if (state === 'failed' && reference.startsWith('payment:')) return
  throw new RefusedOperation(
    `No statement has the debit of ${id}, which is ${state}: import the one that has it, and it is taken back by itself. If it never left, "bank refund-line" or "accounts claim" says whose line ${line} of ${iban} is.`,
  )
}
