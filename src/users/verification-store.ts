import { type Selectable, sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import type { VerificationsTable } from '../db/schema.ts'
import type { KycCheck } from '../providers/kyc/port.ts'
import type { KycReason } from './kyc-wire.ts'

export type Phase = VerificationsTable['phase']

/** One attempt of one customer. */
export interface Verification extends Omit<Selectable<VerificationsTable>, 'reasons' | 'checks'> {
  reasons: KycReason[]
  checks: KycCheck[]
}

/** In these the attempt goes on; a customer has at most one such verification of a kind. */
export const OPEN_PHASES = ['form', 'submitted', 'deciding', 'review'] as const satisfies readonly Phase[]

export interface NewVerification {
  integrationId: number
  id: string
  customerId: number
  kind: Verification['kind']
  tokenHash: Buffer
  tokenSealed: Buffer
  dataSealed: Buffer
  callbackUrl: string | null
  expiresAt: Date
  /** Of a company's form. */
  passwordHash?: string
}

/** Writes a form to be filled; it is due when its link ends. */
export async function insertVerification(trx: Trx, now: Date, verification: NewVerification): Promise<void> {
  await trx
    .insertInto('verifications')
    .values({
      ...verification,
      phase: 'form',
      reasons: '[]',
      checks: '[]',
      dueAt: verification.expiresAt,
      createdAt: now,
      updatedAt: now,
    })
    .execute()
}

/** The customer's latest verification of a kind. A delegated one stands for the form that it spares. */
export function findLatestVerification(
  db: Db | Trx,
  { integrationId, customerId, kind }: Pick<Verification, 'integrationId' | 'customerId' | 'kind'>,
): Promise<Verification | undefined> {
  return db
    .selectFrom('verifications')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .where('customerId', '=', customerId)
    .where('kind', 'in', kind === 'reinforced' ? [kind] : [kind, 'delegated'])
    .orderBy('createdAt', 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
}

export function findVerificationByToken(db: Db | Trx, tokenHash: Buffer): Promise<Verification | undefined> {
  return db.selectFrom('verifications').selectAll().where('tokenHash', '=', tokenHash).executeTakeFirst()
}

/** The verification of that id, whatever the integration: for the operator, as no index leads there. */
export function findVerificationAnywhere(db: Db | Trx, id: string): Promise<Verification | undefined> {
  return db.selectFrom('verifications').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The verification, locked. Whoever needs the customer's lock as well takes that one first. */
export function lockVerification(
  trx: Trx,
  integrationId: number,
  id: string,
): Promise<Verification | undefined> {
  return trx
    .selectFrom('verifications')
    .selectAll()
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
}

export interface VerificationChange {
  phase?: Phase
  dataSealed?: Buffer
  reasons?: KycReason[]
  checks?: KycCheck[]
  providerRef?: string | null
  decidedBy?: string | null
  decidedAt?: Date | null
  expiresAt?: Date
  dueAt?: Date | null
}

/** Changes a locked verification, frees its lease, and lets its page see that there is something new. */
export async function updateVerification(
  trx: Trx,
  now: Date,
  { integrationId, id }: Pick<Verification, 'integrationId' | 'id'>,
  { reasons, checks, ...change }: VerificationChange,
): Promise<void> {
  await trx
    .updateTable('verifications')
    .set((eb) => ({
      ...change,
      ...(reasons && { reasons: JSON.stringify(reasons) }),
      ...(checks && { checks: JSON.stringify(checks) }),
      version: eb('version', '+', 1),
      attempts: 0,
      leaseUntil: null,
      updatedAt: now,
    }))
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    .execute()
}

/** Takes due verifications in these phases under a lease, oldest first. */
export async function claimDue(
  db: Db,
  { phases, now, limit, leaseMs }: { phases: readonly Phase[]; now: Date; limit: number; leaseMs: number },
): Promise<Verification[]> {
  return db
    .updateTable('verifications')
    .set({
      // Whole milliseconds, as a Date can't hold more: the lease is compared when it is given back.
      leaseUntil: sql<Date>`date_trunc('milliseconds', clock_timestamp()) + ${leaseMs} * interval '1 millisecond'`,
    })
    .where((eb) =>
      eb(
        eb.refTuple('integrationId', 'id'),
        'in',
        eb
          .selectFrom('verifications')
          .select(['integrationId', 'id'])
          .where('phase', 'in', phases)
          .where('dueAt', '<=', now)
          .where((or) =>
            or.or([or('leaseUntil', 'is', null), or('leaseUntil', '<', sql<Date>`clock_timestamp()`)]),
          )
          .orderBy('dueAt')
          .limit(limit)
          .forUpdate()
          .skipLocked()
          .$asTuple('integrationId', 'id'),
      ),
    )
    .returningAll()
    .execute()
}

/** Puts a claimed verification off: asked again then. `failed` counts towards giving up. */
export async function putOff(
  db: Db,
  { integrationId, id, leaseUntil }: Pick<Verification, 'integrationId' | 'id' | 'leaseUntil'>,
  { dueAt, failed }: { dueAt: Date; failed: boolean },
): Promise<void> {
  await db
    .updateTable('verifications')
    .set((eb) => ({
      dueAt,
      leaseUntil: null,
      attempts: failed ? eb('attempts', '+', 1) : eb.val(0),
    }))
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    // Somebody else's by now: the lease ran out, or a decision came.
    .where('leaseUntil', '=', leaseUntil)
    .execute()
}

export async function findNextDue(db: Db, phases: readonly Phase[]): Promise<Date | null> {
  const row = await db
    .selectFrom('verifications')
    .select('dueAt')
    .where('phase', 'in', phases)
    .where('dueAt', 'is not', null)
    .orderBy('dueAt')
    .limit(1)
    .executeTakeFirst()
  return row?.dueAt ?? null
}

/** Those a person must decide, oldest first. */
export function listVerificationsInReview(db: Db, limit = 100): Promise<Verification[]> {
  return db
    .selectFrom('verifications')
    .selectAll()
    .where('phase', '=', 'review')
    .orderBy('updatedAt')
    .limit(limit)
    .execute()
}

/** Lets decided applications be asked about at once: the provider says that there is news. */
export async function makeDue(db: Db, providerRefs: readonly string[], now: Date): Promise<void> {
  await db
    .updateTable('verifications')
    .set({ dueAt: now })
    .where('providerRef', 'in', providerRefs)
    .where('phase', '=', 'deciding')
    .execute()
}
