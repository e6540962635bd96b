import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from '../src/db/database.ts'
import type { Secrets } from '../src/kernel/secrets.ts'
import { sha256 } from '../src/kernel/secrets.ts'
import { NOTHING_KNOWN, sealData } from '../src/users/personal-data.ts'

const AT_ONCE = 1_000

/** Verified customers of the first integration, each with a key of its own, put straight into the database. */
export async function addCustomers(
  { db, secrets }: { db: Db; secrets: Secrets },
  count: number,
): Promise<number[]> {
  const ids: number[] = []
  while (ids.length < count) {
    const keys = Array.from({ length: Math.min(AT_ONCE, count - ids.length) }, () => secrets.newCustomerKey())
    const emails = keys.map(() => `${randomBytes(8).toString('hex')}@example.com`)
    const sealed = keys.map((key, place) =>
      sealData(secrets, key, {
        ...NOTHING_KNOWN,
        name: 'Ana',
        last_name: 'Pérez García',
        email: emails[place]!,
        country: 'ES',
        bank_account: null,
        bank_name: null,
      }),
    )
    const { rows } = await sql<{ id: number }>`
      insert into customers (integration_id, uuid, type, key_wrapped, personal_sealed, email_index, country, language,
                             kyc_status, kyc_level, kyc_updated_at, created_at, updated_at)
      select 1, gen_random_uuid(), 'individual', given.*, 'ES', 'es', 'valid', 'basic', now(), now(), now()
        from unnest(${keys}::bytea[], ${sealed}::bytea[], ${emails.map(sha256)}::bytea[]) given
      returning id`.execute(db)
    ids.push(...rows.map(({ id }) => id))
  }
  return ids
}

/** A payment whose customer is at the card provider's page. */
export interface OpenPayment {
  id: string
  /** The card provider's name of the session. */
  session: string
}

/** Payments with open card sessions like the one given, one for each customer, each to a wallet of its own. */
export async function copyPayment(
  db: Db,
  templateId: string,
  customerIds: readonly number[],
): Promise<OpenPayment[]> {
  const { rows } = await sql<OpenPayment>`
    with given as (
      select customer_id, substr(translate(encode(sha256(('payment' || customer_id)::bytea), 'base64'), '+/=', 'xyz'), 1, 25) as id,
             '0x' || substr(encode(sha256(('wallet' || customer_id)::bytea), 'hex'), 1, 40) as wallet
        from unnest(${[...customerIds]}::bigint[]) given (customer_id)
    ), paid_at as (
      select given.*, template, session, provider_session
        from given, payments template
             join payment_sessions session on session.payment_id = template.id
             join simulated.card_sessions provider_session on provider_session.id = session.provider_ref
       where template.id = ${templateId}
    ), copied as (
      insert into payments
      select (jsonb_populate_record(template, jsonb_build_object('id', id, 'customer_id', customer_id, 'wallet', wallet))).*
        from paid_at
    ), sessions as (
      insert into payment_sessions
      select (jsonb_populate_record(session, jsonb_build_object('id', 's' || id, 'payment_id', id,
                'provider_ref', 'cs_' || id, 'declines', 0, 'decline_code', null))).*
        from paid_at
    ), provider_sessions as (
      insert into simulated.card_sessions
      select (jsonb_populate_record(provider_session, jsonb_build_object('id', 'cs_' || id, 'reference', id,
                'idempotency_key', 's' || id, 'declines', 0, 'decline_code', null, 'card_last4', null,
                'card_brand', null, 'holder_name', null))).*
        from paid_at
    )
    select id, 'cs_' || id as session from given`.execute(db)
  return rows
}

/** Sets the first integration's limits so high that a customer never meets them. */
export async function liftLimits(db: Db): Promise<void> {
  const many = { cardQuarter: '999999999.00', year: '999999999.00' }
  await sql`
    update integrations set version = version + 1,
           settings = settings || ${JSON.stringify({ limits: { basic: many, reinforced: many } })}::jsonb
     where id = 1`.execute(db)
}
