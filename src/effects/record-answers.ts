import { sql } from 'kysely'
import type { Trx } from '../db/database.ts'
import { endEffects, tellRooms } from './end-effects.ts'
import type { EffectNeeds, EndedEffect } from './model.ts'
import type { PayoutProgress } from './payout-ports.ts'
import type { ClaimedPayout } from './payout-store.ts'

/** What a provider said of an order that goes its ordinary way: it has it, or it has done it. */
export interface OrdinaryAnswer {
  payout: ClaimedPayout
  progress: PayoutProgress<'accepted' | 'done'>
}

export const isOrdinary = (progress: PayoutProgress): progress is PayoutProgress<'accepted' | 'done'> =>
  progress.state === 'accepted' || progress.state === 'done'

/**
 * Records ordinary answers, in one transaction for each of the two kinds whatever their number: most orders end like
 * this, and each by itself costs as many statements as all of them. `dueAt` says when an order is asked about again.
 */
export async function recordOrdinary(
  needs: EffectNeeds,
  answers: readonly OrdinaryAnswer[],
  dueAt: (attempts: number) => Date,
): Promise<string[]> {
  const lanes: string[] = []
  for (const [state, same] of Map.groupBy(answers, ({ progress }) => progress.state)) {
    const record = state === 'done' ? recordDone : recordAccepted
    lanes.push(
      ...(await needs.db.transaction().execute(async (trx) => {
        const open = await lockOpen(trx, same)
        return open.length > 0 ? record(trx, needs, open, dueAt) : []
      })),
    )
  }
  return lanes
}

/** Those that still are where the claim left them; a person or a notification may have been faster. */
async function lockOpen(trx: Trx, answers: readonly OrdinaryAnswer[]): Promise<OrdinaryAnswer[]> {
  const rows = await trx
    .selectFrom('effects')
    .select(['id', 'state'])
    .where(
      'id',
      'in',
      answers.map(({ payout }) => payout.id),
    )
    .orderBy('id')
    .forUpdate()
    .execute()
  const states = new Map(rows.map(({ id, state }) => [id, state]))
  return answers.filter(
    ({ payout: { id, was } }) => states.get(id) === (was === 'planned' ? 'prepared' : was),
  )
}

async function recordDone(
  trx: Trx,
  needs: EffectNeeds,
  answers: readonly OrdinaryAnswer[],
): Promise<string[]> {
  await sql`
    update effects set provider_ref = given.provider_ref
      from unnest(${answers.map(({ payout }) => payout.id)}::text[],
                  ${answers.map(({ progress }) => progress.providerRef)}::text[]) given (id, provider_ref)
     where effects.id = given.id`.execute(trx)
  return endEffects(
    trx,
    needs,
    answers.map(({ payout: { id } }) => ({
      id,
      state: 'confirmed',
      txid: null,
      reason: null,
      gasUnits: null,
    })),
  )
}

async function recordAccepted(
  trx: Trx,
  needs: EffectNeeds,
  answers: readonly OrdinaryAnswer[],
  dueAt: (attempts: number) => Date,
): Promise<string[]> {
  const given = answers.map(({ payout, progress }) => ({
    id: payout.id,
    providerRef: progress.providerRef,
    attempts: payout.was === 'sent' ? payout.attempts + 1 : 0,
  }))
  const { rows } = await sql<Omit<EndedEffect, 'state'>>`
    update effects
       set state = 'sent', reason = null, provider_ref = given.provider_ref, attempts = given.attempts,
           due_at = given.due_at, lease_until = null, updated_at = ${needs.clock.now()}
      from unnest(${given.map(({ id }) => id)}::text[], ${given.map(({ providerRef }) => providerRef)}::text[],
                  ${given.map(({ attempts }) => attempts)}::integer[],
                  ${given.map(({ attempts }) => dueAt(attempts))}::timestamptz[])
           given (id, provider_ref, attempts, due_at)
     where effects.id = given.id
    returning effects.id, integration_id, kind, purpose, reference, door, asset, units, txid, reason`.execute(
    trx,
  )
  const known = new Set(answers.filter(({ payout }) => payout.was === 'sent').map(({ payout }) => payout.id))
  const news = rows.filter(({ id }) => !known.has(id)).map((row) => ({ ...row, state: 'sent' as const }))
  return news.length > 0 ? tellRooms(trx, needs.rooms, news) : []
}
