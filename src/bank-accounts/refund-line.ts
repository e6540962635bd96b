import { sql } from 'kysely'
import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import { beginMoney, lanesAfter, writeMoney } from '../common/money-changes.ts'
import type { Trx } from '../db/database.ts'
import { refuseTaken } from '../effects/given-up-money.ts'
import type { EffectRoom, EndedEffect } from '../effects/model.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { bookAll } from '../ledger/book.ts'
import { openCounterparty } from '../onramp/refund-sources.ts'
import { findOpenParts } from './batches/decide-parts.ts'
import { suspenseOf, transitOutOf } from './record-lines.ts'
import { type TypedTarget, targetOf } from './refund-target.ts'
import { findTaker } from './reversals/find-taker.ts'

/** What effects that pay a line back refer to. */
export const lineReference = (iban: string, id: string): string => `bank-line:${iban}:${id}`

const lineOf = (reference: string): { iban: string; id: string } => {
  const [, iban, id] = reference.split(':') as [string, string, string]
  return { iban, id }
}

/** The effects of accounts that all integrations share belong to none. */
const NO_INTEGRATION = 0

export interface LineRefund extends TypedTarget {
  iban: string
  id: string
}

/**
 * Pays a transfer back that belongs to no payment, or what is left of one that is matched in part: out of suspense to
 * where it came from, at most once. It leaves like every other bank transfer; when the bank has booked it, a line that
 * is no payment's at all is `returned`; when it fails or comes back, that money of the line has no owner again. Answers
 * the amount in base units. Throws `RefusedOperation` with the reason.
 */
export async function refundLine(
  app: Pick<App, 'db' | 'clock' | 'secrets' | 'wake'>,
  { iban, id, ...typed }: LineRefund,
  { who, why }: Change,
): Promise<{ units: bigint; currency: string }> {
  const changes = beginMoney(app.clock)
  const refunded = await app.db.transaction().execute(async (trx) => {
    const line = await lockOpenLine(trx, iban, id)
    const { units, currency } = line
    const payer = openCounterparty(app.secrets, line.counterpartySealed)
    const destination = {
      ...targetOf(currency, payer, typed),
      concept: `Refund ${line.concept}`.trim(),
    }
    const reference = lineReference(iban, id)
    const purpose = `${reference}:refund:${(await countRefunds(trx, reference)) + 1}`
    changes.journals.push({
      kind: 'refund',
      purpose,
      integrationId: null,
      reference,
      at: changes.now,
      postings: [
        { account: suspenseOf(iban), asset: currency, units },
        { account: transitOutOf(iban), asset: currency, units: -units },
      ],
    })
    changes.effects.push({
      integrationId: line.integrationId ?? NO_INTEGRATION,
      kind: 'bank_transfer',
      purpose,
      reference,
      door: `bank:${iban}`,
      asset: currency,
      units,
      account: null,
      destination,
    })
    await takeLine(trx, { iban, id })
    await recordAudit(trx, changes.now, {
      who,
      why,
      action: 'bank-line.refund',
      target: reference,
      after: {
        units: units.toString(),
        currency,
        elsewhere: typed.toIban !== undefined || typed.toAccount !== undefined,
      },
    })
    await writeMoney(trx, changes, app)
    return { units, currency }
  })
  app.wake(...lanesAfter(changes))
  return refunded
}

interface RefundableLine {
  /** What is left of it. */
  units: bigint
  currency: string
  concept: string
  counterpartySealed: Buffer
  integrationId: number | null
}

/** A credit of which something belongs to nobody; refused while somebody may just be finding its owner. */
async function lockOpenLine(trx: Trx, iban: string, id: string): Promise<RefundableLine> {
  const { rows } = await sql<
    RefundableLine & {
      direction: string
      matchedUnits: bigint
      state: string
      dueAt: Date | null
      transferRef: string | null
      matchReasons: string[]
    }
  >`
    select t.units, t.currency, t.concept, t.counterparty_sealed, t.direction, t.matched_units, t.state, t.due_at,
           t.transfer_ref, t.match_reasons, a.integration_id
      from bank_transactions t join bank_accounts a on a.iban = t.iban
     where t.iban = ${iban} and t.id = ${id} for update of t`.execute(trx)
  const line = rows[0]
  if (!line) throw new RefusedOperation(`There is no line ${id} of ${iban}. "accounts lines" shows them.`)
  if (line.direction !== 'credit')
    throw new RefusedOperation(`Line ${id} took money; nothing came that could go back.`)
  if (line.transferRef !== null && !isReturnOfNothing(line.matchReasons)) {
    throw new RefusedOperation(`Line ${id} gives back a transfer of ours: see "accounts settle-return".`)
  }
  if (line.matchedUnits >= line.units) {
    throw new RefusedOperation(
      line.state === 'returned'
        ? `Line ${id} ${(await findTaker(trx, iban, id)) ?? 'was paid back already.'}`
        : `Line ${id} belongs to somebody, or is going back already.`,
    )
  }
  const takenBack = await findTaker(trx, iban, id)
  if (takenBack) throw new RefusedOperation(`Line ${id} ${takenBack}`)
  await refuseTaken(trx, lineReference(iban, id))
  if (line.dueAt !== null) throw new RefusedOperation(`Line ${id} is being matched; try again soon.`)
  const parts = await findOpenParts(trx, { iban, id })
  if (parts.length > 0) {
    throw new RefusedOperation(
      `Line ${id} may be the sum of transfers that wait in doubt (${parts.join(' ')}). Decide these first: ` +
        `"bank doubts decide ${parts.join(' ')} --part-of ${id}", or --dismiss, or --new --beside ${id}.`,
    )
  }
  return { ...line, units: line.units - line.matchedUnits }
}

