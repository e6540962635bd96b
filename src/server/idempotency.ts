import { createHash } from 'node:crypto'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import { sha256 } from '../kernel/secrets.ts'
import { fail } from './errors.ts'

const REMEMBERED_MS = 24 * 3_600_000
/** A request whose process died is taken up again after this; its transaction has long been rolled back. */
const ABANDONED_MS = 60_000

export interface IdempotentCall {
  integrationId: number
  method: string
  path: string
  keyHash: Buffer
  bodyHash: Buffer
  /** What an earlier try, which never came to its answer, had made. */
  recorded: string | null
}

export type Begun = { replay: string } | { call: IdempotentCall }

type Needs = Pick<App, 'db' | 'clock' | 'secrets'>

/** Checks the header and claims the key, or finds the answer that was given to it before. */
export async function beginIdempotent(
  app: Needs,
  request: { integrationId: number; method: string; path: string; key: string; body: unknown },
): Promise<Begun> {
  if (request.key === '' || request.key.length > 255 || /[\u0000-\u001f\u007f]/.test(request.key)) {
    fail('invalid_field', 'Idempotency-Key must have 1 to 255 printable characters.', {
      errors: { 'Idempotency-Key': ['must have 1 to 255 printable characters'] },
    })
  }
  const call = {
    integrationId: request.integrationId,
    method: request.method,
    path: request.path,
    keyHash: sha256(request.key),
    bodyHash: hashBody(request.body),
  }
  const now = app.clock.now()
  const abandonedBefore = new Date(app.clock.real().getTime() - ABANDONED_MS)
  const claimed = await app.db
    .insertInto('idempotencyKeys')
    .values({
      ...call,
      state: 'running',
      realStartedAt: app.clock.real(),
      expiresAt: new Date(now.getTime() + REMEMBERED_MS),
    })
    .onConflict((conflict) =>
      conflict
        .columns(['integrationId', 'method', 'path', 'keyHash'])
        .doUpdateSet((eb) => ({
          bodyHash: eb.ref('excluded.bodyHash'),
          state: 'running',
          resourceId: eb
            .case()
            .when('idempotencyKeys.expiresAt', '<=', now)
            .then(null)
            .else(eb.ref('idempotencyKeys.resourceId'))
            .end(),
          answerSealed: null,
          realStartedAt: eb.ref('excluded.realStartedAt'),
          expiresAt: eb.ref('excluded.expiresAt'),
        }))
        .where((eb) =>
          eb.or([
            eb('idempotencyKeys.expiresAt', '<=', now),
            eb.and([
              eb('idempotencyKeys.state', '=', 'running'),
              eb('idempotencyKeys.realStartedAt', '<', abandonedBefore),
              eb('idempotencyKeys.bodyHash', '=', call.bodyHash),
            ]),
          ]),
        ),
    )
    .returning('resourceId')
    .executeTakeFirst()
  if (claimed) return { call: { ...call, recorded: claimed.resourceId } }
  return { replay: await findAnswer(app, call) }
}

async function findAnswer(app: Needs, call: Omit<IdempotentCall, 'recorded'>): Promise<string> {
  const row = await app.db
    .selectFrom('idempotencyKeys')
    .select(['bodyHash', 'state', 'answerSealed'])
    .where('integrationId', '=', call.integrationId)
    .where('method', '=', call.method)
    .where('path', '=', call.path)
    .where('keyHash', '=', call.keyHash)
    .executeTakeFirst()
  if (row && !row.bodyHash.equals(call.bodyHash)) {
    fail(
      'idempotency_key_reused',
      'This Idempotency-Key was used with another body. Use a new key for a new request.',
    )
  }
  if (!row?.answerSealed) {
    fail(
      'request_in_progress',
      'The first request with this Idempotency-Key is still running. Try again in a moment.',
      {
        retryAfterSeconds: 1,
      },
    )
  }
  return app.secrets.open('idempotency', row.answerSealed).toString('utf8')
}

/** Stores the answer, best in the transaction of the change itself. */
export async function rememberAnswer(
  app: Needs,
  db: Trx | App['db'],
  call: IdempotentCall,
  answer: string,
): Promise<void> {
  await db
    .updateTable('idempotencyKeys')
    .set({ state: 'done', answerSealed: app.secrets.seal('idempotency', answer) })
    .where('integrationId', '=', call.integrationId)
    .where('method', '=', call.method)
    .where('path', '=', call.path)
    .where('keyHash', '=', call.keyHash)
    .execute()
}

/** Records what the running call made, in the transaction that makes it. */
export async function recordResource(trx: Trx, call: IdempotentCall, resourceId: string): Promise<void> {
  await trx
    .updateTable('idempotencyKeys')
    .set({ resourceId })
    .where('integrationId', '=', call.integrationId)
    .where('method', '=', call.method)
    .where('path', '=', call.path)
    .where('keyHash', '=', call.keyHash)
    .execute()
}

/** A refused request changed nothing: its key is free again. */
export async function forgetCall(app: Needs, call: IdempotentCall): Promise<void> {
  await app.db
    .deleteFrom('idempotencyKeys')
    .where('integrationId', '=', call.integrationId)
    .where('method', '=', call.method)
    .where('path', '=', call.path)
    .where('keyHash', '=', call.keyHash)
    .where('state', '=', 'running')
    .execute()
}

/** Equal parsed bodies have equal hashes, whatever the order of their keys. */
export function hashBody(body: unknown): Buffer {
  return createHash('sha256').update(canonical(body)).digest()
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}
