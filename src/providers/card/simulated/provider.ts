import { type Selectable, sql } from 'kysely'
import type { SimulatedDatabase } from '../../../db/simulated-schema.ts'
import { isUniqueViolation } from '../../../db/unique-violation.ts'
import { randomText } from '../../../kernel/ids.ts'
import { READING_FAULTS, underFaults, WRITING_FAULTS } from '../../faults.ts'
import { ProviderError } from '../../provider-error.ts'
import { readSignedCallback } from '../../simulated/signature.ts'
import type { Simulator } from '../../simulated/simulator.ts'
import type {
  CardChargeback,
  CardProvider,
  CardRefund,
  CardRefundRequest,
  CardSession,
  CardSessionRequest,
} from '../port.ts'
import { type CardSessionRow, findSession, MAX_TRIES, stateAt } from './session.ts'

/** From the order of a refund to its end, on the platform's clock. */
const REFUND_DELAY_MS = 2_000
const CHARGEBACKS_PAGE = 100

/** A card provider whose pages, banks and cards are the sandbox's. */
export function createSimulatedCardProvider(simulator: Simulator): CardProvider {
  const { db, clock } = simulator
  const urlOf = (id: string): string => `${simulator.publicUrl()}/simulators/card/${id}`
  const read = <Result>(call: () => Promise<Result>) => underFaults(simulator, 'card', READING_FAULTS, call)
  const write = <Result>(call: () => Promise<Result>) => underFaults(simulator, 'card', WRITING_FAULTS, call)
  return {
    name: 'simulated',
    async createSession(request) {
      const id =
        (await insertSession(simulator, request, 'unless_faulty')) ??
        (await write(() => createSession(simulator, request)))
      return { providerRef: id, url: urlOf(id) }
    },
    getSession: (providerRef) =>
      read(async () => asSession(known(await findSession(db, providerRef), providerRef), clock.now())),
    findSession: (idempotencyKey) =>
      read(async () => {
        const row = await findSessionByKey(simulator, idempotencyKey)
        return row && { ...asSession(row, clock.now()), url: urlOf(row.id) }
      }),
    endSession: (providerRef) =>
      write(async () => asSession(await endSession(simulator, providerRef), clock.now())),
    refund: (request) => write(() => orderRefund(simulator, request)),
    findRefund: (idempotencyKey) => read(() => findRefund(simulator, idempotencyKey)),
    listChargebacks: (since, next, limit = CHARGEBACKS_PAGE) =>
      read(() => listChargebacks(simulator, { since, next, limit })),
    parseCallback: (callback) => readSignedCallback(simulator, 'card', callback),
  }
}

async function createSession(simulator: Simulator, request: CardSessionRequest): Promise<string> {
  const created = await insertSession(simulator, request, 'always')
  if (created) return created
  const known = await simulator.db
    .selectFrom('simulated.cardSessions')
    .select(['id', 'reference', 'units', 'currency'])
    .where('idempotencyKey', '=', request.idempotencyKey)
    .executeTakeFirstOrThrow()
  if (
    known.reference !== request.reference ||
    known.units !== request.units ||
    known.currency !== request.currency
  ) {
    throw keyReused(request.idempotencyKey)
  }
  return known.id
}

/**
 * Undefined when the key is known already, or when a fault waits for this call. That nothing waits is the rule, and
 * seeing it here spares every payment a question of its own.
 */
async function insertSession(
  { db, clock }: Simulator,
  request: CardSessionRequest,
  when: 'always' | 'unless_faulty',
): Promise<string | undefined> {
  const now = clock.now()
  const { rows } = await sql<{ id: string }>`
    insert into simulated.card_sessions (id, idempotency_key, reference, units, currency, description, merchant_name,
           return_url, language, customer_name, expires_at, created_at, updated_at)
    select ${`cs_${randomText(32)}`}, ${request.idempotencyKey}, ${request.reference}, ${request.units},
           ${request.currency}, ${request.description}, ${request.merchantName}, ${request.returnUrl},
           ${request.language}, ${request.customerName}, ${request.expiresAt}::timestamptz, ${now}::timestamptz,
           ${now}::timestamptz
     where ${when === 'always'} or not exists (
             select from provider_faults
              where provider = 'card' and remaining > 0 and kind = any(${[...WRITING_FAULTS]}::text[]))
    on conflict (idempotency_key) do nothing
    returning id`.execute(db)
  return rows[0]?.id
}

function findSessionByKey({ db }: Simulator, idempotencyKey: string): Promise<CardSessionRow | undefined> {
  return db
    .selectFrom('simulated.cardSessions')
    .selectAll()
    .where('idempotencyKey', '=', idempotencyKey)
    .executeTakeFirst()
}

