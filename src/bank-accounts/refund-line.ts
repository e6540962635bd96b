import { sql } from 'kysely'
import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import { beginMoney, lanesAfter, writeMoney } from '../common/money-changes.ts'
import type { Trx } from '../db/database.ts'
import type { EffectRoom, EndedEffect } from '../effects/model.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { bookAll } from '../ledger/book.ts'
import { openCounterparty } from '../onramp/refund-sources.ts'
import { findIbanProblem, normaliseIban } from '../providers/bank/iban.ts'
import { suspenseOf, transitOutOf } from './record-lines.ts'

/** What effects that pay a line back refer to. */
const lineReference = (iban: string, id: string): string => `bank-line:${iban}:${id}`

const lineOf = (reference: string): { iban: string; id: string } => {
  const [, iban, id] = reference.split(':') as [string, string, string]
  return { iban, id }
}

/** The effects of accounts that all integrations share belong to none. */
const NO_INTEGRATION = 0

export interface LineRefund {
  iban: string
  id: string
  /** Where it goes instead of where it came from, as the operator typed it. */
  toIban?: string | undefined
  /** Whose account that is; the payer's name unless told. */
  name?: string | undefined
}

/**
 * Pays a transfer back that belongs to no payment: out of suspense to where it came from, at most once. It leaves
 * like every other bank transfer; when the bank has booked it, the line is `returned`; when it fails or comes back, the
 * line has no owner again. Answers the amount in base units. Throws `RefusedOperation` with the reason.
 */
export async function refundLine(
  app: Pick<App, 'db' | 'clock' | 'secrets' | 'wake'>,
  { iban, id, toIban, name }: LineRefund,
  { who, why }: Change,
): Promise<{ units: bigint; currency: string }> {
  const changes = beginMoney(app.clock)
  const refunded = await app.db.transaction().execute(async (trx) => {
    const line = await lockOpenLine(trx, iban, id)
    const { units, currency } = line
    const payer = openCounterparty(app.secrets, line.counterpartySealed)
    const destination = {
      iban: targetOf(toIban ?? payer.iban),
      name: name ?? payer.name,
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
      after: { units: units.toString(), currency, elsewhere: toIban !== undefined },
    })
    await writeMoney(trx, changes, app)
    return { units, currency }
  })
  app.wake(...lanesAfter(changes))
  return refunded
}

function targetOf(iban: string | null): string {
  if (iban === null)
    throw new RefusedOperation('The bank did not say which account it came from: name one (--to-iban).')
  const normal = normaliseIban(iban)
  const problem = findIbanProblem(normal)
  if (problem) throw new RefusedOperation(`${normal} ${problem}. Name another account (--to-iban).`)
  return normal
}

interface RefundableLine {
  units: bigint
  currency: string
  concept: string
  counterpartySealed: Buffer
  integrationId: number | null
}

/** A credit that belongs to nobody; refused while somebody may just be finding its owner. */
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
  if (line.matchedUnits > 0n) {
    throw new RefusedOperation(
      line.state === 'returned'
        ? `Line ${id} was paid back already.`
        : `Line ${id} belongs to somebody, or is going back already.`,
    )
  }
  if (line.dueAt !== null) throw new RefusedOperation(`Line ${id} is being matched; try again soon.`)
  if (line.currency !== 'EUR') throw new RefusedOperation(`Only transfers in euros are paid back this way.`)
  return line
}

/** It was told as a transfer of ours that came back, and none is known to have left. */
const isReturnOfNothing = (reasons: readonly string[]): boolean =>
  reasons.some((reason) => /^(return:(early|unknown)|refund_failed:)/.test(reason))

async function countRefunds(trx: Trx, reference: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from effects where reference = ${reference}`.execute(trx)
  return rows[0]!.count
}

async function takeLine(trx: Trx, { iban, id }: { iban: string; id: string }): Promise<void> {
  await sql`
    with unproposed as (delete from bank_suggestions where iban = ${iban} and transaction_id = ${id})
    update bank_transactions set state = 'matched', matched_units = units, match_reasons = '["refund"]'::jsonb
     where iban = ${iban} and id = ${id}`.execute(trx)
}

/** The line has no owner again, and says why. What it holds must be in suspense by then. */
export async function reopenRefundedLine(trx: Trx, reference: string, reason: string): Promise<void> {
  const { iban, id } = lineOf(reference)
  await trx
    .updateTable('bankTransactions')
    .set({ state: 'unmatched', matchedUnits: 0n, matchReasons: JSON.stringify([`refund_failed: ${reason}`]) })
    .where('iban', '=', iban)
    .where('id', '=', id)
    .execute()
}

/** What lines do when the transfer that pays them back has left, or couldn't. */
export function bankLineRoom({ clock }: Pick<App, 'clock'>): EffectRoom {
  return {
    async onConfirmed(trx, effects) {
      for (const { reference } of effects) {
        const { iban, id } = lineOf(reference)
        await trx
          .updateTable('bankTransactions')
          .set({ state: 'returned' })
          .where('iban', '=', iban)
          .where('id', '=', id)
          .execute()
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
async function takeBack(trx: Trx, effect: EndedEffect, now: Date): Promise<void> {
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
  await reopenRefundedLine(trx, reference, reason ?? 'given up')
}
