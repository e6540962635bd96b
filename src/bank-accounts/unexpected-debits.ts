import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Db, Trx } from '../db/database.ts'
import type { EffectsTable } from '../db/schema.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { reviewPartReturn } from '../offramp/review-part-return.ts'
import { wakeAfterSales } from '../offramp/sale-changes.ts'
import { wakeAfter } from '../onramp/payment-changes.ts'
import { reviewGivenUpRefund } from '../onramp/review-given-up-refund.ts'
import type { BankLine } from '../providers/bank/port.ts'
import { ODD_SUM } from './orders/name-debits.ts'
import { recallEarlyReturns } from './recall-returns.ts'
import { findLost } from './reversals/list-lost.ts'

type Needs = Pick<App, 'clock' | 'config' | 'secrets' | 'wake' | 'log' | 'pageNews'>

/** An order that is not over well, and which the bank took off our account. */
export interface TakenOrder {
  id: string
  reference: string
  asset: string
  units: bigint
  state: EffectsTable['state']
  transferRef: string
}

/**
 * The orders that these debits are of, locked, but for those that are confirmed: while they are locked nobody gives one
 * up. Each carries the bank's reference from here on.
 */
export async function lockTakenOrders(trx: Trx, debits: readonly BankLine[]): Promise<TakenOrder[]> {
  if (debits.length === 0) return []
  const { rows } = await sql<TakenOrder & { providerRef: string | null }>`
    select e.id, e.reference, e.asset, e.units, e.state, e.provider_ref, given.transfer_ref
      from unnest(${debits.map(({ iban }) => iban)}::text[], ${debits.map(({ transferRef }) => transferRef)}::text[],
                  ${debits.map(({ endToEndId }) => endToEndId)}::text[]) given (iban, transfer_ref, end_to_end_id)
      join effects e on e.kind = 'bank_transfer' and e.door = 'bank:' || given.iban and e.state <> 'confirmed'
       and (e.idempotency_key = given.end_to_end_id or e.provider_ref = given.transfer_ref)
     order by e.id for update of e`.execute(trx)
  const nameless = rows.filter(({ providerRef }) => providerRef === null)
  if (nameless.length > 0) {
    await sql`
      update effects set provider_ref = given.transfer_ref
        from unnest(${nameless.map(({ id }) => id)}::text[],
                    ${nameless.map(({ transferRef }) => transferRef)}::text[]) given (id, transfer_ref)
       where effects.id = given.id`.execute(trx)
  }
  return rows
}

/** The same for what a statement tells that is being imported (`told_lines`). */
export async function lockToldOrders(
  trx: Trx,
  { iban, currency }: { iban: string; currency: string },
): Promise<TakenOrder[]> {
  const { rows } = await sql<TakenOrder>`
    select e.id, e.reference, e.asset, e.units, e.state, coalesce(e.provider_ref, e.idempotency_key) as transfer_ref
      from effects e
     where e.kind = 'bank_transfer' and e.door = ${`bank:${iban}`} and e.asset = ${currency} and e.state <> 'confirmed'
       and e.idempotency_key in (select end_to_end_id from told_lines where direction = 'debit')
     order by e.id for update of e`.execute(trx)
  return rows
}

/** The same for what waits in doubt and is booked now, each with the doubts that are its debits. */
export async function lockDoubtedOrders(
  trx: Trx,
  { iban, currency, ids }: { iban: string; currency: string; ids: readonly string[] },
): Promise<(TakenOrder & { doubts: string[] })[]> {
  const { rows } = await sql<TakenOrder & { doubts: string[] }>`
    with debits as materialized (
      select id, end_to_end_id, transfer_ref from bank_doubts
       where iban = ${iban} and id = any(${[...ids]}::text[]) and direction = 'debit')
    select e.id, e.reference, e.asset, e.units, e.state, coalesce(e.provider_ref, e.idempotency_key) as transfer_ref,
           array(select d.id from debits d
                  where e.idempotency_key in (d.end_to_end_id, d.transfer_ref) or e.provider_ref = d.transfer_ref) as doubts
      from effects e
     where e.kind = 'bank_transfer' and e.door = ${`bank:${iban}`} and e.asset = ${currency} and e.state <> 'confirmed'
       and (e.idempotency_key in (select end_to_end_id from debits union select transfer_ref from debits)
            or e.provider_ref in (select transfer_ref from debits))
     order by e.id for update of e`.execute(trx)
  return rows
}

/** Says of doubts that were booked what `markGivenUpLines` says of imported lines. */
export async function markGivenUpDoubts(
  trx: Trx,
  iban: string,
  givenUp: readonly { id: string; transferRef: string; doubts: readonly string[] }[],
): Promise<void> {
  for (const { id, transferRef, doubts } of givenUp) {
    await sql`
      update bank_transactions
         set transfer_ref = ${transferRef}, match_reasons = ${JSON.stringify([GIVEN_UP + id])}::jsonb
       where iban = ${iban} and id = any(${[...doubts]}::text[]) and state = 'unmatched' and transfer_ref is null`.execute(
      trx,
    )
  }
}

