import { Type } from 'typebox'
import type { App } from '../app.ts'
import type { Integration } from '../common/integration.ts'
import type { Trx } from '../db/database.ts'
import { newUuid } from '../kernel/ids.ts'
import { hasEmailTag } from '../sandbox/email-tags.ts'
import { endpoint } from '../server/endpoint.ts'
import { errorsOf, fail, refuseFirst } from '../server/errors.ts'
import { findCustomerByEmail, insertCustomer } from './customer-store.ts'
import { emailKey } from './identity/email.ts'
import { kycForm } from './kyc-form-url.ts'
import { personalPart, sealData } from './personal-data.ts'
import {
  findRegistrationFaults,
  findRegistrationRefusals,
  type Registration,
  RegistrationBody,
  readRegistration,
} from './registration.ts'
import { insertForm } from './verification.ts'

interface Registered {
  id: number
  uuid: string
  kyc_form_url: string
}

export const createCustomer = endpoint({
  method: 'POST',
  path: '/api/registerUser',
  section: 'users',
  name: 'registerUser',
  summary: 'Register a customer',
  description:
    'Registers a person and answers the address of the verification form. Whatever is given here is filled in there. One customer per integration and e-mail address: a second registration answers `user_already_exists` with the `id` of the first and, while the verification is open, its `kyc_form_url`. The identification number is checked by the rule of its country.',
  audience: 'token',
  body: RegistrationBody,
  data: Type.Object({
    id: Type.Integer(),
    uuid: Type.String(),
    kyc_form_url: Type.String({ description: 'Send the customer there. The link works for 30 days.' }),
  }),
  errors: [
    'fail_mandatory_field',
    'invalid_field',
    'email_not_allowed',
    'country_not_supported',
    'invalid_identification',
    'user_already_exists',
    'external_id_already_used',
  ],
  examples: {
    request: {
      name: 'Ana',
      last_name: 'García López',
      email: 'ana@example.com',
      country: 'ES',
      callback_url: 'https://shop.example.com/back',
    },
    answer: {
      id: 100001,
      uuid: '0b2f6d0e-5a0f-4a57-9a53-0f1f8d2c7b11',
      kyc_form_url: 'https://ramp.example.com/kyc/pX0cN4Vq1m8Zr2Jt6Yw9Kb3Ld7Sf5Gh0Aq2We4Rt6Yu',
    },
  },
  check: ({ body }, context) => findRegistrationFaults(body, context),
  findFurther: (_app, { body, integration }) => errorsOf(findRegistrationRefusals(body, { integration })),
  async handle(app, { body, integration, remember }) {
    refuseFirst(findRegistrationRefusals(body, { integration }))
    const registration = readRegistration(body)
    const emailIndex = app.secrets.index('customer-email', emailKey(registration.data.email))
    const registered = await app.db.transaction().execute(async (trx) => {
      const created = await register(app, trx, integration, registration, emailIndex)
      if (created) await remember(trx, created)
      return created
    })
    return registered ?? refuseTaken(app, integration, emailIndex)
  },
})

/** Undefined, and nothing changed, when the e-mail address or the `external_id` is taken. */
async function register(
  app: App,
  trx: Trx,
  integration: Integration,
  { data, country, language, callbackUrl, externalId }: Registration,
  emailIndex: Buffer,
): Promise<Registered | undefined> {
  const now = app.clock.now()
  const uuid = newUuid()
  const keyWrapped = app.secrets.newCustomerKey()
  const banned = app.config.mode === 'sandbox' && hasEmailTag(data.email, 'banned')
  const id = await insertCustomer(trx, now, {
    integrationId: integration.id,
    uuid,
    type: 'individual',
    keyWrapped,
    personalSealed: sealData(app.secrets, keyWrapped, data),
    emailIndex,
    externalId,
    country,
    language,
    callbackUrl,
    bannedAt: banned ? now : null,
    bannedReason: banned ? 'The e-mail tag +banned@ of the sandbox.' : null,
  })
  if (id === undefined) return undefined
  const customer = { integrationId: integration.id, id, callbackUrl, keyWrapped }
  return { id, uuid, kyc_form_url: await insertForm(app, trx, customer, personalPart(data)) }
}

/** Says what is taken when a customer could not be inserted: the e-mail address, or else the `external_id`. */
export async function refuseTaken(
  app: App,
  { id: integrationId }: Integration,
  emailIndex: Buffer,
): Promise<never> {
  const existing = await findCustomerByEmail(app.db, integrationId, emailIndex)
  if (!existing) {
    fail('external_id_already_used', 'Another customer has this external_id.', {
      errors: { external_id: ['is already used'] },
    })
  }
  const { id, uuid, kycStatus } = existing
  const isOpen = kycStatus === 'unused' || kycStatus === 'processing'
  fail('user_already_exists', 'A customer with this e-mail address is registered already.', {
    data: isOpen ? { id, uuid, ...(await kycForm(app, integrationId, id)) } : { id, uuid },
  })
}
