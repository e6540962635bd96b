import type { App } from '../app.ts'
import { attemptDelivery, type Outcome } from './attempt.ts'
import type { AttemptResult, DueDelivery } from './delivery-store.ts'
import { type Destination, noteFailure, noteSuccess, takeNext } from './destination.ts'
import { isSuccess, judgeAttempt } from './judge-attempt.ts'
import type { SigningPairs } from './signing-pairs.ts'

/** In all. From half of it on each destination has its equal share, so that slow ones never keep a quick one waiting. */
const MOST_IN_FLIGHT = 1_024
/** While the database is slow or away, attempts stop rather than pile up unrecorded. */
const MOST_UNRECORDED = 2_000

export interface Finished {
  destination: Destination
  stream: string
  result: AttemptResult
}

/** Keeps queued deliveries on the wire, as many at once as each destination bears, and keeps what came of them. */
export interface Pump {
  /** Starts what may be started. */
  fill(): void
  inFlight(): number
  /** How many results wait to be recorded. */
  finished(): number
  /** Takes results to be recorded, the oldest first. */
  takeFinished(most: number): Finished[]
  /** They could not be recorded; they happened, and are kept until they are. */
  putBack(finished: readonly Finished[]): void
  /** Nothing is started any more. */
  close(): void
}

type Needs = Pick<App, 'clock' | 'config' | 'log' | 'secrets' | 'outgoing' | 'metrics'>

/** `onEnd` is called whenever an attempt has ended. */
export function createPump(
  app: Needs,
  {
    owned,
    pairs,
    onEnd,
  }: { owned: ReadonlyMap<string, Destination>; pairs: SigningPairs; onEnd: () => void },
): Pump {
  const { clock } = app
  let finished: Finished[] = []
  let inFlight = 0
  let closed = false
  let fillSoon = false

  function fill(): void {
    if (closed) return
    const now = clock.now()
    const nowMs = clock.real().getTime()
    const share = Math.max(1, Math.floor(MOST_IN_FLIGHT / owned.size))
    for (const destination of owned.values()) {
      const mayStart = (): boolean => inFlight < MOST_IN_FLIGHT / 2 || destination.inFlight < share
      while (finished.length < MOST_UNRECORDED && mayStart()) {
        const delivery = takeNext(destination, now, nowMs)
        if (!delivery) break
        begin(destination, delivery)
      }
    }
  }

  function begin(destination: Destination, delivery: DueDelivery): void {
    destination.inFlight += 1
    inFlight += 1
    const { integrationId, url } = destination
    const startedMs = clock.real().getTime()
    const end = (outcome: Outcome): void => {
      destination.inFlight -= 1
      inFlight -= 1
      finished.push({
        destination,
        stream: delivery.stream,
        result: conclude(destination, delivery, outcome, startedMs),
      })
      onEnd()
      if (fillSoon) return
      // A moment later the connection is free again, and the next attempt needs no new one.
      fillSoon = true
      setImmediate(() => {
        fillSoon = false
        fill()
      })
    }
    const attempt = attemptDelivery(app, { delivery, url, pairs: pairs.find(integrationId) })
    attempt.then(end, (error: Error) => {
      app.log.error({ err: error, eventId: delivery.eventId }, 'A webhook could not be attempted.')
      end({ kind: 'unanswered', status: null, error: 'The attempt failed on our side.' })
    })
  }

  function conclude(
    destination: Destination,
    delivery: DueDelivery,
    outcome: Outcome,
    startedMs: number,
  ): AttemptResult {
    const now = clock.now()
    const nowMs = clock.real().getTime()
    const durationMs = nowMs - startedMs
    if (isSuccess(outcome)) noteSuccess(destination, durationMs)
    else if (outcome.kind !== 'unreadable') noteFailure(destination, { startedMs, nowMs, now })
    app.metrics.webhookAttempts.inc({ outcome: isSuccess(outcome) ? 'delivered' : 'refused' })
    app.metrics.webhookSeconds.observe(durationMs / 1000)
    const { integrationId, url } = destination
    const retryPeriodMs = app.config.durations.webhookRetryPeriodMs
    return judgeAttempt(delivery, outcome, { integrationId, url, now, durationMs, retryPeriodMs })
  }

  return {
    fill,
    inFlight: () => inFlight,
    finished: () => finished.length,
    takeFinished: (most) => finished.splice(0, most),
    putBack(taken) {
      finished = [...taken, ...finished]
    },
    close() {
      closed = true
    },
  }
}
