import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import type { SimulatedDatabase } from '../../../db/simulated-schema.ts'
import { randomText } from '../../../kernel/ids.ts'
import { hasEmailTag } from '../../../sandbox/email-tags.ts'
import { READING_FAULTS, underFaults, WRITING_FAULTS } from '../../faults.ts'
import { ProviderError } from '../../provider-error.ts'
import { notificationHead } from '../../simulated/outbox.ts'
import { readSignedCallback } from '../../simulated/signature.ts'
import type { Simulator } from '../../simulated/simulator.ts'
import type {
  EnhancedFindings,
  Examine,
  ExamineCompany,
  ExamineEnhanced,
  KycDecision,
  KycFindings,
  KycProvider,
  KycSubmission,
} from '../port.ts'

/** From handing in to the decision, on the platform's clock. */
export const DECISION_DELAY_MS = 2_000
/** The same for `+kycslow@`. */
export const SLOW_DECISION_DELAY_MS = 120_000

type MadeDecision = KycDecision & { outcome: ApplicationRow['outcome'] }
type ApplicationRow = Selectable<SimulatedDatabase['simulated.kycApplications']>

/**
 * A verification provider that runs the built-in checks and then believes everything, unless a tag in the e-mail
 * address says otherwise: `+kycfail@` refuses for good, `+kycreview@` leaves it to a person, `+kycslow@` takes two
 * minutes. `+reinforcedfail@` and `+reinforcedreview@` do so at the enhanced verification alone.
 */
export function createSimulatedKyc(
  simulator: Simulator,
  {
    examine,
    examineCompany,
    examineEnhanced,
  }: { examine: Examine; examineCompany: ExamineCompany; examineEnhanced: ExamineEnhanced },
): KycProvider {
  const { db, clock } = simulator
  return {
    name: 'simulated',
    submit: (application) =>
      underFaults(simulator, 'kyc', WRITING_FAULTS, () => {
        const findings = examine(application, clock.now())
        const decision = decide(findings, application.person.email, 'kyc')
        return keep(simulator, application.idempotencyKey, decision, application.person.email)
      }),
    submitCompany: (application) =>
      underFaults(simulator, 'kyc', WRITING_FAULTS, () => {
        const { email } = application.company
        const decision = decide(examineCompany(application, clock.now()), email, 'kyc')
        return keep(simulator, application.idempotencyKey, decision, email)
      }),
    submitEnhanced: (application) =>
      underFaults(simulator, 'kyc', WRITING_FAULTS, () => {
        const { email } = application.customer
        const decision = decide(examineEnhanced(application, clock.now()), email, 'reinforced')
        return keep(simulator, application.idempotencyKey, decision, email)
      }),
    getDecision: (providerRef) =>
      underFaults(simulator, 'kyc', READING_FAULTS, async () => {
        const row = await db
          .selectFrom('simulated.kycApplications')
          .selectAll()
          .where('id', '=', providerRef)
          .executeTakeFirst()
        return asDecision(known(row, providerRef), clock.now())
      }),
    parseCallback: (callback) => readSignedCallback(simulator, 'kyc', callback),
  }
}

/** Writes the decision, and the callback that will tell of it, in one statement. */
async function keep(
  { db, clock }: Simulator,
  idempotencyKey: string,
  { outcome, reasons, checks }: MadeDecision,
  email: string,
): Promise<KycSubmission> {
  const now = clock.now()
  const slow = hasEmailTag(email, 'kycslow')
  const decidedAt = new Date(now.getTime() + (slow ? SLOW_DECISION_DELAY_MS : DECISION_DELAY_MS))
  const id = `kyc_${randomText(24)}`
  await sql`
    with application as (
      insert into simulated.kyc_applications (id, idempotency_key, outcome, reasons, checks, decided_at, created_at)
      values (${id}, ${idempotencyKey}, ${outcome}, ${JSON.stringify(reasons)}::jsonb,
              ${JSON.stringify(checks)}::jsonb, ${decidedAt}, ${now})
      on conflict (idempotency_key) do nothing
      returning id)
    insert into simulated.callbacks (provider, notification, due_at)
    select 'kyc', jsonb_build_object(${notificationHead('verification.decided', decidedAt)}, 'providerRef', id), ${decidedAt}
      from application`.execute(db)
  const row = await db
    .selectFrom('simulated.kycApplications')
    .select(['id', 'decidedAt'])
    .where('idempotencyKey', '=', idempotencyKey)
    .executeTakeFirstOrThrow()
  return { providerRef: row.id, askAfterMs: DECISION_DELAY_MS }
}

function decide(
  { reasons, needsReview, checks }: KycFindings | EnhancedFindings,
  email: string,
  kind: 'kyc' | 'reinforced',
): MadeDecision {
  const tagged = (outcome: string): boolean =>
    hasEmailTag(email, `kyc${outcome}`) || hasEmailTag(email, `${kind}${outcome}`)
  if (reasons.length > 0) return { outcome: 'mend', reasons, checks }
  if (tagged('fail')) return { outcome: 'fail', reasons: [{ field: null, code: 'not_accepted' }], checks }
  if (needsReview || tagged('review')) return { outcome: 'review', reasons: [], checks }
  return { outcome: 'valid', reasons: [], checks }
}

function asDecision(row: ApplicationRow, now: Date): KycDecision {
  if (row.decidedAt > now) return { outcome: 'pending', reasons: [], checks: [] }
  return { outcome: row.outcome, reasons: row.reasons, checks: row.checks }
}

function known(row: ApplicationRow | undefined, id: string): ApplicationRow {
  if (row) return row
  throw new ProviderError('kyc', 'rejected', `there is no application ${id}`, {
    code: 'application_not_found',
  })
}
