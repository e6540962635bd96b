import { stringifySetCookie } from 'cookie'
import type { App } from '../app.ts'
import { newSecret } from '../kernel/ids.ts'
import { equalInConstantTime, sha256 } from '../kernel/secrets.ts'
import type { Payment } from '../onramp/payment.ts'
import type { ApiRequest } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'

/** The browser that opened the page first holds this; only it may set wallet or method. */
const COOKIE = 'payment_owner'
/** Long enough to look at what became of it. */
const LIFETIME_SECONDS = 90 * 86_400

type Browser = Pick<ApiRequest, 'cookies' | 'setHeader'>

export function isOwner(
  { cookies }: Pick<ApiRequest, 'cookies'>,
  { browserHash }: Pick<Payment, 'browserHash'>,
): boolean {
  const secret = cookies[COOKIE]
  if (!secret || !browserHash) return false
  return equalInConstantTime(ownerHash(secret).toString('hex'), browserHash.toString('hex'))
}

export function refuseViewer(browser: Pick<ApiRequest, 'cookies'>, payment: Payment): void {
  if (isOwner(browser, payment)) return
  fail('not_the_owner', 'Another browser holds this payment. Open the hand-over link that it can make.')
}

/** A secret for this browser. Answers what the row is to keep. */
export function makeOwner(app: Pick<App, 'config'>, browser: Browser, paymentId: string): Buffer {
  const secret = newSecret()
  browser.setHeader('Set-Cookie', ownerCookie(app, paymentId, secret))
  return ownerHash(secret)
}

/** The cookie is sent to this payment's calls alone. */
export function ownerCookie({ config }: Pick<App, 'config'>, paymentId: string, secret: string): string {
  return stringifySetCookie({
    name: COOKIE,
    value: secret,
    path: `/hosted/payment/${paymentId}`,
    maxAge: LIFETIME_SECONDS,
    httpOnly: true,
    sameSite: 'lax',
    secure: config.publicUrl.startsWith('https:'),
  })
}

/** What the row keeps of an owner's secret. */
export const ownerHash = (secret: string): Buffer => sha256(secret)
