import { sql } from 'kysely'
import type { App } from '../app.ts'
import { recordAudit } from '../common/integration-store.ts'
import type { Trx } from '../db/database.ts'
import { type Change, RefusedOperation } from '../effects/operate-effects.ts'
import { type AccountFunds, readFunds } from '../effects/payout-funds.ts'
import { balanceOf, book } from '../ledger/book.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { refuseHolding } from './orders/take-over.ts'
import { bankOf, suspenseOf } from './record-lines.ts'
import { BANK_COSTS } from './settle-return.ts'

/** An account of ours with what it can pay, in base units. */
export interface AccountState extends AccountFunds {
  iban: string
  currency: string
  /** The name of the integration that it belongs to; null when several share it. */
  integration: string | null
  /** What came and has no owner yet, less what the bank took without our order. */
  suspenseUnits: bigint
  /** Payouts that wait for money. */
  waiting: number
}

export async function listAccountStates({ db }: Pick<App, 'db'>): Promise<AccountState[]> {
  const { rows } = await sql<Pick<AccountState, 'iban' | 'currency' | 'integration' | 'waiting'>>`
    select iban, currency, integrations.name as integration,
           (select count(*)::int from effects
             where state = 'planned' and door = 'bank:' || iban and starts_with(reason, 'funds_short:')) as waiting
      from bank_accounts left join integrations on integrations.id = integration_id
     where bank_accounts.status = 'active' order by currency, integration nulls first, iban`.execute(db)
  const states: AccountState[] = []
  for (const row of rows) {
    const { iban, currency } = row
    const suspenseUnits = -(await balanceOf(db, suspenseOf(iban), currency))
    states.push({ ...row, ...(await readFunds(db, bankOf(iban), currency)), suspenseUnits })
  }
  return states
}

/** A line of an account that has no owner yet, and why not where that is known. */
export interface OpenLine {
  iban: string
  id: string
  bookedAt: Date
  direction: 'credit' | 'debit'
  units: bigint
  currency: string
  concept: string
  matchReasons: string[]
  returnCode: string | null
}

const OPEN_LINES = 200

/** Newest first. */
export async function listOpenLines({ db }: Pick<App, 'db'>): Promise<OpenLine[]> {
  const { rows } = await sql<OpenLine>`
    select iban, id, booked_at, direction, units - matched_units as units, currency, concept, match_reasons, return_code
      from bank_transactions
     where matched_units < units and due_at is null and (direction = 'credit' or transfer_ref is null or state = 'unmatched')
     order by booked_at desc, id limit ${OPEN_LINES}`.execute(db)
  return rows
}

/**
 * Whose a line is that belongs to no customer: money of our own, what the bank takes for its work, or what a payment
 * provider owed us, such as `card:<provider>`.
 */
export type LineOwner = 'treasury' | 'cost' | `${'card' | 'paypal' | 'local'}:${string}`

export const isLineOwner = (text: string): text is LineOwner =>
  text === 'treasury' || text === 'cost' || /^(card|paypal|local):./.test(text)

/** What payment providers keep of what they pay out. */
export const PROVIDER_COSTS = 'cost:provider'

/**
 * Takes a line out of suspense that belongs to no customer: what the treasury sent or took, the bank's fees, or what a
 * payment provider paid out of what it took for us. `feeUnits` is what the provider kept of it.
 */
export async function claimLine(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  { iban, id, owner, feeUnits = 0n }: { iban: string; id: string; owner: LineOwner; feeUnits?: bigint },
  { who, why }: Change,
): Promise<void> {
  const isProvider = owner !== 'treasury' && owner !== 'cost'
  if (feeUnits !== 0n && !isProvider) throw new RefusedOperation('Only a payment provider keeps a fee.')
  await db.transaction().execute(async (trx) => {
    const line = await trx
      .selectFrom('bankTransactions')
      .select(['direction', 'state', 'units', 'matchedUnits', 'currency', 'transferRef', 'dueAt'])
      .where('iban', '=', iban)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst()
    if (!line) throw new RefusedOperation(`There is no line ${id} of ${iban}. "accounts lines" shows them.`)
    const ordered = line.direction === 'debit' && line.transferRef !== null && line.state === 'matched'
    if (line.matchedUnits > 0n || line.dueAt !== null || ordered) {
      throw new RefusedOperation(`Line ${id} of ${iban} is no line without an owner.`)
    }
    if (line.direction === 'debit') await refuseHolding(trx, { iban, id })
    const now = clock.now()
    await trx
      .updateTable('bankTransactions')
      .set({
        state: 'matched',
        matchedUnits: line.units,
        matchReasons: JSON.stringify([isProvider ? 'settlement' : owner]),
      })
      .where('iban', '=', iban)
      .where('id', '=', id)
      .execute()
    const units = line.direction === 'credit' ? line.units : -line.units
    const settledUnits = units + feeUnits
    if (isProvider) await refuseTooMuch(trx, owner, { currency: line.currency, settledUnits })
    const kinds = { treasury: 'treasury', cost: 'bank_costs' } as const
    await book(trx, {
      kind: isProvider ? 'provider_settlement' : kinds[owner],
      purpose: `bank-line:${iban}:${id}:${owner}`,
      integrationId: null,
      reference: id,
      at: now,
      postings: [
        { account: suspenseOf(iban), asset: line.currency, units },
        { account: PROVIDER_COSTS, asset: line.currency, units: feeUnits },
        { account: accountOfOwner(owner), asset: line.currency, units: -settledUnits },
      ],
    })
    const target = `bank-line:${iban}:${id}`
    await recordAudit(trx, now, {
      who,
      why,
      action: 'bank-line.claim',
      target,
      after: { owner, feeUnits: feeUnits.toString() },
    })
  })
}

const accountOfOwner = (owner: LineOwner): string =>
  owner === 'treasury' ? 'equity:treasury' : owner === 'cost' ? BANK_COSTS : owner

/** A provider can't pay more than it took: then it is another's money, or another amount. */
async function refuseTooMuch(
  trx: Trx,
  account: string,
  { currency, settledUnits }: { currency: string; settledUnits: bigint },
): Promise<void> {
  const owedUnits = await balanceOf(trx, account, currency)
  if (settledUnits > 0n && settledUnits <= owedUnits) return
  const text = (units: bigint) => `${formatAmount(units, assetOf(currency))} ${currency}`
  throw new RefusedOperation(
    `${account} owes ${text(owedUnits)}, so it can't have paid ${text(settledUnits)}.`,
  )
}