/** A session whose time is over is left to the lane, which tells of it. */
async function endSession({ db, clock }: Simulator, id: string): Promise<CardSessionRow> {
  const now = clock.now()
  const { rows } = await sql<CardSessionRow>`
    update simulated.card_sessions set state = 'cancelled', updated_at = ${now}
     where id = ${id} and state = 'open' and expires_at > ${now} returning *`.execute(db)
  return rows[0] ?? known(await findSession(db, id), id)
}

function known(row: CardSessionRow | undefined, id: string): CardSessionRow {
  if (row) return row
  throw new ProviderError('card', 'rejected', `there is no session ${id}`, { code: 'session_not_found' })
}

function asSession(row: CardSessionRow, now: Date): CardSession {
  return {
    providerRef: row.id,
    reference: row.reference,
    state: stateAt(row, now),
    units: row.units,
    currency: row.currency,
    paidUnits: row.state === 'paid' ? row.units : 0n,
    cardLast4: row.cardLast4,
    holderName: row.holderName,
    declines: row.declines,
    declineCode: row.declineCode,
    triesLeft: stateAt(row, now) === 'open' ? MAX_TRIES - row.declines : 0,
    threeDSecure: row.threeDSecure,
    chargedBack: row.chargedBackAt !== null && row.disputeWonAt === null,
  }
}

/** Takes the units from the session and writes the refund in one statement: never more than was paid. */
async function orderRefund(simulator: Simulator, request: CardRefundRequest): Promise<CardRefund> {
  const { db, clock } = simulator
  const earlier = await findRefund(simulator, request.idempotencyKey)
  if (earlier) return sameRefund(earlier, request)
  const now = clock.now()
  try {
    const { rows } = await sql<RefundRow>`
      with session as (
        update simulated.card_sessions set refunded_units = refunded_units + ${request.units}, updated_at = ${now}
         where id = ${request.providerRef} and state = 'paid' and (charged_back_at is null or dispute_won_at is not null)
           and refunded_units + ${request.units} <= units and ${request.units} > 0
        returning id)
      insert into simulated.card_refunds (id, idempotency_key, session_id, units, due_at, created_at, updated_at)
      select ${`re_${randomText(24)}`}, ${request.idempotencyKey}, id, ${request.units},
             ${new Date(now.getTime() + REFUND_DELAY_MS)}::timestamptz, ${now}::timestamptz, ${now}::timestamptz
        from session
      returning *`.execute(db)
    if (rows[0]) return asRefund(rows[0])
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
  }
  // The same order came twice at once: the first one won, and the statement of this one changed nothing.
  const first = await findRefund(simulator, request.idempotencyKey)
  if (first) return sameRefund(first, request)
  known(await findSession(db, request.providerRef), request.providerRef)
  throw new ProviderError(
    'card',
    'rejected',
    'the session was not paid, was charged back, or less is left of it',
    {
      code: 'not_refundable',
    },
  )
}

function sameRefund(refund: CardRefund, request: CardRefundRequest): CardRefund {
  if (refund.providerRef === request.providerRef && refund.units === request.units) return refund
  throw keyReused(request.idempotencyKey)
}

type RefundRow = Selectable<SimulatedDatabase['simulated.cardRefunds']>

async function findRefund({ db }: Simulator, idempotencyKey: string): Promise<CardRefund | undefined> {
  const row = await db
    .selectFrom('simulated.cardRefunds')
    .selectAll()
    .where('idempotencyKey', '=', idempotencyKey)
    .executeTakeFirst()
  return row && asRefund(row)
}

function asRefund(row: RefundRow): CardRefund {
  return {
    refundRef: row.id,
    providerRef: row.sessionId,
    units: row.units,
    state: row.state,
    reason: row.reason,
  }
}

function keyReused(key: string): ProviderError {
  return new ProviderError('card', 'rejected', `the idempotency key ${key} stands for another order`, {
    code: 'idempotency_key_reused',
  })
}

/** `next` is the time of the last one's change and its session. */
async function listChargebacks(
  { db }: Simulator,
  { since, next, limit }: { since: Date; next: string | null; limit: number },
): Promise<{ chargebacks: CardChargeback[]; next: string | null }> {
  const [, time, id] = /^(\d+):(\w+)$/.exec(next ?? '') ?? []
  const after = time === undefined ? since : new Date(Number(time))
  const { rows } = await sql<CardChargeback>`
    select id as provider_ref, reference, units - refunded_units as units, currency, 'fraudulent' as reason,
           case when dispute_won_at is null then 'charged_back' else 'won' end as state, changed_at
      from simulated.card_sessions cross join lateral (
             select coalesce(dispute_won_at, charged_back_at) as changed_at) change
     where charged_back_at is not null and (changed_at, id) > (${after}::timestamptz, ${id ?? ''})
     order by changed_at, id limit ${limit}`.execute(db)
  const last = rows.at(-1)
  const full = rows.length === limit && last !== undefined
  return { chargebacks: rows, next: full ? `${last.changedAt.getTime()}:${last.providerRef}` : null }
}
