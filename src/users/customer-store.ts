import type { Db, Trx } from '../db/database.ts'
import type { CustomersTable } from '../db/schema.ts'
import type { EnhancedReasonOnWire, KycReason } from './kyc-wire.ts'

/** A customer without what is sealed. */
export interface Customer {
  integrationId: number
  id: number
  uuid: string
  type: 'individual' | 'company'
  /** The customer's own key, wrapped; null once the customer was forgotten. */
  keyWrapped: Buffer | null
  externalId: string | null
  country: string | null
  /** `es`, `en` or `pt`; null when the integrator named none. */
  language: string | null
  callbackUrl: string | null
  kycStatus: 'unused' | 'processing' | 'valid' | 'fail'
  kycLevel: 'none' | 'basic' | 'reinforced'
  kycReasons: KycReason[]
  kycUpdatedAt: Date
  /** How the enhanced verification stands; null until one was begun. */
  reinforcedStatus: 'unused' | 'processing' | 'valid' | 'fail' | null
  reinforcedReasons: EnhancedReasonOnWire[]
  bannedAt: Date | null
}

const COLUMNS = [
  'integrationId',
  'id',
  'uuid',
  'type',
  'keyWrapped',
  'externalId',
  'country',
  'language',
  'callbackUrl',
  'kycStatus',
  'kycLevel',
  'kycReasons',
  'kycUpdatedAt',
  'reinforcedStatus',
  'reinforcedReasons',
  'bannedAt',
] as const satisfies readonly (keyof CustomersTable)[]

/** The integration's customer of that id; undefined for another integration's, exactly as for none. */
export function findCustomer(
  db: Db | Trx,
  integrationId: number,
  id: number | string,
): Promise<Customer | undefined> {
  return db
    .selectFrom('customers')
    .select(COLUMNS)
    .where('integrationId', '=', integrationId)
    .where('id', '=', Number(id))
    .executeTakeFirst()
}

/** The integration's customer with that e-mail address, by the index made of it. */
export function findCustomerByEmail(
  db: Db | Trx,
  integrationId: number,
  emailIndex: Buffer,
): Promise<Customer | undefined> {
  return db
    .selectFrom('customers')
    .select(COLUMNS)
    .where('integrationId', '=', integrationId)
    .where('emailIndex', '=', emailIndex)
    .executeTakeFirst()
}

/**
 * The customer, locked until the transaction ends: whatever moves a verification or emits its events holds this
 * lock first. Rows may refer to the customer meanwhile.
 */
export function lockCustomer(trx: Trx, integrationId: number, id: number): Promise<Customer | undefined> {
  return trx
    .selectFrom('customers')
    .select(COLUMNS)
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
}

export interface NewCustomer {
  integrationId: number
  uuid: string
  type: 'individual' | 'company'
  keyWrapped: Buffer
  personalSealed: Buffer
  emailIndex: Buffer
  externalId: string | null
  country: string | null
  language: string | null
  callbackUrl: string | null
  bannedAt: Date | null
  bannedReason: string | null
}

/** Answers the new id, or undefined when the e-mail address or the `external_id` is another customer's already. */
export async function insertCustomer(
  trx: Trx,
  now: Date,
  customer: NewCustomer,
): Promise<number | undefined> {
  const row = await trx
    .insertInto('customers')
    .values({ ...customer, kycReasons: '[]', kycUpdatedAt: now, createdAt: now, updatedAt: now })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return row?.id
}

export function getPersonalSealed(db: Db | Trx, integrationId: number, id: number): Promise<Buffer> {
  return db
    .selectFrom('customers')
    .select('personalSealed')
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
    .then((row) => row.personalSealed)
}

export interface KycChange {
  kycStatus: Customer['kycStatus']
  kycLevel?: Customer['kycLevel']
  kycReasons: KycReason[]
  /** The verified data, which replaces what was registered. */
  personalSealed?: Buffer
  country?: string | null
}

/** Answers the customer as changed. The caller holds the customer's lock. */
export async function updateKyc(
  trx: Trx,
  now: Date,
  customer: Customer,
  change: KycChange,
): Promise<Customer> {
  const { kycReasons, ...rest } = change
  await trx
    .updateTable('customers')
    .set({ ...rest, kycReasons: JSON.stringify(kycReasons), kycUpdatedAt: now, updatedAt: now })
    .where('integrationId', '=', customer.integrationId)
    .where('id', '=', customer.id)
    .execute()
  const { personalSealed: _, ...visible } = change
  return { ...customer, ...visible, kycUpdatedAt: now }
}

export interface ReinforcedChange {
  reinforcedStatus: NonNullable<Customer['reinforcedStatus']>
  reinforcedReasons: EnhancedReasonOnWire[]
  kycLevel?: Customer['kycLevel']
}

/** How the enhanced verification stands from now on. Answers the customer as changed; the caller holds its lock. */
export async function updateReinforced(
  trx: Trx,
  now: Date,
  customer: Customer,
  change: ReinforcedChange,
): Promise<Customer> {
  const { reinforcedReasons, ...rest } = change
  await trx
    .updateTable('customers')
    .set({
      ...rest,
      reinforcedReasons: JSON.stringify(reinforcedReasons),
      kycUpdatedAt: now,
      updatedAt: now,
    })
    .where('integrationId', '=', customer.integrationId)
    .where('id', '=', customer.id)
    .execute()
  return { ...customer, ...change, kycUpdatedAt: now }
}

export async function updateBan(
  trx: Trx,
  now: Date,
  customer: Pick<Customer, 'integrationId' | 'id'>,
  ban: { bannedAt: Date | null; bannedReason: string | null },
): Promise<void> {
  await trx
    .updateTable('customers')
    .set({ ...ban, updatedAt: now })
    .where('integrationId', '=', customer.integrationId)
    .where('id', '=', customer.id)
    .execute()
}

/** The customer of that id, whatever the integration: for the operator, as no index leads there. */
export function findCustomerAnywhere(db: Db | Trx, id: number): Promise<Customer | undefined> {
  return db.selectFrom('customers').select(COLUMNS).where('id', '=', id).executeTakeFirst()
}