/** Says of imported lines that took money for orders that were given up what they are: they wait in suspense. */
export async function markGivenUpLines(
  trx: Trx,
  iban: string,
  givenUp: readonly TakenOrder[],
): Promise<void> {
  if (givenUp.length === 0) return
  await sql`
    update bank_transactions t
       set transfer_ref = given.transfer_ref, match_reasons = jsonb_build_array(${GIVEN_UP}::text || given.id)
      from unnest(${givenUp.map(({ id }) => id)}::text[], ${givenUp.map(({ transferRef }) => transferRef)}::text[])
             given (id, transfer_ref)
      join effects e on e.id = given.id
     where t.iban = ${iban} and t.direction = 'debit' and t.state = 'unmatched' and t.transfer_ref is null
       and t.matched_units = 0 and t.end_to_end_id = e.idempotency_key`.execute(trx)
}

/** The bank took their money: whatever was thought of these orders, the provider is asked about them now. */
export async function askAboutTaken(trx: Trx, orders: readonly TakenOrder[], now: Date): Promise<void> {
  if (orders.length === 0) return
  await recallEarlyReturns(
    trx,
    orders.map(({ transferRef }) => transferRef),
    now,
  )
  await sql`
    update effects set due_at = ${now}, attempts = 0, state = case when state = 'failed' then 'unknown' else state end
     where id = any(${orders.map(({ id }) => id)}::text[])
       and (state in ('failed', 'unknown') or (state = 'sent' and due_at is null))`.execute(trx)
}

/**
 * The bank took money for orders that were given up: nobody may pay in their place before a person has looked. Answers
 * what to do after the commit.
 */
export async function reviewGivenUp(
  app: Needs,
  trx: Trx,
  orders: readonly TakenOrder[],
): Promise<() => void> {
  const afters: (() => void)[] = []
  for (const { id, reference, asset, units } of orders) {
    const detail = `the bank took ${formatAmount(units, assetOf(asset))} ${asset} for effect ${id}, which was given up`
    app.log.error(
      { effect: id, reference, detail },
      'Money left by an order that was given up; it waits in suspense.',
    )
    if (reference.startsWith('sale:')) {
      const changes = await reviewPartReturn(app, trx, { reference, detail })
      afters.push(() => wakeAfterSales(app, changes))
    } else if (reference.startsWith('payment:')) {
      const changes = await reviewGivenUpRefund(app, trx, { reference, detail })
      afters.push(() => wakeAfter(app, changes))
    }
  }
  return () => {
    for (const after of afters) after()
  }
}

/** How the reason of a line begins that took money for an order that was given up. */
export const GIVEN_UP = 'given_up:'

interface Named {
  iban: string
  id: string
  units: bigint
  currency: string
  reason: string
}

/** As `/readyz` says it. */
interface Unsettled {
  what: string
  why: string
  mend: string
}

/**
 * Money that left by orders that were given up, or left twice, and what the bank took back and nobody has settled, as
 * `/readyz` says it.
 */
export async function findGivenUpDebits(db: Db): Promise<Unsettled[]> {
  const { rows } = await sql<Named & { more: string | null }>`
    select iban, id, units, currency, match_reasons->>0 as reason, match_reasons->>1 as more
      from bank_transactions
     where direction = 'debit' and state = 'unmatched'
       and (transfer_ref is not null or match_reasons->>0 ~ '^debit:(again|earlier_order|order_file|reversal_unknown|reversal_claimed)(:|$)')
     order by booked_at limit 20`.execute(db)
  const named = rows.map(({ more, ...row }) => {
    const { iban, id, units, currency, reason } = row
    if (reason.startsWith(ODD_SUM)) return fileSumOf(row, more)
    if (reason.startsWith('debit:reversal')) return reversalOf({ iban, id, units, currency, reason })
    const [effect, known] = [
      reason.slice(reason.lastIndexOf(':') + 1),
      reason.slice(0, reason.lastIndexOf(':')),
    ]
    return {
      what: `line ${id} of ${iban}`,
      why: `The bank took ${formatAmount(units, assetOf(currency))} ${currency} for effect ${effect}, which was ${WHAT_WAS[known] ?? 'given up'}.`,
      mend: `Recover it, then name the line: "accounts claim ${iban} ${id} --as cost".`,
    }
  })
  return [...(await findLost(db)), ...named]
}

function fileSumOf({ iban, id, units, currency, reason }: Named, more: string | null): Unsettled {
  const file = reason.slice(ODD_SUM.length)
  return {
    what: `line ${id} of ${iban}`,
    why: `The bank took ${formatAmount(units, assetOf(currency))} ${currency} under the name of file ${file}, which is not what is open of it. ${more ?? ''}`.trim(),
    mend: `Ask the bank which orders it carried out. All of them: "bank orders settle ${file} ${id}"; one: the same with --order.`,
  }
}

function reversalOf({ iban, id, units, currency, reason }: Named): Unsettled {
  const credit = /^debit:reversal_claimed:(.+)$/.exec(reason)?.[1]
  return {
    what: `line ${id} of ${iban}`,
    why: `The bank took ${formatAmount(units, assetOf(currency))} ${currency} back: ${credit ? `line ${credit}, which was claimed` : 'a reversal of a credit that isn’t known'}.`,
    mend: credit
      ? `"accounts claim ${iban} ${id}" as line ${credit} was claimed.`
      : `Import the statement that has the credit, and it is settled by itself; or "accounts claim ${iban} ${id} --as cost".`,
  }
}

const WHAT_WAS: Readonly<Record<string, string>> = {
  'debit:again': 'taken before',
  'debit:earlier_order': 'refused in that order and tried again in another',
}