/** It was told as a transfer of ours that came back, and none is known to have left. */
const isReturnOfNothing = (reasons: readonly string[]): boolean =>
  reasons.some((reason) => /^(return:(early|unknown)|refund_failed:)/.test(reason))

async function countRefunds(trx: Trx, reference: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from effects where reference = ${reference}`.execute(trx)
  return rows[0]!.count
}

/** All that is left of the line goes back. What it is matched as stays, with its reasons. */
async function takeLine(trx: Trx, { iban, id }: { iban: string; id: string }): Promise<void> {
  await sql`
    with unproposed as (delete from bank_suggestions where iban = ${iban} and transaction_id = ${id})
    update bank_transactions line
       set state = 'matched', matched_units = units,
           match_reasons = (${KEPT_REASONS} || ${JSON.stringify([GOES_BACK])}::jsonb)
     where iban = ${iban} and id = ${id}`.execute(trx)
}

/** The reason of a line that goes back, or the rest of it. */
const GOES_BACK = 'refund'
const COULD_NOT_GO_BACK = 'refund_failed:'

const IS_MATCHED = sql`exists (select from bank_matches matches
                                where matches.iban = line.iban and matches.transaction_id = line.id and matches.units > 0)`

/** Why the line is its payment's, where it is one's in part; what was said of a refund is over. */
const KEPT_REASONS = sql`
  case when ${IS_MATCHED}
       then coalesce((select jsonb_agg(reason) from jsonb_array_elements_text(line.match_reasons) reason
                       where reason <> ${GOES_BACK} and not starts_with(reason, ${COULD_NOT_GO_BACK})), '[]')
       else '[]' end`

/** What went back of a line has no owner again, and says why. It must be in suspense by then. */
export async function reopenRefundedLine(
  trx: Trx,
  { reference, units }: Pick<EndedEffect, 'reference' | 'units'>,
  reason: string,
): Promise<void> {
  const { iban, id } = lineOf(reference)
  await sql`
    update bank_transactions line
       set state = 'unmatched', matched_units = matched_units - ${units.toString()}::numeric,
           match_reasons = (${KEPT_REASONS} || ${JSON.stringify([`${COULD_NOT_GO_BACK} ${reason}`])}::jsonb)
     where iban = ${iban} and id = ${id}`.execute(trx)
}

/** What lines do when the transfer that pays them back has left, or couldn't. */
export function bankLineRoom({ clock }: Pick<App, 'clock'>): EffectRoom {
  return {
    async onConfirmed(trx, effects) {
      for (const { reference } of effects) {
        const { iban, id } = lineOf(reference)
        // A part of it may be a payment's, or nobody's again since a person took a match back.
        await sql`
          update bank_transactions line set state = 'returned'
           where iban = ${iban} and id = ${id} and matched_units = units and not ${IS_MATCHED}`.execute(trx)
      }
      return []
    },
    async onFailed(trx, effects) {
      for (const effect of effects) await takeBack(trx, effect, clock.now())
      return []
    },
  }
}

/** Refused or given up: the order is over for good, and a person decides anew. */
export async function takeBack(
  trx: Trx,
  effect: Pick<EndedEffect, 'id' | 'reference' | 'purpose' | 'asset' | 'units' | 'reason'>,
  now: Date,
): Promise<void> {
  const { id, reference, purpose, asset, units, reason } = effect
  const { iban } = lineOf(reference)
  await trx.updateTable('effects').set({ state: 'cancelled' }).where('id', '=', id).execute()
  await bookAll(trx, [
    {
      kind: 'refund_cancelled',
      purpose: `${purpose}:cancelled`,
      integrationId: null,
      reference,
      at: now,
      postings: [
        { account: transitOutOf(iban), asset, units },
        { account: suspenseOf(iban), asset, units: -units },
      ],
    },
  ])
  await reopenRefundedLine(trx, effect, reason ?? 'given up')
}
