import { type Selectable, sql } from 'kysely'
import type { SimulatedDatabase } from '../../../db/simulated-schema.ts'
import { isUniqueViolation } from '../../../db/unique-violation.ts'
import { randomText } from '../../../kernel/ids.ts'
import { READING_FAULTS, underFaults, WRITING_FAULTS } from '../../faults.ts'
import { ProviderError } from '../../provider-error.ts'
import { readSignedCallback } from '../../simulated/signature.ts'
import type { Simulator } from '../../simulated/simulator.ts'
import type {
  RedirectProvider,
  RedirectRefund,
  RedirectRefundRequest,
  RedirectSession,
  RedirectSessionRequest,
} from '../port.ts'
import { newCode } from './codes.ts'
import {
  DISPUTE_REASON,
  findSession,
  type RedirectKind,
  type RedirectSessionRow,
  stateAt,
} from './session.ts'

/** From the order of a refund to its end, on the platform's clock. */
const REFUND_DELAY_MS = 2_000

/** PayPal, or whoever takes the local methods' money, with a page of the sandbox. */
export function createSimulatedRedirectProvider(simulator: Simulator, kind: RedirectKind): RedirectProvider {
  const { clock } = simulator
  const urlOf = (id: string): string => `${simulator.publicUrl()}/simulators/${kind}/${id}`
  const read = <Result>(call: () => Promise<Result>) => underFaults(simulator, kind, READING_FAULTS, call)
  const write = <Result>(call: () => Promise<Result>) => underFaults(simulator, kind, WRITING_FAULTS, call)
  const get = async (id: string) => (await findSession(simulator.db, kind, id)) ?? unknown(kind, id)
  return {
    name: 'simulated',
    createSession: (request) =>
      write(async () => {
        const id = await createSession(simulator, kind, request)
        return { providerRef: id, url: urlOf(id) }
      }),
    getSession: (providerRef) => read(async () => asSession(await get(providerRef), clock.now())),
    findSession: (idempotencyKey) =>
      read(async () => {
        const row = await findSessionByKey(simulator, kind, idempotencyKey)
        return row && { ...asSession(row, clock.now()), url: urlOf(row.id) }
      }),
    endSession: (providerRef) =>
      write(async () => {
        const ended = await endSession(simulator, kind, providerRef)
        return asSession(ended ?? (await get(providerRef)), clock.now())
      }),
    refund: (request) => write(() => orderRefund(simulator, kind, request)),
    findRefund: (idempotencyKey) => read(() => findRefund(simulator, idempotencyKey)),
    parseCallback: (callback) => readSignedCallback(simulator, kind, callback),
  }
}

