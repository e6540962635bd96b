import { sql } from 'kysely'
import { Type } from 'typebox'
import type { App } from '../app.ts'
import type { Db } from '../db/database.ts'
import { wireTime } from '../kernel/clock.ts'
import { nullable, OneOf, WireTime } from '../server/fields.ts'
import { openCustomerData } from './personal-data.ts'

/** The customer object of `customers/list` and `customers/find`. */
export const CustomerObject = Type.Object({
  id: Type.Integer({ description: 'The `user_id` of other calls.' }),
  uuid: Type.String(),
  type: OneOf(['individual', 'company']),
  name: nullable(Type.String()),
  last_name: nullable(Type.String()),
  company_name: nullable(Type.String()),
  email: nullable(Type.String({ description: 'Null once the customer was forgotten, as are the names.' })),
  phone: nullable(Type.String()),
  country: nullable(Type.String()),
  kyc_status: OneOf(['unused', 'processing', 'valid', 'fail']),
  kyc_level: OneOf(['none', 'basic', 'reinforced']),
  banned: Type.Boolean(),
  external_id: nullable(Type.String()),
  created_at: WireTime,
})

export const CUSTOMER_EXAMPLE = {
  id: 100001,
  uuid: '0b2f6d0e-5a0f-4a57-9a53-0f1f8d2c7b11',
  type: 'individual',
  name: 'Ana',
  last_name: 'García López',
  company_name: null,
  email: 'ana@example.com',
  phone: '+34600123456',
  country: 'ES',
  kyc_status: 'valid',
  kyc_level: 'basic',
  banned: false,
  external_id: 'customer-abc-001',
  created_at: '2026-06-26T10:30:00.000000Z',
}

/** The customers of these ids with what is sealed of them; another integration's are not among them. */
export function readCustomers(db: Db, integrationId: number, ids: readonly number[]) {
  return db
    .selectFrom('customers')
    .select([
      'id',
      'uuid',
      'type',
      'keyWrapped',
      'personalSealed',
      'externalId',
      'country',
      'kycStatus',
      'kycLevel',
      'bannedAt',
      'createdAt',
    ])
    .where('integrationId', '=', integrationId)
    .where(sql<boolean>`id = any(${[...ids]}::bigint[])`)
    .execute()
}

export type ReadCustomer = Awaited<ReturnType<typeof readCustomers>>[number]

/** The customer as the API writes it. Nothing personal is left of one who was forgotten. */
export function wireCustomer({ secrets }: Pick<App, 'secrets'>, customer: ReadCustomer) {
  const { keyWrapped, personalSealed } = customer
  const data = keyWrapped && openCustomerData(secrets, keyWrapped, personalSealed)
  return {
    id: customer.id,
    uuid: customer.uuid,
    type: customer.type,
    name: data?.name ?? null,
    last_name: data?.last_name ?? null,
    company_name: data?.company_name ?? null,
    email: data?.email ?? null,
    phone: data?.phone ?? null,
    country: customer.country,
    kyc_status: customer.kycStatus,
    kyc_level: customer.kycLevel,
    banned: customer.bannedAt !== null,
    external_id: customer.externalId,
    created_at: wireTime(customer.createdAt),
  }
}
