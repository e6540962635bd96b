import { Type } from 'typebox'
import { wireTime } from '../kernel/clock.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { CustomerId, WebAddress, WireTime } from '../server/fields.ts'
import { findCustomer } from './customer-store.ts'
import { type OpenedOnboarding, openOnboarding } from './enhanced-open.ts'
import { kycForm } from './kyc-form-url.ts'
import { isAllowedHost } from './registration.ts'

export const createOnboardingForm = endpoint({
  method: 'POST',
  path: '/api/onboarding-form',
  section: 'users',
  name: 'createOnboardingForm',
  summary: 'Begin the enhanced verification',
  description:
    'Answers the address of the form in which a verified customer declares activity, income and source of funds. Whoever has the link may fill it in; it works for 30 days. Approved, it raises the customer to the level `reinforced` and its higher limits; refused, it takes nothing away: `kyc_status` stays `valid` and `kyc_level` stays `basic`.\n\nWhile one is open, the same link is answered again (a `callback_url` given then replaces the former). After a refusal, or when the link ended, there is a new form. A customer who is not verified yet has to be first: `require_kyc`, with `kyc_form_url`. One who is `reinforced` already has nothing to verify: `invalid_field`.\n\nThe webhooks are those of the basic verification: `KYC_PROCESSING` when the form was sent, or sent back with `reinforced.reasons` to mend, `KYC_VALID` with `kyc_level` `reinforced`, and `KYC_FAIL`, in which `kyc_status` is still `valid` and `reinforced.status` is `fail`. Without a `callback_url` the one of the registration is used; the browser returns there with `user_id` and `status`.',
  audience: 'token',
  body: Type.Object({
    user_id: CustomerId(),
    callback_url: Type.Optional(WebAddress('Where the browser goes afterwards.')),
  }),
  data: Type.Object({
    onboarding_link: Type.String({ description: 'Send the customer there.' }),
    expires_at: WireTime,
  }),
  errors: ['fail_mandatory_field', 'invalid_field', 'user_not_found', 'user_banned', 'require_kyc'],
  examples: {
    request: { user_id: 100001, callback_url: 'https://shop.example.com/back' },
    answer: {
      onboarding_link: 'https://ramp.example.com/onboarding/pX0cN4Vq1m8Zr2Jt6Yw9Kb3Ld7Sf5Gh0Aq2We4Rt6Yu',
      expires_at: '2026-07-26T10:30:00.000000Z',
    },
  },
  check({ body }, { integration }): FieldErrors {
    const { callback_url: url } = body
    if (url === undefined || isAllowedHost(url, integration.settings.callbackHosts)) return {}
    return { callback_url: ["must have one of the hosts in this integration's settings"] }
  },
  async handle(app, { body, integration, remember }) {
    const customer =
      (await findCustomer(app.db, integration.id, body.user_id)) ??
      fail('user_not_found', 'There is no such customer.')
    if (customer.bannedAt) fail('user_banned', 'This customer is banned.')
    if (customer.kycStatus !== 'valid') {
      fail('require_kyc', 'The customer has to be verified first. Send the customer to kyc_form_url.', {
        data: await kycForm(app, integration.id, customer.id),
      })
    }
    if (customer.kycLevel === 'reinforced') {
      fail('invalid_field', 'user_id is of a customer who has the level reinforced already.', {
        errors: { user_id: ['is of a customer who has the level reinforced already'] },
      })
    }
    const wire = ({ url, expiresAt }: OpenedOnboarding) => ({
      onboarding_link: url,
      expires_at: wireTime(expiresAt),
    })
    const opened = await openOnboarding(app, customer, { preferred: body.callback_url }, (trx, link) =>
      remember(trx, wire(link)),
    )
    return wire(opened ?? fail('user_not_found', 'This customer can not be verified.'))
  },
})
