import { sql } from 'kysely'
import type { App } from '../../app.ts'
import type { Db, Trx } from '../../db/database.ts'
import { planByKeys } from '../../db/plan-by-keys.ts'
import type { Secrets } from '../../kernel/secrets.ts'
import type { Payment } from '../../onramp/payment.ts'
import type { PaymentState } from '../../onramp/payment-states.ts'
import { openName } from '../customer-names.ts'
import { keysOfCustomer } from './name-agreement.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets'>

const AT_ONCE = 3_000
const SIDE_BY_SIDE = 3
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
  paymentId: string
  units: bigint
  isOpen: boolean
  /** Both null unless it is open, the key also of a customer who was forgotten. */
  keyWrapped: Buffer | null
  personalSealed: Buffer | null
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

/** Payments that have their money already, as most have whose number was written, need no names. Answers of how many. */
const nameSome = ({ db, clock, secrets }: Needs, ibans: readonly string[]): Promise<number> =>
  db.transaction().execute(async (trx) => {
    await planByKeys(trx)
    const now = clock.now()
    const { rows } = await sql<Unnamed>`
      with taken as (
        delete from unnamed_payments
         where (iban, payment_id) in (select iban, payment_id from unnamed_payments where iban = any(${[...ibans]}::text[])
                                       limit ${AT_ONCE} for update skip locked)
        returning iban, payment_id)
      select taken.iban, payments.id as payment_id, payments.fiat_units as units, payments.is_open, key_wrapped, personal_sealed
        from taken
        join (select *, state in ('started', 'pending_bank', 'in_review')
                        or (state in ('expired', 'cancelled') and updated_at > ${daysBefore(now, LATE_DAYS)}) as is_open
                from payments) payments on payments.id = taken.payment_id
        left join customers on payments.is_open and customers.integration_id = payments.integration_id
                               and customers.id = payments.customer_id`.execute(trx)
    const digests = rows.flatMap((row) =>
      row.isOpen ? digestsOf(secrets, row).map((digest) => ({ ...row, digest })) : [],
    )
    if (digests.length > 0)
      await sql`
        insert into payment_names (payment_id, digest, iban, units, created_at)
        select given.*, ${now}
          from unnest(${digests.map(({ paymentId }) => paymentId)}::text[],
                      ${digests.map(({ digest }) => digest)}::bytea[],
                      ${digests.map(({ iban }) => iban)}::text[],
                      ${digests.map(({ units }) => units.toString())}::numeric[]) given
        on conflict do nothing`.execute(trx)
    return rows.length
  })

const daysBefore = (now: Date, days: number): Date => new Date(now.getTime() - days * DAY_MS)

function digestsOf(secrets: Secrets, { keyWrapped, personalSealed }: Unnamed): Buffer[] {
  const name = personalSealed && openName(secrets, keyWrapped, personalSealed)
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
  const { rows } = await sql<{ digest: Buffer }>`
    delete from payment_names
     where payment_id in (select payment_id from payment_names
                           where digest = ${ANY_NAME} and created_at < ${daysBefore(clock.now(), KEPT_DAYS)}
                           limit ${PRUNED_AT_ONCE})
    returning digest`.execute(db)
  return rows.filter(({ digest }) => digest.equals(ANY_NAME)).length
}
