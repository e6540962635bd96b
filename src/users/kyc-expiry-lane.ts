import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Lane } from '../kernel/lanes.ts'
import { lockCustomer } from './customer-store.ts'
import { changeStatus } from './decision.ts'
import { changeReinforced } from './enhanced-decision.ts'
import type { EnhancedReasonOnWire } from './kyc-wire.ts'
import { kycNews } from './verification.ts'
import { findNextDue, lockVerification, updateVerification, type Verification } from './verification-store.ts'

const BATCH = 100

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'pageNews' | 'wake'>

/**
 * Ends forms whose link is over. A form that was never sent leaves the customer `unused`; one that was rejected and
 * not mended in time is closed with it: the customer failed. An enhanced one fails alone: the customer stays `valid`.
 */
export function kycExpiryLane(app: Needs): Lane {
  return {
    name: 'kyc-expiry',
    async step() {
      const rejected = await findExpired(app)
      for (const verification of rejected) await closeRejected(app, verification)
      return rejected.length + (await expireUnused(app))
    },
    nextDue: () => findNextDue(app.db, ['form']),
  }
}

/** Many at once: nothing but the form itself changes. */
async function expireUnused({ db, clock, pageNews }: Needs): Promise<number> {
  const now = clock.now()
  const { rows } = await sql<{ id: string }>`
    update verifications set phase = 'expired', due_at = null, version = version + 1, updated_at = ${now}
     where (integration_id, id) in (
       select integration_id, id from verifications
        where phase = 'form' and due_at <= ${now} and reasons = '[]'
        order by due_at limit ${BATCH} for update skip locked)
    returning id`.execute(db)
  for (const row of rows) pageNews.tell(kycNews(row))
  return rows.length
}

function findExpired({ db, clock }: Needs): Promise<Verification[]> {
  return db
    .selectFrom('verifications')
    .selectAll()
    .where('phase', '=', 'form')
    .where('dueAt', '<=', clock.now())
    .where('reasons', '!=', '[]')
    .orderBy('dueAt')
    .limit(BATCH)
    .execute()
}

async function closeRejected(app: Needs, { integrationId, id, customerId }: Verification): Promise<void> {
  const now = app.clock.now()
  await app.db.transaction().execute(async (trx) => {
    const customer = await lockCustomer(trx, integrationId, customerId)
    const verification = await lockVerification(trx, integrationId, id)
    if (!customer || verification?.phase !== 'form' || verification.expiresAt > now) return
    await updateVerification(trx, now, verification, { phase: 'expired', dueAt: null })
    if (verification.kind === 'reinforced') {
      const reinforcedReasons = verification.reasons as unknown as EnhancedReasonOnWire[]
      await changeReinforced(app, trx, customer, { reinforcedStatus: 'fail', reinforcedReasons })
      return
    }
    await changeStatus(app, trx, customer, { kycStatus: 'fail', kycReasons: verification.reasons })
  })
  app.pageNews.tell(kycNews({ id }))
  app.wake('event-sequencer')
}
