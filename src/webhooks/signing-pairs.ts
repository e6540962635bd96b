import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { SigningPair } from './sign.ts'

const KEPT_MS = 1_000

export interface SigningPairs {
  /** Reads the pairs of these integrations again when they were read more than a second ago. */
  refresh(integrationIds: Iterable<number>): Promise<void>
  /** The valid pairs, the newest first; undefined when there is none. */
  find(integrationId: number): readonly [SigningPair, ...SigningPair[]] | undefined
}

/** The key pairs that sign, kept for a moment: each delivery needs them, and they change once in a while. */
export function createSigningPairs({
  db,
  clock,
  secrets,
}: Pick<App, 'db' | 'clock' | 'secrets'>): SigningPairs {
  const kept = new Map<number, { pairs: SigningPair[]; readAtMs: number }>()
  return {
    async refresh(integrationIds) {
      const readAtMs = clock.real().getTime()
      const old = [...new Set(integrationIds)].filter(
        (id) => readAtMs - (kept.get(id)?.readAtMs ?? 0) >= KEPT_MS,
      )
      if (old.length === 0) return
      const rows = await db
        .selectFrom('credentials')
        .select(['integrationId', 'apiKey', 'secretSealed'])
        .where(sql<boolean>`integration_id = any(${old}::integer[])`)
        .where((eb) => eb.or([eb('expiresAt', 'is', null), eb('expiresAt', '>', clock.now())]))
        .orderBy('expiresAt', (order) => order.desc().nullsFirst())
        .orderBy('createdAt', 'desc')
        .execute()
      for (const id of old) kept.set(id, { pairs: [], readAtMs })
      for (const { integrationId, apiKey, secretSealed } of rows) {
        kept
          .get(integrationId)
          ?.pairs.push({ apiKey, apiSecret: secrets.open('api-secret', secretSealed).toString('utf8') })
      }
    },
    find(integrationId) {
      const [newest, ...others] = kept.get(integrationId)?.pairs ?? []
      return newest && [newest, ...others]
    },
  }
}
