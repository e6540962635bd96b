import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { CustomerId } from '../server/fields.ts'
import { findCustomer } from './customer-store.ts'
import { openVerification } from './verification.ts'

export const kycRetry = endpoint({
  method: 'POST',
  path: '/api/kyc/retry',
  section: 'users',
  name: 'retryKyc',
  summary: 'Open a new verification form',
  description:
    'A customer whose verification failed gets a new form and is `unused` again. While a verification is open its address is answered and nothing changes. Of a company it is the address of its form; a new form has a new `password`, which is answered with it and never again. With `new_password` an open form gets another one, too: the old one ends, and whoever came in by it has to give the new one.',
  audience: 'token',
  body: Type.Object({
    user_id: CustomerId(),
    new_password: Type.Optional(
      Type.Boolean({ description: 'Of a company: another password for the form that is open.' }),
    ),
  }),
  data: Type.Object({
    kyc_form_url: Type.String(),
    password: Type.Optional(Type.String({ description: 'Of a company, when it is new.' })),
  }),
  errors: ['fail_mandatory_field', 'invalid_field', 'user_not_found'],
  examples: {
    request: { user_id: 100001 },
    answer: { kyc_form_url: 'https://ramp.example.com/kyc/pX0cN4Vq1m8Zr2Jt6Yw9Kb3Ld7Sf5Gh0Aq2We4Rt6Yu' },
  },
  async handle(app, { body, integration }) {
    const customer =
      (await findCustomer(app.db, integration.id, body.user_id)) ??
      fail('user_not_found', 'There is no such customer.')
    if (customer.kycStatus === 'valid') {
      fail('invalid_field', 'user_id is of a customer who is verified already; that is final.', {
        errors: { user_id: ['is of a customer who is verified already'] },
      })
    }
    const opened = await openVerification(app, customer, { newPassword: body.new_password === true })
    if (!opened) fail('user_not_found', 'This customer can not be verified.')
    const { url, password } = opened
    return { kyc_form_url: url, ...(password !== undefined && { password }) }
  },
})
