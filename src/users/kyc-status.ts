import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { CustomerId } from '../server/fields.ts'
import { findCustomer } from './customer-store.ts'
import { KycObject, kycObject } from './kyc-wire.ts'

export const kycStatus = endpoint({
  method: 'GET',
  path: '/api/kyc/check',
  section: 'users',
  name: 'checkKyc',
  summary: 'Ask how a verification stands',
  description:
    '`reasons` names each rejected field with a code and a text. While the customer may still mend them the status is `processing`; it is `fail` only when the verification is closed.',
  audience: 'token',
  query: Type.Object({ user_id: CustomerId() }),
  data: KycObject,
  errors: ['fail_mandatory_field', 'invalid_field', 'user_not_found'],
  examples: {
    request: { user_id: 100001 },
    answer: {
      user_id: 100001,
      kyc_status: 'processing',
      kyc_level: 'none',
      reasons: [{ field: 'document_front', code: 'blurred', text: 'The picture is blurred.' }],
      reinforced: null,
      updated_at: '2026-06-26T10:30:00.000000Z',
    },
  },
  async handle(app, { query, integration }) {
    const customer = await findCustomer(app.db, integration.id, query.user_id)
    return kycObject(customer ?? fail('user_not_found', 'There is no such customer.'))
  },
})
