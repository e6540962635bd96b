import { sql } from 'kysely'
import { Type } from 'typebox'
import { findPaymentMethod, PAYMENT_METHODS } from '../pricing/payment-methods.ts'
import { endpoint } from '../server/endpoint.ts'
import type { FieldErrors } from '../server/errors.ts'
import { CustomerId, OneOf, Text } from '../server/fields.ts'
import { type NewestFirst, RangeFields, readNewest, readRange } from '../server/newest-first.ts'
import { listed, PageFields, readPage } from '../server/pagination.ts'
import { PAYMENT_STATES, type PaymentState } from './payment-states.ts'
import { findPayments } from './payment-store.ts'
import { PaymentObject, wirePayment } from './payment-wire.ts'
import { PAYMENT_EXAMPLE } from './retrieve-payment.ts'

const FILTERS = {
  status: Type.Optional(OneOf(PAYMENT_STATES)),
  user_id: Type.Optional(CustomerId('Only the payments of this customer.')),
  external_id: Type.Optional(
    Text('Your own id: of one live payment at most, and of those before it that ended without coins.'),
  ),
  payment_type: Type.Optional(Text('As the payment has it, any case.', 32)),
  ...RangeFields,
}
const LIST = { list: 'payments', filters: Object.keys(FILTERS) }

const TYPES: readonly string[] = PAYMENT_METHODS.map(({ type }) => type)

export const listPayments = endpoint({
  method: 'GET',
  path: '/api/payments/list',
  section: 'onramp',
  name: 'listPayments',
  summary: 'List your payments',
  description:
    'Newest first, each as `GET /api/payment/{payment_id}` gives it. Filters can be combined; a payment fits all of them.',
  audience: 'token',
  list: true,
  query: Type.Object({
    ...FILTERS,
    ...PageFields,
  }),
  data: Type.Array(PaymentObject),
  errors: ['invalid_field'],
  examples: {
    request: { status: 'coins_sent', from: '2026-06-01T00:00:00Z', per_page: 25 },
    answer: [PAYMENT_EXAMPLE],
  },
  check({ query }): FieldErrors {
    if (query.payment_type === undefined || findPaymentMethod(query.payment_type)) return {}
    const known = PAYMENT_METHODS.map(({ wireType }) => wireType).join(', ')
    return { payment_type: [`must be one of: ${known}`] }
  },
  async handle(app, { query, integration }) {
    const page = readPage(query, LIST)
    const { places, counted } = await readNewest(app.db, listOf(integration.id, query), page)
    const payments = await findPayments(
      app.db,
      integration.id,
      places.map(({ id }) => String(id)),
    )
    return listed(page, {
      rows: places,
      counted,
      cursorOf: ({ cursor }) => cursor,
      render: ({ id }) => wirePayment(payments.get(String(id))!, app),
    })
  },
})

interface Filters {
  status?: PaymentState
  user_id?: string
  external_id?: string
  payment_type?: string
  from?: string
  to?: string
}

function listOf(integrationId: number, filters: Filters): NewestFirst {
  const { status, user_id: userId, external_id: externalId, payment_type: wireType } = filters
  const list = { table: 'payments', integrationId, time: 'created_at', ...readRange(filters) } as const
  const type = wireType === undefined ? undefined : findPaymentMethod(wireType)!.type
  if (userId !== undefined || externalId !== undefined) {
    const customer = userId === undefined ? sql`` : sql`and customer_id = ${userId}::bigint`
    const name = externalId === undefined ? sql`` : sql`and external_id = ${externalId}`
    // Few rows by then, judged one by one. The empty text keeps the planner from the index by status, where it
    // might have to walk past the payments of everybody else.
    const inState = status === undefined ? sql`` : sql`and state || '' = ${status}`
    const byType = type === undefined ? sql`` : sql`and payment_type || '' = ${type}`
    return { ...list, runs: [sql`true ${customer} ${name} ${inState} ${byType}`] }
  }
  if (status === undefined && type === undefined)
    return { ...list, time: 'created_at as UTC', runs: [sql`true`], isWhole: true }
  const states = status === undefined ? PAYMENT_STATES : [status]
  const types = type === undefined ? TYPES : [type]
  return {
    ...list,
    runs: states.flatMap((one) => types.map((other) => sql`state = ${one} and payment_type = ${other}`)),
  }
}
