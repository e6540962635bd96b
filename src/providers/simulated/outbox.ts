import { type RawBuilder, sql } from 'kysely'
import { randomText } from '../../kernel/ids.ts'
import type { ProviderNotification } from '../callback.ts'

/** A provider that tells us things by callbacks. */
export type Teller = 'card' | 'open_banking' | 'bank' | 'kyc' | 'paypal' | 'local'

const newNotificationId = (): string => `ntf_${randomText(24)}`

/**
 * The head of a notification as SQL arguments of `jsonb_build_object`; the statement that makes the change adds the
 * rest from the changed row, so that change and notification are one round trip.
 */
export function notificationHead(type: ProviderNotification['type'], at: Date): RawBuilder<unknown> {
  return sql`'id', ${newNotificationId()}::text, 'type', ${type}::text, 'at', ${at.toISOString()}::text`
}

/** The same for statements that change many rows: every row gets an id of its own from the database. */
export function notificationHeads(type: RawBuilder<unknown>, at: Date): RawBuilder<unknown> {
  return sql`'id', 'ntf_' || replace(gen_random_uuid()::text, '-', ''), 'type', ${type}, 'at', ${at.toISOString()}::text`
}
