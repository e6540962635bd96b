import { sql } from 'kysely'
import type { App } from '../../app.ts'
import type { Db, Trx } from '../../db/database.ts'
import type { Secrets } from '../../kernel/secrets.ts'
import type { Payment } from '../../onramp/payment.ts'
import type { PaymentState } from '../../onramp/payment-states.ts'
import { openName } from '../customer-names.ts'
import { keysOfCustomer } from './name-agreement.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets'>

const AT_ONCE = 3_000
const SIDE_BY_SIDE = 3
const LEFT_OUT_AT_ONCE = 100_000
/** Ended payments are found without their number for so long. */
export const LATE_DAYS = 45
const DAY_MS = 86_400_000
const DIGEST_BYTES = 8
/** The number means nothing. */
const NAMING = 7_264_012

/** Two words of a name as the table has them, cut short: two that meet by chance only cost a comparison. */
export const digestOfPair = (secrets: Pick<Secrets, 'index'>, pair: string): Buffer =>
  secrets.index('payer-name', pair).subarray(0, DIGEST_BYTES)

/** A whole name, told apart from a name of two words. */
export const digestOfWhole = (secrets: Pick<Secrets, 'index'>, whole: string): Buffer =>
  digestOfPair(secrets, ` ${whole}`)

/** Stands for the amount alone: every open payment has it. */
export const ANY_NAME = Buffer.alloc(0)

interface Unnamed {
  iban: string
  concept: number
  paymentId: string
  units: bigint
  keyWrapped: Buffer | null
  personalSealed: Buffer
}

/** Who is naming now, by database. */
const naming = new WeakMap<Db, Promise<void>>()

/**
 * Makes the open payments of these accounts that were not looked at yet findable by name and amount. Whoever comes while
 * others do it needs their names too, and waits for them: here without a connection, in other processes by a lock.
 */
export async function nameOpenPayments(app: Needs, ibans: readonly string[]): Promise<void> {
  const turn = (naming.get(app.db) ?? Promise.resolve()).then(() => nameAlone(app, ibans))
  naming.set(
    app.db,
    turn.catch(() => {}),
  )
  await turn
}

async function nameAlone(app: Needs, ibans: readonly string[]): Promise<void> {
  await app.db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${NAMING})`.execute(trx)
    await untilNone(() => leaveOutPaid(app, ibans))
    await untilNone(() => nameSome(app, ibans))
  })
}

/** Has the first piece done alone: mostly there is none. */
async function untilNone(work: () => Promise<number>): Promise<void> {
  if ((await work()) === 0) return
  const one = async (): Promise<void> => {
    while ((await work()) > 0);
  }
  const all = await Promise.allSettled(Array.from({ length: SIDE_BY_SIDE }, one))
  const failed = all.find((each) => each.status === 'rejected')
  if (failed) throw failed.reason
}

const OPEN_OR_LATE = sql`
  (payments.state in ('started', 'pending_bank', 'in_review')
   or (payments.state in ('expired', 'cancelled') and payments.updated_at > since.at))`

const sinceOf = (clock: App['clock']) => sql`
  (select ${new Date(clock.now().getTime() - LATE_DAYS * DAY_MS)}::timestamptz as at) since`

/** Payments that have their money already, as most have whose number was written, need no names. Answers of how many. */
async function leaveOutPaid({ db, clock }: Needs, ibans: readonly string[]): Promise<number> {
  const { numAffectedRows } = await sql`
    with paid as (
      select concepts.iban, concepts.concept
        from payment_concepts concepts
        join payments on payments.integration_id = concepts.integration_id and payments.id = concepts.payment_id
        cross join ${sinceOf(clock)}
       where concepts.named is null and concepts.iban = any(${[...ibans]}::text[]) and not ${OPEN_OR_LATE}
       limit ${LEFT_OUT_AT_ONCE} for update of concepts skip locked)
    update payment_concepts set named = false from paid
     where payment_concepts.iban = paid.iban and payment_concepts.concept = paid.concept`.execute(db)
  return Number(numAffectedRows)
}

const nameSome = ({ db, clock, secrets }: Needs, ibans: readonly string[]): Promise<number> =>
  db.transaction().execute(async (trx) => {
    const { rows } = await sql<Unnamed>`
    select concepts.iban, concepts.concept, concepts.payment_id, payments.fiat_units as units, key_wrapped, personal_sealed
      from payment_concepts concepts
      join payments on payments.integration_id = concepts.integration_id and payments.id = concepts.payment_id
      join customers on customers.integration_id = payments.integration_id and customers.id = payments.customer_id
      cross join ${sinceOf(clock)}
     where concepts.named is null and concepts.iban = any(${[...ibans]}::text[]) and ${OPEN_OR_LATE}
     limit ${AT_ONCE} for update of concepts skip locked`.execute(trx)
    if (rows.length === 0) return 0
    const digests = rows.flatMap((row) => digestsOf(secrets, row).map((digest) => ({ ...row, digest })))
    await sql`
    with told as (
      update payment_concepts set named = true
        from unnest(${rows.map(({ iban }) => iban)}::text[], ${rows.map(({ concept }) => concept)}::bigint[]) given (iban, concept)
       where payment_concepts.iban = given.iban and payment_concepts.concept = given.concept
    )
    insert into payment_names (payment_id, digest, iban, units)
    select * from unnest(${digests.map(({ paymentId }) => paymentId)}::text[],
                         ${digests.map(({ digest }) => digest)}::bytea[],
                         ${digests.map(({ iban }) => iban)}::text[],
                         ${digests.map(({ units }) => units.toString())}::numeric[])
    on conflict do nothing`.execute(trx)
    return rows.length
  })

function digestsOf(secrets: Secrets, { keyWrapped, personalSealed }: Unnamed): Buffer[] {
  const name = openName(secrets, keyWrapped, personalSealed)
  if (name === null) return [ANY_NAME]
  const { pairs, whole } = keysOfCustomer(name)
  return [ANY_NAME, digestOfWhole(secrets, whole), ...pairs.map((pair) => digestOfPair(secrets, pair))]
}

/** Payments that have their money are looked for by name no more; those that wait for the rest of it are. */
export async function dropNames(trx: Trx, payments: readonly Pick<Payment, 'id' | 'state'>[]): Promise<void> {
  const ids = payments.filter(({ state }) => !STILL_PAID.has(state)).map(({ id }) => id)
  if (ids.length === 0) return
  await sql`delete from payment_names where payment_id = any(${ids}::text[])`.execute(trx)
}

const STILL_PAID: ReadonlySet<PaymentState> = new Set(['started', 'pending_bank', 'in_review'])

const PRUNED_AT_ONCE = 1_000
/** Longer than any payment stays open and may be paid late. */
const KEPT_DAYS = 120

/** Forgets names of payments so old that nobody pays them any more. Answers of how many. */
export async function pruneNames({ db, clock }: { db: Db; clock: App['clock'] }): Promise<number> {
  const before = new Date(clock.now().getTime() - KEPT_DAYS * DAY_MS)
  const { rows } = await sql<{ paymentId: string }>`
    with old as (
      update payment_concepts set named = false
       where (iban, concept) in (select iban, concept from payment_concepts
                                  where named and created_at < ${before} limit ${PRUNED_AT_ONCE})
      returning payment_id
    )
    delete from payment_names using old where payment_names.payment_id = old.payment_id
    returning payment_names.payment_id`.execute(db)
  return rows.length
}
