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

/**
 * Payments like the one given, one for each customer, each to a wallet of its own. Answers their ids.
 */
export async function copyPayment(
  db: Db,
  templateId: string,
  customerIds: readonly number[],
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    insert into payments
    select (jsonb_populate_record(template, jsonb_build_object(
             'id', translate(encode(sha256(given.customer_id::text::bytea), 'base64'), '+/=', 'xyz')::char(25),
             'customer_id', given.customer_id, 'external_id', null, 'live_external_id', null, 'quote_id', null,
             'wallet', '0x' || substr(encode(sha256(('wallet' || given.customer_id)::bytea), 'hex'), 1, 40)))).*
      from payments template, unnest(${[...customerIds]}::bigint[]) given (customer_id)
     where template.id = ${templateId}
    returning id`.execute(db)
  return rows.map(({ id }) => id)
}

/** Sets the first integration's limits and bounds so high that a customer never meets them. */
export async function liftLimits(db: Db): Promise<void> {
  const many = { cardQuarter: '999999999.00', year: '999999999.00' }
  await sql`
    update integrations set version = version + 1,
           settings = settings || ${JSON.stringify({ limits: { basic: many, reinforced: many } })}::jsonb
     where id = 1`.execute(db)
}
