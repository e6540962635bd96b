import { createHmac } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import { equalInConstantTime, type Secrets } from '../../kernel/secrets.ts'
import { CallbackRefused, type ProviderNotification, type RawCallback } from '../callback.ts'
import type { FaultProvider } from '../faults.ts'

export const SIGNATURE_HEADER = 'simulated-signature'

/** How far the signature's time may be from ours, in real time. */
const WINDOW_SECONDS = 300

/** `t=<Unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>", lower-case hex>`. */
export function signCallback(
  { secrets, clock }: { secrets: Secrets; clock: Clock },
  provider: FaultProvider,
  body: string,
): string {
  const seconds = Math.floor(clock.real().getTime() / 1000)
  return `t=${seconds},v1=${mac(secrets, provider, seconds, Buffer.from(body))}`
}

/** Checks a callback's signature and age, and reads its notifications. Throws `CallbackRefused`. */
export function readSignedCallback<Notification extends ProviderNotification>(
  { secrets, clock }: { secrets: Secrets; clock: Clock },
  provider: FaultProvider,
  { headers, rawBody }: RawCallback,
): Notification[] {
  const header = headers[SIGNATURE_HEADER]
  const parts = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(typeof header === 'string' ? header : '')
  if (!parts) throw new CallbackRefused(`The header ${SIGNATURE_HEADER} is missing or unreadable.`)
  const seconds = Number(parts[1])
  if (!equalInConstantTime(parts[2]!, mac(secrets, provider, seconds, rawBody))) {
    throw new CallbackRefused('The signature does not match the body.')
  }
  const ageSeconds = Math.abs(clock.real().getTime() / 1000 - seconds)
  if (ageSeconds > WINDOW_SECONDS)
    throw new CallbackRefused(`The signature is ${Math.round(ageSeconds)} s off.`)
  return readNotifications(rawBody) as Notification[]
}

function mac(secrets: Secrets, provider: FaultProvider, seconds: number, body: Buffer): string {
  const key = secrets.index('simulated-callback', provider)
  return createHmac('sha256', key).update(`${seconds}.`).update(body).digest('hex')
}

function readNotifications(rawBody: Buffer): ProviderNotification[] {
  let parsed: { notifications?: unknown }
  try {
    parsed = JSON.parse(rawBody.toString('utf8'))
  } catch (error) {
    throw new CallbackRefused('The body is signed, but no JSON.', { cause: error })
  }
  const list = parsed?.notifications
  if (
    !Array.isArray(list) ||
    !list.every((one) => typeof one?.id === 'string' && typeof one.type === 'string')
  ) {
    throw new CallbackRefused('The body is signed, but holds no list of notifications.')
  }
  return list
}
