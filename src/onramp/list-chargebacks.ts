import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { ChargebackRecord } from './payment.ts'

/** A payment whose payer took the money back. Units are the currency's base units. */
export interface ListedChargeback {
  id: string
  state: string
  fiat: string
  units: bigint
  lossUnits: bigint
  reason: string
  at: string
  outcome: 'charged_back' | 'won'
}

const MOST_SHOWN = 200

/** Newest payments first. */
export async function listChargebacks({ db }: Pick<App, 'db'>): Promise<ListedChargeback[]> {
  const { rows } = await sql<{ id: string; state: string; fiat: string; chargeback: ChargebackRecord }>`
    select id, state, fiat, chargeback from payments
     where chargeback is not null order by created_at desc, id limit ${MOST_SHOWN}`.execute(db)
  return rows.map(({ chargeback, ...payment }) => ({
    ...payment,
    units: BigInt(chargeback.units),
    lossUnits: BigInt(chargeback.lossUnits),
    reason: chargeback.reason,
    at: chargeback.at,
    outcome: chargeback.state ?? 'charged_back',
  }))
}
