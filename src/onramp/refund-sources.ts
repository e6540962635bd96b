import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { paymentReference } from './payment.ts'
import { takerAccount } from './session-taker.ts'

/** One way money came by for a payment, and so the way it goes back: only to where it came from. */
export interface RefundSource {
  /** Names it in the purpose of the effect that refunds it. */
  key: string
  /** What can still go back this way. */
  leftUnits: bigint
  way: /** Back through the provider that took it; `account` is the ledger's, and the door. */
    | { kind: 'card'; account: string; providerRef: string }
    | { kind: 'bank'; ourIban: string; iban: string | null; name: string }
}

/** What the bank says of whoever sent a transfer. */
export interface Counterparty {
  name: string
  iban: string | null
}

export const COUNTERPARTY_PURPOSE = 'bank-counterparty'

/** The effect's purpose, and so also the journal's: one refund of one source in one round. */
export const refundPurpose = (paymentId: string, round: number, key: string): string =>
  `payment:${paymentId}:refund:${round}:${key}`

export const bankSourceKey = (iban: string, transactionId: string): string => `bank:${iban}:${transactionId}`
export const cardSourceKey = (sessionId: string): string => `card:${sessionId}`

const REFUND_PURPOSE = /^payment:[^:]+:refund:(\d+):(.+)$/

/** Where the money of locked payments came from, oldest first, less what went or is going back. */
export async function loadSources(
  trx: Trx,
  { secrets }: Pick<App, 'secrets'>,
  paymentIds: readonly string[],
): Promise<Map<string, RefundSource[]>> {
  const sources = new Map<string, RefundSource[]>(paymentIds.map((id) => [id, []]))
  if (paymentIds.length === 0) return sources
  const ids = sql`${[...paymentIds]}::text[]`
  const cards = await sql<{
    paymentId: string
    id: string
    paymentType: string
    provider: string
    providerRef: string
    units: bigint
  }>`
    select payment_id, id, payment_type, provider, provider_ref, units from payment_sessions
     where payment_id = any(${ids}) and state = 'paid' and payment_type <> 'psd2'
       and (charged_back_at is null or dispute_won_at is not null)
     order by created_at`.execute(trx)
  for (const { paymentId, id, paymentType, provider, providerRef, units } of cards.rows) {
    const way = { kind: 'card', account: takerAccount(paymentType, provider), providerRef } as const
    sources.get(paymentId)!.push({ key: cardSourceKey(id), leftUnits: units, way })
  }
  const lines = await sql<{ paymentId: string; iban: string; id: string; units: bigint; sealed: Buffer }>`
    select bank_matches.payment_id, iban, transaction_id as id, bank_matches.units, counterparty_sealed as sealed
      from bank_matches join bank_transactions using (iban)
     where bank_matches.payment_id = any(${ids}) and bank_transactions.id = transaction_id and bank_matches.units > 0
       -- What the bank took back isn't paid back as well.
       and not exists (select from bank_transactions taken
                        where taken.iban = bank_matches.iban and taken.reverses = transaction_id)
     order by bank_transactions.booked_at`.execute(trx)
  for (const { paymentId, iban, id, units, sealed } of lines.rows) {
    const { name, iban: theirs } = openCounterparty(secrets, sealed)
    const way = { kind: 'bank', ourIban: iban, iban: theirs, name } as const
    sources.get(paymentId)!.push({ key: bankSourceKey(iban, id), leftUnits: units, way })
  }
  await subtractRefunds(trx, paymentIds, sources)
  return sources
}

async function subtractRefunds(
  trx: Trx,
  paymentIds: readonly string[],
  sources: Map<string, RefundSource[]>,
): Promise<void> {
  const refunds = await trx
    .selectFrom('effects')
    .select(['reference', 'purpose', 'units'])
    .where(sql<boolean>`reference = any(${paymentIds.map(paymentReference)}::text[])`)
    .where('kind', 'in', ['bank_transfer', 'card_refund'])
    .where('state', '<>', 'cancelled')
    .execute()
  for (const { reference, purpose, units } of refunds) {
    const key = REFUND_PURPOSE.exec(purpose)?.[2]
    const source = sources.get(reference.slice('payment:'.length))?.find((one) => one.key === key)
    // A source that is missing was charged back, after what was refunded of it.
    if (source) source.leftUnits -= units
  }
}

export function openCounterparty(secrets: App['secrets'], sealed: Buffer): Counterparty {
  return JSON.parse(secrets.open(COUNTERPARTY_PURPOSE, sealed).toString('utf8'))
}
