import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Address } from 'viem'
import type { Db } from '../src/db/database.ts'
import type { Secrets } from '../src/kernel/secrets.ts'
import { openApi, untilAnswered } from './api.ts'
import { type ChainNode, fundWallet, openNode, signAndSend, sumGas } from './chain-node.ts'
import { type Benchmark, interleave } from './measure.ts'
import { addCustomers } from './people.ts'
import { startProcess } from './servers.ts'
import { openWorld } from './world.ts'

const ROUNDS = 3
const TRANSFERS = 3_000
const SINGLES = 40
const UNITS = 1_000_000n
const LOOK_MS = 25
const WAIT_SECONDS = 120

export const dispatch: Benchmark = {
  name: 'dispatch',
  about:
    'coins dispatched, from planned to confirmed and booked, against a bare sign-and-send loop on the same node',
  async run(tell) {
    const world = await openWorld()
    const app = await startProcess('bench/serve-app.ts', [], { ...world.env, ROLE: 'all' })
    const inside = world.open()
    const api = await openApi(app.url, 1)
    try {
      const node = await openNode(world)
      const bare = await fundWallet(node)
      const [customer] = await addCustomers(inside, 1)
      const { payment_id: template } = await untilAnswered(() =>
        api.call<{ payment_id: string }>('POST', '/api/createGuidedPayment', {
          user_id: customer,
          coin_symbol: 'USDC',
          coin_chain: 'polygon',
          fiat_amount: '150.50',
          wallet: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
        }),
      )
      const { a, b, ratio } = await interleave(
        ROUNDS,
        async () => TRANSFERS / (await dispatchAll(inside, template, TRANSFERS, false)),
        async () => TRANSFERS / (await secondsOf(() => signAndSend(node, bare, newTransfers(TRANSFERS)))),
        tell,
      )
      await dispatchAll(inside, template, SINGLES, true)
      const [together, alone] = await readGas(inside.db, node)
      return [
        {
          what: 'coins dispatched',
          measured: `${Math.round(a)}/s`,
          baseline: `${Math.round(b)}/s signed and sent barely`,
          ratio,
          required: { atLeast: 0.8 },
        },
        {
          what: 'gas of a payout in a batch, its allowance included',
          measured: `${Math.round(together)}`,
          baseline: `${Math.round(alone)} by itself`,
          ratio: together / alone,
          required: { atMost: 0.6 },
        },
      ]
    } finally {
      await api.close()
      await inside.close()
      await app.stop()
      await world.stop()
    }
  },
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const beganMs = performance.now()
  await work()
  return (performance.now() - beganMs) / 1000
}

const newWallet = (): Address => `0x${randomBytes(20).toString('hex')}`

const newTransfers = (count: number): { to: Address; units: bigint }[] =>
  Array.from({ length: count }, () => ({ to: newWallet(), units: UNITS }))

/**
 * Plans transfers of so many paid payments, and waits until the last is confirmed. Answers the seconds from when they
 * are planned: making up their payments is no part of it, the commit that lets the program see them is.
 */
async function dispatchAll(
  { db, secrets }: { db: Db; secrets: Secrets },
  template: string,
  count: number,
  single: boolean,
): Promise<number> {
  // In the order they are dispatched in.
  const ids = Array.from({ length: count }, () => randomBytes(16).toString('hex').slice(0, 25)).sort()
  const sealed = ids.map(() => secrets.seal('effect', JSON.stringify({ address: newWallet() })))
  let beganMs = 0
  await db.transaction().execute(async (trx) => {
    await sql`
      insert into payments
      select (jsonb_populate_record(template, jsonb_build_object('id', given.id, 'state', 'payment_received',
                'received_units', template.fiat_units, 'converted_units', template.fiat_units, 'received_at', now()))).*
        from payments template, unnest(${ids}::text[]) given (id) where template.id = ${template}`.execute(
      trx,
    )
    await sql`
      insert into effects (id, integration_id, kind, purpose, reference, door, asset, units, account, destination_sealed,
                           single, state, idempotency_key, due_at, created_at, updated_at)
      select given.id, 1, 'coin_transfer', 'payment:' || given.id || ':coins', 'payment:' || given.id,
             (select 'wallet:' || chain || ':' || address from wallets where role = 'hot' and chain = 'polygon' limit 1),
             'polygon:USDC', ${UNITS}, 'customer:' || given.id || ':coin', given.sealed, ${single}, 'planned', given.id, now(), now(), now()
        from unnest(${ids}::text[], ${sealed}::bytea[]) given (id, sealed)`.execute(trx)
    await sql`select pg_notify('lanes', 'coins-dispatch:polygon')`.execute(trx)
    beganMs = performance.now()
  })
  let open = ids
  for (; performance.now() < beganMs + WAIT_SECONDS * 1000; await sleep(LOOK_MS)) {
    // The last ones first: what can't be over yet costs the database nothing.
    if ((await findOpen(db, open.slice(-1))).length > 0) continue
    open = await findOpen(db, open)
    if (open.length === 0) return (performance.now() - beganMs) / 1000
  }
  throw new Error(`Not all of ${count} transfers were confirmed in ${WAIT_SECONDS} s.`)
}

async function findOpen(db: Db, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from payments where id = any(${[...ids]}::text[]) and state <> 'coins_sent' order by id`.execute(
    db,
  )
  return rows.map(({ id }) => id)
}

/** Of one payout: in a batch, and by itself. */
async function readGas(db: Db, node: ChainNode): Promise<[number, number]> {
  const { rows } = await sql<{ single: boolean; hashes: string[]; payouts: number }>`
    select kind = 'single' as single, array_agg(hash) as hashes,
           sum((select count(*) from effects where transaction_id = t.id)) as payouts
      from chain_transactions t where state = 'confirmed' group by 1`.execute(db)
  const gasOf = async (single: boolean): Promise<number> => {
    const row = rows.find((one) => one.single === single)!
    return (await sumGas(node, row.hashes)) / Number(row.payouts)
  }
  return [await gasOf(false), await gasOf(true)]
}
