import { sql } from 'kysely'
import type { Db, Trx } from '../db/database.ts'
import type { Clock } from '../kernel/clock.ts'
import { ProviderError } from './provider-error.ts'
import { waitInVain } from './wait-in-vain.ts'

/** Who can be made to fail, by the names of the sandbox's control. */
export const FAULT_PROVIDERS = [
  'bank',
  'card',
  'open_banking',
  'paypal',
  'local',
  'kyc',
  'price',
  'chain',
] as const
export type FaultProvider = (typeof FAULT_PROVIDERS)[number]

/**
 * | Kind | What the provider does |
 * |---|---|
 * | `fail` | answers an error before doing anything |
 * | `reject` | refuses what it is asked to do |
 * | `hang` | does nothing and never answers |
 * | `lost_answer` | does it, and the answer is lost |
 * | `twice` | tells us twice |
 * | `late` | tells us late, so that later news overtakes it |
 * | `lost` | never tells us: what happened is learned by asking alone |
 * | `return` | what went out comes back: a refund fails, a transfer is returned |
 * | `stale`, `jump` | prices alone: of a quarter of an hour ago, 10 % up |
 */
export const FAULT_KINDS = [
  'fail',
  'reject',
  'hang',
  'lost_answer',
  'twice',
  'late',
  'lost',
  'return',
  'stale',
  'jump',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

/** What may go wrong with a call that only reads, and with one that changes something. */
export const READING_FAULTS = ['fail', 'hang'] as const
export const WRITING_FAULTS = ['fail', 'reject', 'hang', 'lost_answer'] as const

/** How long a call waits for a provider before it gives up, in real time; a clock that is moved ends it sooner. */
export const PROVIDER_TIMEOUT_MS = 10_000

/** Makes the next `count` occasions go wrong; 0 takes back what was ordered of this kind. */
export async function addFaults(
  { db, clock }: { db: Db; clock: Clock },
  { provider, kind, count }: { provider: FaultProvider; kind: FaultKind; count: number },
): Promise<void> {
  await db.deleteFrom('providerFaults').where('remaining', '<=', 0).execute()
  if (count === 0) {
    await db.deleteFrom('providerFaults').where('provider', '=', provider).where('kind', '=', kind).execute()
    return
  }
  await db
    .insertInto('providerFaults')
    .values({ provider, kind, remaining: count, createdAt: clock.now() })
    .execute()
}

export async function listFaults(db: Db): Promise<{ provider: string; kind: string; remaining: number }[]> {
  return db
    .selectFrom('providerFaults')
    .select(['provider', 'kind', 'remaining'])
    .where('remaining', '>', 0)
    .orderBy('id')
    .execute()
}

/** Takes the oldest fault of one of these kinds, if there is one: it happens now, and once less hereafter. */
export async function takeFault<Kind extends FaultKind>(
  db: Db | Trx,
  provider: FaultProvider,
  kinds: readonly Kind[],
): Promise<Kind | undefined> {
  const { rows } = await sql<{ kind: Kind }>`
    update provider_faults set remaining = remaining - 1
     where id = (select id from provider_faults
                  where provider = ${provider} and kind = any(${[...kinds]}::text[]) and remaining > 0
                  order by id limit 1 for update)
    returning kind`.execute(db)
  return rows[0]?.kind
}

/** How long a look that found no fault is trusted, in real time. */
const TRUST_MS = 250

/** `takeFault` for a provider that is called many times a second: while there is no fault, it is asked for rarely. */
export function recentFaults(
  { db, clock }: { db: Db; clock: Clock },
  provider: FaultProvider,
): <Kind extends FaultKind>(kinds: readonly Kind[]) => Promise<Kind | undefined> {
  let noneSinceMs = -Infinity
  return async (kinds) => {
    const nowMs = clock.real().getTime()
    if (nowMs - noneSinceMs < TRUST_MS) return undefined
    const orders = await db
      .selectFrom('providerFaults')
      .select('id')
      .where('provider', '=', provider)
      .where('remaining', '>', 0)
      .limit(1)
      .execute()
    if (orders.length > 0) return takeFault(db, provider, kinds)
    noneSinceMs = nowMs
    return undefined
  }
}

/**
 * Calls a simulated provider as if over a network: a fault that was ordered for it happens to this call.
 * `kinds` are those that can happen to this call.
 */
export async function underFaults<Result>(
  { db, timeoutMs = PROVIDER_TIMEOUT_MS }: { db: Db; timeoutMs?: number },
  provider: FaultProvider,
  kinds: readonly ('fail' | 'reject' | 'hang' | 'lost_answer')[],
  call: () => Promise<Result>,
): Promise<Result> {
  const fault = await takeFault(db, provider, kinds)
  switch (fault) {
    case undefined:
      return call()
    case 'fail':
      throw new ProviderError(
        provider,
        'not_sent',
        'answered 503 Service Unavailable (a fault of the sandbox)',
      )
    case 'reject':
      throw new ProviderError(provider, 'rejected', 'refused the order (a fault of the sandbox)', {
        code: 'refused',
      })
    case 'hang':
      await waitInVain(db, timeoutMs)
      throw new ProviderError(
        provider,
        'unknown',
        `did not answer in ${timeoutMs} ms (a fault of the sandbox)`,
      )
    case 'lost_answer':
      await call()
      throw new ProviderError(provider, 'unknown', 'the answer was lost (a fault of the sandbox)')
  }
}
