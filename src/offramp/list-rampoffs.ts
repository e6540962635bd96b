import { sql } from 'kysely'
import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { CustomerId, OneOf, Text } from '../server/fields.ts'
import { type NewestFirst, RangeFields, readNewest, readRange } from '../server/newest-first.ts'
import { listed, PageFields, readPage } from '../server/pagination.ts'
import { SALE_EXAMPLE } from './retrieve-rampoff.ts'
import { SALE_STATES, type SaleState } from './sale-states.ts'
import { findSales } from './sale-store.ts'
import { SaleObject, wireSale } from './sale-wire.ts'
import { loadShownDeposits } from './shown-deposits.ts'

const FILTERS = {
  status: Type.Optional(OneOf(SALE_STATES)),
  user_id: Type.Optional(CustomerId('Only the sales of this customer.')),
  external_id: Type.Optional(
    Text('Your own id: of one live sale at most, and of those before it that ended without money.'),
  ),
  ...RangeFields,
}
const LIST = { list: 'sales', filters: Object.keys(FILTERS) }

export const listRampoffs = endpoint({
  method: 'GET',
  path: '/api/rampoff/list',
  section: 'offramp',
  name: 'listRampoffs',
  summary: 'List your sales',
  description:
    'Newest first, each as `GET /api/getRampoff` gives it. Filters can be combined; a sale fits all of them.',
  audience: 'token',
  list: true,
  query: Type.Object({ ...FILTERS, ...PageFields }),
  data: Type.Array(SaleObject),
  errors: ['invalid_field'],
  examples: {
    request: { status: 'finished', from: '2026-06-01T00:00:00Z', per_page: 25 },
    answer: [SALE_EXAMPLE],
  },
  async handle(app, { query, integration }) {
    const page = readPage(query, LIST)
    const { places, counted } = await readNewest(app.db, listOf(integration.id, query), page)
    const sales = await findSales(
      app.db,
      integration.id,
      places.map(({ id }) => String(id)),
    )
    const deposits = await loadShownDeposits(app.db, [...sales.values()])
    return listed(page, {
      rows: places,
      counted,
      cursorOf: ({ cursor }) => cursor,
      render: ({ id }) => wireSale(sales.get(String(id))!, app, deposits.get(String(id))!),
    })
  },
})

interface Filters {
  status?: SaleState
  user_id?: string
  external_id?: string
  from?: string
  to?: string
}

function listOf(integrationId: number, filters: Filters): NewestFirst {
  const { status, user_id: userId, external_id: externalId } = filters
  const list = { table: 'sales', integrationId, time: 'created_at', ...readRange(filters) } as const
  if (userId !== undefined || externalId !== undefined) {
    const customer = userId === undefined ? sql`` : sql`and customer_id = ${userId}::bigint`
    const name = externalId === undefined ? sql`` : sql`and external_id = ${externalId}`
    // Few rows by then, judged one by one. The empty text keeps the planner from the index by status, where it
    // might have to walk past the sales of everybody else.
    const inState = status === undefined ? sql`` : sql`and state || '' = ${status}`
    return { ...list, runs: [sql`true ${customer} ${name} ${inState}`] }
  }
  if (status === undefined) return { ...list, time: 'created_at as UTC', runs: [sql`true`], isWhole: true }
  return { ...list, runs: [sql`state = ${status}`] }
}
