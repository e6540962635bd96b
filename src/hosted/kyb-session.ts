import { stringifySetCookie } from 'cookie'
import type { App } from '../app.ts'
import { equalInConstantTime } from '../kernel/secrets.ts'
import { networkOf } from '../server/count-calls.ts'
import type { ApiRequest } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { claimAttempt, forgetAttempts } from '../users/company-attempts.ts'
import { isPassword } from '../users/company-password.ts'
import type { Verification } from '../users/verification-store.ts'

const COOKIE = 'kyb_session'
/** A working day: the form may be filled with a pause for the deed that lies elsewhere. */
const LIFETIME_MS = 12 * 3_600_000

type Guarded = Pick<Verification, 'id' | 'passwordHash'>

/** Whether this browser came in by the form's present password. */
export function hasSession(
  { clock, secrets }: Pick<App, 'clock' | 'secrets'>,
  verification: Guarded,
  { cookies }: Pick<ApiRequest, 'cookies'>,
): boolean {
  const [until, mark] = (cookies[COOKIE] ?? '').split('.')
  if (!until || !mark || !/^\d{1,15}$/.test(until)) return false
  return (
    Number(until) > clock.now().getTime() && equalInConstantTime(mark, markOf(secrets, verification, until))
  )
}

/**
 * Lets the browser in that knows the password. Throws `password_incorrect`, and `too_many_requests` while the pause
 * after a wrong one from the same network lasts, during which none from there is looked at. Wrong ones from elsewhere
 * keep nobody out.
 */
export async function openSession(
  app: Pick<App, 'db' | 'clock' | 'secrets' | 'config'>,
  { address, setHeader }: Pick<ApiRequest, 'address' | 'setHeader'>,
  verification: Verification,
  { token, password }: { token: string; password: string },
): Promise<void> {
  const network = app.secrets.index('kyb-network', networkOf(address))
  const attempter = { integrationId: verification.integrationId, id: verification.id, network }
  const pauseSeconds = await claimAttempt(app.db, attempter, app.clock.real())
  if (pauseSeconds !== undefined) {
    fail('too_many_requests', `Wrong passwords were given. Try again in ${pauseSeconds} s.`, {
      retryAfterSeconds: pauseSeconds,
    })
  }
  const isRight = await isPassword(password.trim(), verification.passwordHash ?? '')
  if (!isRight) {
    fail('password_incorrect', 'The password is not the one of this form.', {
      errors: { password: ['invalid'] },
    })
  }
  await forgetAttempts(app.db, attempter)
  const until = String(app.clock.now().getTime() + LIFETIME_MS)
  const cookie = stringifySetCookie({
    name: COOKIE,
    value: `${until}.${markOf(app.secrets, verification, until)}`,
    path: `/hosted/kyb/${token}`,
    maxAge: LIFETIME_MS / 1000,
    httpOnly: true,
    sameSite: 'lax',
    secure: app.config.publicUrl.startsWith('https:'),
  })
  setHeader('Set-Cookie', cookie)
}

/** Bound to the password's hash, so that another password ends it. */
function markOf(secrets: App['secrets'], { id, passwordHash }: Guarded, until: string): string {
  return secrets.index('kyb-session', `${id} ${passwordHash} ${until}`).toString('base64url')
}
