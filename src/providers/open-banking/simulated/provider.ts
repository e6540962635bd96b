import { sql } from 'kysely'
import { randomText } from '../../../kernel/ids.ts'
import { READING_FAULTS, underFaults, WRITING_FAULTS } from '../../faults.ts'
import { ProviderError } from '../../provider-error.ts'
import { readSignedCallback } from '../../simulated/signature.ts'
import type { Simulator } from '../../simulated/simulator.ts'
import type { OpenBankingProvider, OpenBankingSession, OpenBankingSessionRequest } from '../port.ts'
import { findSession, type OpenBankingSessionRow, stateAt } from './session.ts'

/** An open-banking provider whose banks are the sandbox's, and whose money arrives at the simulated bank. */
export function createSimulatedOpenBankingProvider(simulator: Simulator): OpenBankingProvider {
  const { db, clock } = simulator
  const urlOf = (id: string): string => `${simulator.publicUrl()}/simulators/bank/${id}`
  const read = <Result>(call: () => Promise<Result>) =>
    underFaults(simulator, 'open_banking', READING_FAULTS, call)
  const write = <Result>(call: () => Promise<Result>) =>
    underFaults(simulator, 'open_banking', WRITING_FAULTS, call)
  return {
    name: 'simulated',
    createSession: (request) =>
      write(async () => {
        const id = await createSession(simulator, request)
        return { providerRef: id, url: urlOf(id) }
      }),
    getSession: (providerRef) =>
      read(async () => asSession(known(await findSession(db, providerRef), providerRef), clock.now())),
    findSession: (idempotencyKey) =>
      read(async () => {
        const row = await findSessionByKey(simulator, idempotencyKey)
        return row && { ...asSession(row, clock.now()), url: urlOf(row.id) }
      }),
    endSession: (providerRef) =>
      write(async () => asSession(await endSession(simulator, providerRef), clock.now())),
    parseCallback: (callback) => readSignedCallback(simulator, 'open_banking', callback),
  }
}

async function createSession(simulator: Simulator, request: OpenBankingSessionRequest): Promise<string> {
  const { db, clock } = simulator
  const now = clock.now()
  const { rows } = await sql<{ id: string }>`
    insert into simulated.open_banking_sessions (id, idempotency_key, reference, units, currency, description,
           merchant_name, return_url, language, creditor_iban, creditor_name, concept, customer_name, expires_at,
           created_at, updated_at)
    select ${`ob_${randomText(32)}`}, ${request.idempotencyKey}, ${request.reference}, ${request.units},
           ${request.currency}, ${request.description}, ${request.merchantName}, ${request.returnUrl},
           ${request.language}, iban, ${request.creditor.name}, ${request.concept}, ${request.customerName},
           ${request.expiresAt}::timestamptz, ${now}::timestamptz, ${now}::timestamptz
      from simulated.bank_accounts where iban = ${request.creditor.iban} and currency = ${request.currency}
    on conflict (idempotency_key) do nothing
    returning id`.execute(db)
  if (rows[0]) return rows[0].id
  const earlier = await findSessionByKey(simulator, request.idempotencyKey)
  if (!earlier) {
    throw new ProviderError(
      'open_banking',
      'rejected',
      `no bank can pay ${request.currency} to ${request.creditor.iban}`,
      {
        code: 'creditor_unknown',
      },
    )
  }
  if (
    earlier.reference !== request.reference ||
    earlier.units !== request.units ||
    earlier.currency !== request.currency
  ) {
    throw new ProviderError(
      'open_banking',
      'rejected',
      `the idempotency key ${request.idempotencyKey} stands for another order`,
      { code: 'idempotency_key_reused' },
    )
  }
  return earlier.id
}

function findSessionByKey(
  { db }: Simulator,
  idempotencyKey: string,
): Promise<OpenBankingSessionRow | undefined> {
  return db
    .selectFrom('simulated.openBankingSessions')
    .selectAll()
    .where('idempotencyKey', '=', idempotencyKey)
    .executeTakeFirst()
}

/** A session whose time is over is left to the lane, which tells of it. */
async function endSession({ db, clock }: Simulator, id: string): Promise<OpenBankingSessionRow> {
  const now = clock.now()
  const ended = await db
    .updateTable('simulated.openBankingSessions')
    .set({ state: 'cancelled', updatedAt: now })
    .where('id', '=', id)
    .where('state', '=', 'open')
    .where('expiresAt', '>', now)
    .returningAll()
    .executeTakeFirst()
  return ended ?? known(await findSession(db, id), id)
}

function known(row: OpenBankingSessionRow | undefined, id: string): OpenBankingSessionRow {
  if (row) return row
  throw new ProviderError('open_banking', 'rejected', `there is no session ${id}`, {
    code: 'session_not_found',
  })
}

function asSession(row: OpenBankingSessionRow, now: Date): OpenBankingSession {
  return {
    providerRef: row.id,
    reference: row.reference,
    state: stateAt(row, now),
    units: row.units,
    currency: row.currency,
    debtor: row.debtorName && row.debtorIban ? { name: row.debtorName, iban: row.debtorIban } : null,
    refusal: row.refusal,
  }
}
