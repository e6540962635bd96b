import { sql } from 'kysely'
import { Type } from 'typebox'
import type { Secrets } from '../kernel/secrets.ts'
import { endpoint } from '../server/endpoint.ts'
import type { FieldErrors } from '../server/errors.ts'
import { Country, OneOf, Text } from '../server/fields.ts'
import { type NewestFirst, RangeFields, readNewest, readRange } from '../server/newest-first.ts'
import { listed, PageFields, readPage } from '../server/pagination.ts'
import { CUSTOMER_EXAMPLE, CustomerObject, readCustomers, wireCustomer } from './customer-wire.ts'
import { parseCountry } from './identity/countries.ts'
import { emailKey, parseEmail } from './identity/email.ts'

const STATUSES = ['unused', 'processing', 'valid', 'fail'] as const
const TYPES = ['individual', 'company'] as const

const FILTERS = {
  kyc_status: Type.Optional(OneOf(STATUSES)),
  type: Type.Optional(OneOf(TYPES)),
  country: Type.Optional(Country('Where the customer lives: ISO 3166-1 alpha-2.')),
  email: Type.Optional(Text('The whole address; upper and lower case are the same.', 254)),
  external_id: Type.Optional(Text('Your own id of the customer.')),
  ...RangeFields,
}
const LIST = { list: 'customers', filters: Object.keys(FILTERS) }

export const listCustomers = endpoint({
  method: 'GET',
  path: '/api/customers/list',
  section: 'users',
  name: 'listCustomers',
  summary: 'List your customers',
  description: 'People and companies, newest first. Filters can be combined; a customer fits all of them.',
  audience: 'token',
  list: true,
  query: Type.Object({
    ...FILTERS,
    ...PageFields,
  }),
  data: Type.Array(CustomerObject),
  errors: ['invalid_field'],
  examples: { request: { kyc_status: 'valid', per_page: 25 }, answer: [CUSTOMER_EXAMPLE] },
  check: ({ query }) => findContactFaults(query),
  async handle(app, { query, integration }) {
    const page = readPage(query, LIST)
    const { places, counted } = await readNewest(app.db, listOf(app.secrets, integration.id, query), page)
    const rows = await readCustomers(
      app.db,
      integration.id,
      places.map(({ id }) => Number(id)),
    )
    const byId = new Map(rows.map((row) => [row.id, row]))
    return listed(page, {
      rows: places,
      counted,
      cursorOf: ({ cursor }) => cursor,
      render: ({ id }) => wireCustomer(app, byId.get(Number(id))!),
    })
  },
})

/** What is wrong with an e-mail address or a country that customers are looked for by. */
export function findContactFaults(query: { email?: string; country?: string }): FieldErrors {
  const errors: FieldErrors = {}
  if (query.email !== undefined && parseEmail(query.email) === undefined)
    errors.email = ['must be a valid e-mail address']
  if (query.country !== undefined && parseCountry(query.country) === undefined)
    errors.country = ['must be an ISO 3166-1 alpha-2 code, such as ES']
  return errors
}

/** What an e-mail address is found by. It was judged to be one. */
export function emailIndexOf(secrets: Secrets, email: string): Buffer {
  return secrets.index('customer-email', emailKey(parseEmail(email)!))
}

interface Filters {
  kyc_status?: (typeof STATUSES)[number]
  type?: (typeof TYPES)[number]
  country?: string
  email?: string
  external_id?: string
  from?: string
  to?: string
}

/**
 * Through the index by country where one is asked for, else through that by status; status and type come next in
 * both. An e-mail address or an `external_id` is one customer's, who is found by it and then judged by the rest.
 */
function listOf(secrets: Secrets, integrationId: number, filters: Filters): NewestFirst {
  const { country, email, external_id: externalId } = filters
  const statuses = filters.kyc_status === undefined ? STATUSES : [filters.kyc_status]
  const types = filters.type === undefined ? TYPES : [filters.type]
  const list = { table: 'customers', integrationId, ...readRange(filters) } as const
  const living = country === undefined ? sql`` : sql`and country = ${parseCountry(country)}`
  if (email !== undefined || externalId !== undefined) {
    const address = email === undefined ? sql`` : sql`and email_index = ${emailIndexOf(secrets, email)}`
    const name = externalId === undefined ? sql`` : sql`and external_id = ${externalId}`
    const fits = sql`kyc_status = any(${[...statuses]}::text[]) and type = any(${[...types]}::text[])`
    return { ...list, time: 'created_at', runs: [sql`${fits} ${living} ${address} ${name}`] }
  }
  const isWhole = country === undefined && filters.kyc_status === undefined && filters.type === undefined
  return {
    ...list,
    isWhole,
    time: country === undefined ? 'created_at' : 'created_at as UTC',
    runs: statuses.flatMap((status) =>
      types.map((type) => sql`kyc_status = ${status} and type = ${type} ${living}`),
    ),
  }
}
