import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { RETURNED_BY_BANK } from '../effects/payout-ports.ts'
import { recheckPayouts } from '../effects/payout-store.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { reviewPartReturn } from '../offramp/review-part-return.ts'
import { wakeAfterSales } from '../offramp/sale-changes.ts'
import { describeReason } from '../providers/bank/reasons.ts'
import { judgeReturn, type ReturnCase } from './judge-return.ts'
import {
  countDebits,
  lockReturnLines,
  type ReturnedEffect,
  type ReturnLine,
  type ReturnNeeds,
  takeBackFromSuspense,
} from './returned-transfer.ts'
import { hurryStatements, STATEMENT_LANE } from './statement-lane.ts'

/** When a line is looked at again that came before what it answers. */
const EARLY_MS = 5_000
/** So long after it came a line without its debit is a person's; the debit, when it comes, takes it up again. */
const WAITED_MS = 3_600_000

/**
 * A transfer of ours that the receiving bank sent back. All of it: the money is held for its payment or sale again, and
 * an operator decides whether it goes to another account. Anything else stays in suspense, named, for a person.
 */
export async function takeBackTransfer(app: ReturnNeeds, line: ReturnLine): Promise<void> {
  const after = await app.db.transaction().execute(async (trx) => {
    const effect = await lockEffect(trx, line)
    const lines = await lockReturnLines(trx, line.iban, line.transferRef!)
    // Taken back by another process meanwhile, with the other lines of the same transfer or by itself.
    if (!lines.some(({ id, dueAt }) => id === line.id && dueAt !== null)) return undefined
    const backUnits = lines.reduce((sum, { units }) => sum + units, 0n)
    const names = [line.transferRef, effect?.idempotencyKey]
    const debits = await countDebits(trx, line.iban, names)
    const waited = app.clock.now().getTime() - line.createdAt.getTime() > WAITED_MS
    const found = judgeReturn({ effect, debits, backUnits, waited })
    const reason = `${RETURNED_BY_BANK}: ${describeReason(line.returnCode, line.returnText)}`
    switch (found) {
      case 'whole':
        return takeBackFromSuspense(app, trx, effect!, { lines, reason })
      case 'early':
        if (!waited) return lookAgain(app, trx, effect!, line)
        break
      case 'part':
        await leaveInSuspense(trx, line, found, effect)
        return tellOfPart(app, trx, effect!, { backUnits, reason })
    }
    await leaveInSuspense(trx, line, found, effect)
    app.log.error(
      { iban: line.iban, line: line.bankRef, transfer: line.transferRef, effect: effect?.id, found },
      'The bank gave money back that is not expected; it waits in suspense for a person.',
    )
    return undefined
  })
  after?.()
}

/** By the bank's reference; an order whose answer was lost has none yet, and is known by the id that it carries. */
async function lockEffect(trx: Trx, line: ReturnLine): Promise<ReturnedEffect | undefined> {
  const { rows } = await sql<ReturnedEffect>`
    select id, reference, purpose, door, asset, units, state, reason, idempotency_key from effects
     where kind = 'bank_transfer' and door = ${`bank:${line.iban}`} and asset = ${line.currency}
       and (${line.transferRef} in (provider_ref, idempotency_key)
            or (provider_ref is null and idempotency_key = ${line.endToEndId}))
     order by provider_ref nulls last limit 1 for update`.execute(trx)
  return rows[0]
}

async function lookAgain(
  app: ReturnNeeds,
  trx: Trx,
  effect: ReturnedEffect,
  { iban, id }: ReturnLine,
): Promise<() => void> {
  const { idempotencyKey } = effect
  const now = app.clock.now()
  await trx
    .updateTable('bankTransactions')
    .set({
      dueAt: new Date(now.getTime() + EARLY_MS),
      leaseUntil: null,
      matchReasons: JSON.stringify([reasonOf('early', effect)]),
    })
    .where('iban', '=', iban)
    .where('id', '=', id)
    .execute()
  await recheckPayouts(trx, [idempotencyKey], now)
  await hurryStatements(trx, [iban], now)
  return () => app.wake(STATEMENT_LANE, 'payouts')
}

const reasonOf = (found: ReturnCase, effect: ReturnedEffect | undefined): string =>
  `return:${found}${effect ? `:${effect.id}` : ''}`

async function leaveInSuspense(
  trx: Trx,
  { iban, id }: ReturnLine,
  found: ReturnCase,
  effect: ReturnedEffect | undefined,
): Promise<void> {
  const reasons = [reasonOf(found, effect)]
  await trx
    .updateTable('bankTransactions')
    .set({ dueAt: null, leaseUntil: null, matchReasons: JSON.stringify(reasons) })
    .where('iban', '=', iban)
    .where('id', '=', id)
    .execute()
}

async function tellOfPart(
  app: ReturnNeeds,
  trx: Trx,
  { id, reference, asset, units }: ReturnedEffect,
  { backUnits, reason }: { backUnits: bigint; reason: string },
): Promise<(() => void) | undefined> {
  const amounts = [backUnits, units].map((one) => formatAmount(one, assetOf(asset)))
  const detail = `${reason}; ${amounts[0]} of ${amounts[1]} ${asset} came back (effect ${id})`
  app.log.error({ effect: id, detail }, 'A transfer came back in part; its money waits for a person.')
  if (!reference.startsWith('sale:')) return undefined
  const changes = await reviewPartReturn(app, trx, { reference, detail })
  return () => wakeAfterSales(app, changes)
}
