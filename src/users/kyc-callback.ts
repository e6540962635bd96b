import { Type } from 'typebox'
import type { App } from '../app.ts'
import { CallbackRefused } from '../providers/callback.ts'
import type { KycNotification } from '../providers/kyc/port.ts'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { KYC_LANE } from './kyc-lane.ts'
import { makeDue } from './verification-store.ts'

export const receiveKycCallback = endpoint({
  method: 'POST',
  path: '/providers/kyc/callback',
  section: 'providers',
  name: 'receiveKycCallback',
  summary: 'The verification provider tells that it has decided',
  description:
    "For the provider alone: the body must carry the provider's signature. What it says is no more than that there is news: the decision is asked for, so that a notification may come twice, late or never.",
  audience: 'provider',
  raw: { contentTypes: ['application/json'], limitBytes: 1024 * 1024 },
  data: Type.Object({ received: Type.Integer() }),
  errors: [],
  examples: { answer: { received: 1 } },
  async handle(app, { headers, rawBody }) {
    const notifications = readNotifications(app, { headers, rawBody })
    const providerRefs = notifications.map(({ providerRef }) => providerRef)
    if (providerRefs.length > 0) await makeDue(app.db, providerRefs, app.clock.now())
    app.wake(KYC_LANE)
    return { received: notifications.length }
  },
})

function readNotifications(
  app: Pick<App, 'log' | 'providers'>,
  callback: Parameters<App['providers']['kyc']['parseCallback']>[0],
): KycNotification[] {
  try {
    return app.providers.kyc.parseCallback(callback)
  } catch (error) {
    if (!(error instanceof CallbackRefused)) throw error
    app.log.warn({ reason: error.message }, 'A callback was refused.')
    return fail('authorization_incorrect', "The callback does not carry the provider's signature.")
  }
}
