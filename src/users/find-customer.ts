import { Type } from 'typebox'
import type { Db } from '../db/database.ts'
import type { Secrets } from '../kernel/secrets.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { CustomerId, Text, Uuid } from '../server/fields.ts'
import { CUSTOMER_EXAMPLE, CustomerObject, readCustomers, wireCustomer } from './customer-wire.ts'
import { emailIndexOf, findContactFaults } from './list-customers.ts'

const NAMES = ['id', 'uuid', 'email', 'external_id'] as const
const ONE_OF = `one of ${NAMES.join(', ')}`

export const findUser = endpoint({
  method: 'GET',
  path: '/api/customers/find',
  section: 'users',
  name: 'findUser',
  summary: 'Find one customer',
  description: `By exactly ${ONE_OF}.`,
  audience: 'token',
  query: Type.Object({
    id: Type.Optional(CustomerId('The id that the registration answered.')),
    uuid: Type.Optional(Uuid('The uuid that the registration answered.')),
    email: Type.Optional(Text('The whole address; upper and lower case are the same.', 254)),
    external_id: Type.Optional(Text('Your own id of the customer.')),
  }),
  data: CustomerObject,
  errors: ['fail_mandatory_field', 'invalid_field', 'user_not_found'],
  examples: {
    request: { email: 'ana@example.com' },
    answer: { ...CUSTOMER_EXAMPLE, phone: null, external_id: null, kyc_status: 'unused', kyc_level: 'none' },
  },
  check({ query }): FieldErrors {
    const given = NAMES.filter((name) => query[name] !== undefined)
    if (given.length < 2) return findContactFaults(query)
    const problem = `only ${ONE_OF} may be sent, not ${given.join(' and ')}`
    return Object.fromEntries(given.map((name) => [name, [problem]]))
  },
  async handle(app, { query, integration }) {
    const id = await findId(app, integration.id, query)
    const [customer] = id === undefined ? [] : await readCustomers(app.db, integration.id, [id])
    return wireCustomer(app, customer ?? fail('user_not_found', 'There is no such customer.'))
  },
})

async function findId(
  { db, secrets }: { db: Db; secrets: Secrets },
  integrationId: number,
  query: { id?: string; uuid?: string; email?: string; external_id?: string },
): Promise<number | undefined> {
  const { id, uuid, email, external_id: externalId } = query
  if (id !== undefined) return Number(id)
  const customers = db.selectFrom('customers').select('id').where('integrationId', '=', integrationId)
  const found = (() => {
    if (uuid !== undefined) return customers.where('uuid', '=', uuid.toLowerCase())
    if (email !== undefined) return customers.where('emailIndex', '=', emailIndexOf(secrets, email))
    if (externalId !== undefined) return customers.where('externalId', '=', externalId)
    const problem = `The customer is found by ${ONE_OF}.`
    return fail('fail_mandatory_field', problem, {
      errors: Object.fromEntries(NAMES.map((name) => [name, [problem]])),
    })
  })()
  return (await found.executeTakeFirst())?.id
}
