import { endEffects } from './end-effects.ts'
import type { EffectNeeds } from './model.ts'
import {
  auditEffect,
  type Change,
  type EffectRow,
  findEffect,
  lockEffect,
  RefusedOperation,
} from './operate-effects.ts'
import { askProvider, isBeingAsked, isDebitRead, type ProviderWord } from './order-word.ts'
import { RETURNED_BY_BANK, SAID_BY_BANK } from './payout-ports.ts'
import { recheckPayouts, setProviderRef, takeBackOutflow } from './payout-store.ts'
import { lockFiledOrder, refuseOrder } from './withdraw-order.ts'

/** What the bank, or the card provider, told a person of an order. */
export const BANK_WORDS = ['booked', 'rejected', 'not-received'] as const
export type BankWord = (typeof BANK_WORDS)[number]

const OPEN: ReadonlySet<string> = new Set(['sent', 'unknown'])

/**
 * Ends an order of which the provider's interface does not say the end, by what the provider told a person: `booked` as
 * done, its money stays in transit until the statement has it; `rejected` and `not-received` as refused. The interface
 * is asked first, and where it says otherwise, or can't be asked whether nothing left, the word is refused.
 */
export async function settleOrder(
  needs: EffectNeeds,
  id: string,
  { says, ...change }: Change & { says: BankWord },
): Promise<void> {
  const asked = await findEffect(needs.db, id)
  refuseEnded(asked, says)
  const word = await askProvider(needs, asked)
  const contradiction = contradict(says, word)
  if (contradiction) {
    await recheckPayouts(needs.db, [asked.idempotencyKey], needs.clock.now())
    needs.wake('payouts')
    throw new RefusedOperation(`Effect ${id}: ${contradiction}`)
  }
  const lanes = await needs.db.transaction().execute(async (trx) => {
    const filed = await lockFiledOrder(trx, asked.idempotencyKey)
    if (filed?.waits) {
      throw new RefusedOperation(
        `The order of effect ${id} is in no file yet: the bank doesn't have it. "effects cancel ${id}" gives it up.`,
      )
    }
    const effect = await lockEffect(trx, id)
    const moved = effect.state !== asked.state || effect.idempotencyKey !== asked.idempotencyKey
    if (moved || (await isBeingAsked(trx, id)))
      throw new RefusedOperation(`Effect ${id} is being asked about; look again in a moment.`)
    if (says !== 'booked' && (await isDebitRead(trx, id)))
      throw new RefusedOperation(`The bank's statement has effect ${id}: its money left.`)
    const reason = says === 'booked' ? null : `${SAID_BY_BANK}: ${says}`
    await auditEffect(trx, needs, change, {
      action: 'effect.settle',
      effect,
      after: `by the bank's word: ${says}`,
    })
    if ('providerRef' in word) await setProviderRef(trx, id, word.providerRef)
    if (says !== 'booked') {
      await takeBackOutflow(trx, id)
      if (reason && filed) await refuseOrder(trx, asked.idempotencyKey, reason, needs.clock.now())
    }
    const state = says === 'booked' ? 'confirmed' : 'failed'
    return endEffects(trx, needs, [{ id, state, txid: null, reason, gasUnits: null }])
  })
  needs.wake(...lanes)
}

function refuseEnded({ id, kind, state, reason }: EffectRow, says: BankWord): void {
  if (kind === 'coin_transfer')
    throw new RefusedOperation(`Effect ${id} is a transfer of coins: "effects confirm" asks its chain.`)
  const mayEnd = OPEN.has(state) || (says === 'booked' && state === 'failed')
  if (!mayEnd) throw new RefusedOperation(`Effect ${id} is ${state}: there is no end of it to record.`)
  if (reason?.startsWith(RETURNED_BY_BANK))
    throw new RefusedOperation(
      `Effect ${id} was ${RETURNED_BY_BANK}: the line that brings its money back ends it.`,
    )
}

/** Why the word can't be taken, in words; undefined when it can. */
function contradict(says: BankWord, word: ProviderWord): string | undefined {
  switch (word.state) {
    case 'done':
      return says === 'booked' ? undefined : "the bank's interface says that it is done; it is recorded now."
    case 'returned':
      return "the bank's interface says that it was done and comes back; the line of it ends it."
    case 'refused':
      return says === 'booked'
        ? "the bank's interface says that it was refused; it is recorded now."
        : undefined
    case 'accepted':
      return says === 'not-received'
        ? "the bank's interface has it. If the bank will not carry it out: --bank-says rejected."
        : undefined
    case 'no_answer':
      return says === 'booked'
        ? undefined
        : `the bank's interface can't be asked whether it has it (${word.problem}). Try again when it answers.`
    default:
      return undefined
  }
}
