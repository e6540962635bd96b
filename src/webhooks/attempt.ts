import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'
import { OutgoingError } from '../kernel/outgoing-http.ts'
import type { Secrets } from '../kernel/secrets.ts'
import type { DueDelivery } from './delivery-store.ts'
import { EVENT_PURPOSE } from './emit.ts'
import { type SigningPair, signDelivery } from './sign.ts'

/** A receiver has this long to answer. */
export const ATTEMPT_TIMEOUT_MS = 10_000
/** Of an answer nobody reads: enough to use the connection again after a chatty one. */
const ANSWER_LIMIT_BYTES = 16 * 1024

export type Outcome =
  | { kind: 'answered'; status: number; error: null }
  | { kind: 'unanswered'; status: null; error: string }
  /** It can never be sent: its customer was forgotten. */
  | { kind: 'unreadable'; status: null; error: string }

/** Sends one event to one URL, signed anew. */
export async function attemptDelivery(
  { outgoing, clock, secrets }: Pick<App, 'outgoing' | 'clock' | 'secrets'>,
  given: {
    delivery: DueDelivery
    url: string
    pairs: readonly [SigningPair, ...SigningPair[]] | undefined
  },
): Promise<Outcome> {
  const { delivery, url, pairs } = given
  if (!pairs)
    return { kind: 'unanswered', status: null, error: 'The integration has no valid key pair to sign with.' }
  const data = openEventData(secrets, delivery)
  if (data === undefined)
    return { kind: 'unreadable', status: null, error: "The event's data was forgotten with its customer." }
  const body = writeBody(delivery, data)
  try {
    const { status } = await outgoing.request({
      method: 'POST',
      url,
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        'User-Agent': 'CryptoPocket-Webhooks/1',
        ...signDelivery({ id: delivery.eventId, body, at: clock.real(), pairs }),
      },
      body,
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      limitBytes: ANSWER_LIMIT_BYTES,
      discardBody: true,
    })
    return { kind: 'answered', status, error: null }
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error
    return { kind: 'unanswered', status: null, error: error.message }
  }
}

/** The body, byte for byte the same for each attempt. */
export function writeBody(
  event: Pick<DueDelivery, 'eventId' | 'sentType' | 'sequence' | 'createdAt'>,
  data: string,
): string {
  const { eventId, sentType, sequence, createdAt } = event
  return `{"id":"${eventId}","type":"${sentType}","sequence":${sequence},"created_at":"${wireTime(createdAt)}","data":${data}}`
}

/** The frozen data as JSON text; undefined when its key is gone with the customer. */
export function openEventData(
  secrets: Secrets,
  { dataSealed, keyWrapped }: { dataSealed: Buffer; keyWrapped: Buffer | null },
): string | undefined {
  if (keyWrapped) return secrets.openFor(keyWrapped, dataSealed).toString('utf8')
  try {
    return secrets.open(EVENT_PURPOSE, dataSealed).toString('utf8')
  } catch {
    // Sealed under a customer's key that is no longer there.
    return undefined
  }
}
