import { sql } from 'kysely'
import type { Db } from '../src/db/database.ts'

/** So many of the payments wait for their money; all others have their coins. */
const OPEN = 500
const AT_ONCE = 100_000
/** Where the first integration's events go. */
export const SUBSCRIBED_URL = 'http://127.0.0.1:9/webhooks'

/**
 * Fills a database as so many payments leave it: customers, payments, sessions, effects with their transactions,
 * events, deliveries with their attempts, and what providers told. Answers some ids, spread over all.
 */
export async function fillTables(db: Db, payments: number, tell: (line: string) => void): Promise<string[]> {
  await db.connection().execute(async (one) => {
    // Loading is not what is measured: no waiting for the disk, and no look-ups of rows that are surely there.
    await sql`set synchronous_commit = off`.execute(one)
    await sql`set session_replication_role = replica`.execute(one)
    for (let first = 1; first <= payments; first += AT_ONCE) {
      await fillPart(one, first, Math.min(payments, first + AT_ONCE - 1))
      if (payments > AT_ONCE) tell(`${Math.min(payments, first + AT_ONCE - 1)} payments are in`)
    }
    await sql`
      insert into webhook_subscriptions (integration_id, type, sent_type, url, created_at, updated_at)
      select 1, type, type, ${SUBSCRIBED_URL}, now(), now() from unnest('{PAY_IN,COINS_SENT}'::text[]) type`.execute(
      one,
    )
    await sql`update integrations set event_sequence = ${payments * 2} where id = 1`.execute(one)
    await sql`reset session_replication_role`.execute(one)
    await sql`reset synchronous_commit`.execute(one)
    await sql`vacuum analyze`.execute(one)
  })
  const { rows } = await sql<{ id: string }>`
    select 'payment' || lpad((1 + (n * 7919) % ${payments})::text, 18, '0') as id from generate_series(1, 1000) n`.execute(
    db,
  )
  return rows.map(({ id }) => id)
}

async function fillPart(db: Db, first: number, last: number): Promise<void> {
  const range = sql`generate_series(${first}::integer, ${last}::integer) n`
  const id = sql`'payment' || lpad(n::text, 18, '0')`
  const open = sql`n <= ${OPEN}`
  const at = sql`now() - n * interval '10 seconds'`
  await sql`
    insert into customers (integration_id, id, uuid, type, personal_sealed, email_index, country, kyc_status, kyc_level,
                           kyc_updated_at, created_at, updated_at)
    select 1, 1000000 + n, gen_random_uuid(), 'individual', '\\x00', sha256(n::text::bytea), 'ES', 'valid', 'basic',
           ${at}, ${at}, ${at} from ${range}`.execute(db)
  await sql`
    insert into payments (integration_id, id, customer_id, external_id, live_external_id, request_hash, guided, payment_type,
                          state, fiat, fiat_units, received_units, converted_units, limit_units, symbol, chain, coin_units,
                          price, fee_units, network_fee_units, terms, price_fixed_at, price_expires_at, wallet, txid,
                          expires_at, due_at, created_at, updated_at)
    select 1, ${id}, 1000000 + n, 'order-' || n, 'order-' || n, sha256(n::text::bytea), true, 'card',
           case when ${open} then 'started' else 'coins_sent' end, 'EUR', 15050, case when ${open} then 0 else 15050 end,
           case when ${open} then 0 else 15050 end, 15050, 'USDC', 'polygon', 158123456, '0.920513', 406, 5, '{}', ${at},
           ${at} + interval '10 minutes', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
           case when ${open} then null else '0x' || encode(sha256(n::text::bytea), 'hex') end,
           case when ${open} then now() + interval '1 day' end, case when ${open} then now() + interval '1 day' end,
           ${at}, ${at} from ${range}`.execute(db)
  await sql`
    insert into payment_sessions (id, integration_id, payment_id, payment_type, provider, provider_ref, url, state, units,
                                  currency, due_at, created_at, updated_at)
    select 's' || n, 1, ${id}, 'card', 'simulated', 'cs_' || n, 'https://example.com/' || n,
           case when ${open} then 'open' else 'paid' end, 15050, 'EUR',
           case when ${open} then now() + interval '1 day' end, ${at}, ${at} from ${range}`.execute(db)
  await sql`
    insert into provider_callbacks (provider, external_id, payload_sealed, received_at, processed_at)
    select 'card', 'ntf_' || n, '\\x00', ${at}, ${at} from ${range} where not (${open})`.execute(db)
  await fillOutgoing(db, { range, id, open, at })
}

type Parts = Record<'range' | 'id' | 'open' | 'at', ReturnType<typeof sql>>

async function fillOutgoing(db: Db, { range, id, open, at }: Parts): Promise<void> {
  await sql`
    insert into effects (id, integration_id, kind, purpose, reference, door, asset, units, account, destination_sealed, state,
                         idempotency_key, transaction_id, txid, created_at, updated_at, confirmed_at)
    select 'e' || n, 1, 'coin_transfer', 'payment:' || ${id} || ':coins', 'payment:' || ${id},
           'wallet:polygon:0xfilled', 'polygon:USDC', 158123456, 'customer:' || ${id} || ':coin', '\\x00', 'confirmed', 'e' || n, 1 + n / 50,
           '0x' || encode(sha256(n::text::bytea), 'hex'), ${at}, ${at}, ${at} from ${range} where not (${open})`.execute(
    db,
  )
  await sql`
    insert into chain_transactions (chain, epoch, wallet, nonce, kind, state, request, max_gas_units, hash, attempts,
                                    wanted_attempts, created_at, updated_at)
    select 'polygon', 1, '0xfilled', n, 'batch', 'confirmed', '{}', 1, '0x' || n, 1, 1, ${at}, ${at}
      from ${range} where n % 50 = 0`.execute(db)
  await sql`
    insert into events (integration_id, id, type, stream, sequence, data_sealed, created_at)
    select 1, 'evt_' || n || '_' || one, case one when 0 then 'PAY_IN' else 'COINS_SENT' end, 'payment:' || ${id},
           2 * n - 1 + one, '\\x00', ${at} from ${range}, generate_series(0, 1) one`.execute(db)
  await sql`
    insert into deliveries (integration_id, sequence, event_id, type, sent_type, stream, state, attempts, created_at, updated_at)
    select 1, 2 * n - 1 + one, 'evt_' || n || '_' || one, case one when 0 then 'PAY_IN' else 'COINS_SENT' end, 'PAY_IN',
           'payment:' || ${id}, 'delivered', 1, ${at}, ${at} from ${range}, generate_series(0, 1) one`.execute(
    db,
  )
}
