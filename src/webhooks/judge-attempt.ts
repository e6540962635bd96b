import type { Outcome } from './attempt.ts'
import type { AttemptResult, DueDelivery } from './delivery-store.ts'
import { nextAttemptAt } from './schedule.ts'

/** Any 2xx; a redirect is not. */
export const isSuccess = (outcome: Outcome): boolean =>
  outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300

/** What an attempt means for its delivery: done, again later, or failed for good. */
export function judgeAttempt(
  {
    sequence,
    redeliveries,
    tries,
    retryUntil,
  }: Pick<DueDelivery, 'sequence' | 'redeliveries' | 'tries' | 'retryUntil'>,
  outcome: Outcome,
  given: { integrationId: number; url: string; now: Date; durationMs: number; retryPeriodMs: number },
): AttemptResult {
  const { integrationId, url, now, durationMs, retryPeriodMs } = given
  const attempt = {
    integrationId,
    sequence,
    redeliveries,
    url,
    status: outcome.status,
    error: outcome.error,
    durationMs,
    at: now,
  }
  if (isSuccess(outcome)) return { ...attempt, state: 'delivered', dueAt: null, retryUntil: null }
  if (outcome.kind === 'unreadable') return { ...attempt, state: 'failed', dueAt: null, retryUntil: null }
  // The retry period begins with the first attempt that fails: what waited behind others has its own in full.
  const until = retryUntil ?? new Date(now.getTime() + retryPeriodMs)
  const dueAt = nextAttemptAt({ tries: tries + 1, now, retryUntil: until })
  return { ...attempt, state: dueAt ? 'pending' : 'failed', dueAt, retryUntil: until }
}