async function createSession(
  simulator: Simulator,
  kind: RedirectKind,
  request: RedirectSessionRequest,
): Promise<string> {
  const { db, clock } = simulator
  const now = clock.now()
  const { idempotencyKey, method, reference, units, currency } = request
  const created = await db
    .insertInto('simulated.redirectSessions')
    .values({
      id: `${kind === 'paypal' ? 'pp' : 'lo'}_${randomText(32)}`,
      kind,
      method,
      idempotencyKey,
      reference,
      units,
      currency,
      description: request.description,
      merchantName: request.merchantName,
      returnUrl: request.returnUrl,
      language: request.language,
      customerName: request.customerName,
      code: newCode(method),
      expiresAt: request.expiresAt,
      createdAt: now,
      updatedAt: now,
    })
    .onConflict((conflict) => conflict.column('idempotencyKey').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (created) return created.id
  const earlier = await findSessionByKey(simulator, kind, idempotencyKey)
  const same = earlier?.reference === reference && earlier.units === units && earlier.currency === currency
  if (!earlier || !same) throw keyReused(kind, idempotencyKey)
  return earlier.id
}

function findSessionByKey(
  { db }: Simulator,
  kind: RedirectKind,
  idempotencyKey: string,
): Promise<RedirectSessionRow | undefined> {
  return db
    .selectFrom('simulated.redirectSessions')
    .selectAll()
    .where('kind', '=', kind)
    .where('idempotencyKey', '=', idempotencyKey)
    .executeTakeFirst()
}

/** A session whose time is over is left to the lane, which tells of it. */
function endSession(
  { db, clock }: Simulator,
  kind: RedirectKind,
  id: string,
): Promise<RedirectSessionRow | undefined> {
  const now = clock.now()
  return db
    .updateTable('simulated.redirectSessions')
    .set({ state: 'cancelled', updatedAt: now })
    .where('kind', '=', kind)
    .where('id', '=', id)
    .where('state', '=', 'open')
    .where('expiresAt', '>', now)
    .returningAll()
    .executeTakeFirst()
}

function unknown(kind: RedirectKind, id: string): never {
  throw new ProviderError(kind, 'rejected', `there is no session ${id}`, { code: 'session_not_found' })
}

function asSession(row: RedirectSessionRow, now: Date): RedirectSession {
  return {
    providerRef: row.id,
    reference: row.reference,
    state: stateAt(row, now),
    units: row.units,
    currency: row.currency,
    paidUnits: row.paidUnits,
    payerName: row.payerName,
    declineCode: row.declineCode,
    chargedBack: row.disputedUnits > 0n ? { units: row.disputedUnits, reason: DISPUTE_REASON } : null,
  }
}

/** Takes the units from the session and writes the refund in one statement: never more than was paid. */
async function orderRefund(
  simulator: Simulator,
  kind: RedirectKind,
  request: RedirectRefundRequest,
): Promise<RedirectRefund> {
  const { db, clock } = simulator
  const earlier = await findRefund(simulator, request.idempotencyKey)
  if (earlier) return sameRefund(kind, earlier, request)
  const now = clock.now()
  try {
    const { rows } = await sql<RefundRow>`
      with session as (
        update simulated.redirect_sessions set refunded_units = refunded_units + ${request.units}, updated_at = ${now}
         where id = ${request.providerRef} and kind = ${kind} and ${request.units} > 0
           and refunded_units + disputed_units + ${request.units} <= paid_units
        returning id)
      insert into simulated.redirect_refunds (id, idempotency_key, session_id, units, due_at, created_at, updated_at)
      select ${`rr_${randomText(24)}`}, ${request.idempotencyKey}, id, ${request.units},
             ${new Date(now.getTime() + REFUND_DELAY_MS)}::timestamptz, ${now}::timestamptz, ${now}::timestamptz
        from session
      returning *`.execute(db)
    if (rows[0]) return asRefund(rows[0])
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
  }
  // The same order came twice at once: the first one won, and the statement of this one changed nothing.
  const first = await findRefund(simulator, request.idempotencyKey)
  if (first) return sameRefund(kind, first, request)
  if (!(await findSession(db, kind, request.providerRef))) unknown(kind, request.providerRef)
  throw new ProviderError(kind, 'rejected', 'the session was not paid, or less is left of it', {
    code: 'not_refundable',
  })
}

function sameRefund(
  kind: RedirectKind,
  refund: RedirectRefund,
  request: RedirectRefundRequest,
): RedirectRefund {
  if (refund.providerRef === request.providerRef && refund.units === request.units) return refund
  throw keyReused(kind, request.idempotencyKey)
}

type RefundRow = Selectable<SimulatedDatabase['simulated.redirectRefunds']>

async function findRefund({ db }: Simulator, idempotencyKey: string): Promise<RedirectRefund | undefined> {
  const row = await db
    .selectFrom('simulated.redirectRefunds')
    .selectAll()
    .where('idempotencyKey', '=', idempotencyKey)
    .executeTakeFirst()
  return row && asRefund(row)
}

function asRefund({ id, sessionId, units, state, reason }: RefundRow): RedirectRefund {
  return { refundRef: id, providerRef: sessionId, units, state, reason }
}

function keyReused(kind: RedirectKind, key: string): ProviderError {
  return new ProviderError(kind, 'rejected', `the idempotency key ${key} stands for another order`, {
    code: 'idempotency_key_reused',
  })
}
