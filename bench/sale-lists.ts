import { sql } from 'kysely'
import type { Db } from '../src/db/database.ts'
import { sealPayee } from '../src/offramp/sale-wire.ts'
import { payerIban } from '../src/providers/bank/simulated/incoming.ts'
import { compareLists, findDeepCursor, type Inside, openSizes } from './lists.ts'
import type { Benchmark, Figure } from './measure.ts'

const LIST = '/api/rampoff/list'
const AT_ONCE = 100_000

export const saleLists: Benchmark = {
  name: 'sale-lists',
  about: 'pages of the list of sales where there are a million, or BENCH_ROWS, against a thousand',
  async run(tell) {
    const { few, many, close } = await openSizes(fillSales, tell)
    try {
      const cursor = await findDeepCursor(many, LIST)
      const figures: Figure[] = []
      for (const [what, query] of [
        ['sales, the first page', ''],
        ['sales, from a cursor half way', `?cursor=${cursor}`],
        ['sales that none is among', '?status=refunded'],
        ['sales of one customer', '?user_id=1000500'],
      ] as const)
        figures.push(await compareLists(what, { few, many, list: LIST, query }))
      return figures
    } finally {
      await close()
    }
  },
}

interface Part {
  first: number
  last: number
  key: Buffer
  payee: Buffer
}

/** Every customer sold once; one of ten sales is past its window, all others are paid out. */
async function fillSales(
  { db, secrets }: Inside,
  sales: number,
  tell: (line: string) => void,
): Promise<void> {
  // A list opens whom each of its sales is paid to.
  const key = secrets.newCustomerKey()
  const payee = sealPayee(secrets, key, { kind: 'iban', iban: payerIban('Ana'), name: 'Ana García' })
  await db.connection().execute(async (one) => {
    // Loading is not what is measured: no waiting for the disk, and no look-ups of rows that are surely there.
    await sql`set synchronous_commit = off`.execute(one)
    await sql`set session_replication_role = replica`.execute(one)
    for (let first = 1; first <= sales; first += AT_ONCE) {
      await fillPart(one, { first, last: Math.min(sales, first + AT_ONCE - 1), key, payee })
      if (sales > AT_ONCE) tell(`${Math.min(sales, first + AT_ONCE - 1)} sales are in`)
    }
    await sql`reset session_replication_role`.execute(one)
    await sql`reset synchronous_commit`.execute(one)
    await sql`vacuum analyze`.execute(one)
  })
}

async function fillPart(db: Db, { first, last, key, payee }: Part): Promise<void> {
  const range = sql`generate_series(${first}::integer, ${last}::integer) n`
  const at = sql`now() - n * interval '10 seconds'`
  const isExpired = sql`n % 10 = 0`
  await sql`
    insert into customers (integration_id, id, uuid, type, key_wrapped, personal_sealed, email_index, country, kyc_status, kyc_level,
                           kyc_updated_at, created_at, updated_at)
    select 1, 1000000 + n, gen_random_uuid(), 'individual', ${key}, '\\x00', sha256(n::text::bytea), 'ES', 'valid', 'basic',
           ${at}, ${at}, ${at} from ${range}`.execute(db)
  await sql`
    insert into sales (integration_id, id, customer_id, external_id, live_external_id, request_hash, state, chain, symbol,
                       asked_units, received_units, converted_units, conversions, fiat, fiat_units, fee_units, price, terms,
                       address, payee_sealed, txid, payout, created_at, updated_at)
    select 1, 'sale' || lpad(n::text, 21, '0'), 1000000 + n, 'sale-' || n, case when ${isExpired} then null else 'sale-' || n end,
           sha256(n::text::bytea), case when ${isExpired} then 'expired' else 'finished' end, 'polygon', 'USDC', 100000000,
           case when ${isExpired} then 0 else 100000000 end, case when ${isExpired} then 0 else 100000000 end,
           case when ${isExpired} then '[]'::jsonb
                else '[{"number":1,"round":1,"units":"100000000","fiatUnits":"9100","feeUnits":"93"}]'::jsonb end,
           'EUR', 9100, 93, '0.92', '{}', '0x' || substr(encode(sha256(n::text::bytea), 'hex'), 1, 40), ${payee},
           case when ${isExpired} then null else '0x' || encode(sha256(n::text::bytea), 'hex') end,
           case when ${isExpired} then null
                else jsonb_build_object('round', 1, 'state', 'booked', 'units', '9100', 'reason', null, 'createdAt', ${at}) end,
           ${at}, ${at} from ${range}`.execute(db)
  await sql`
    insert into deposits (integration_id, id, sale_id, chain, epoch, address, asset, units, from_address, tx_hash, ordinal,
                          block_height, block_hash, state, outcome, sweep_seen_at, first_seen_at, final_at, updated_at)
    select 1, 'deposit' || lpad(n::text, 18, '0'), 'sale' || lpad(n::text, 21, '0'), 'polygon', 1,
           '0x' || substr(encode(sha256(n::text::bytea), 'hex'), 1, 40), 'polygon:USDC', 100000000,
           '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359', '0x' || encode(sha256(n::text::bytea), 'hex'), 0, n, '0x' || n, 'final',
           'credited', ${at}, ${at}, ${at}, ${at} from ${range} where not (${isExpired})`.execute(db)
}
