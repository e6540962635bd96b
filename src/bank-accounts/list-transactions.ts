import { sql } from 'kysely'
import { Type } from 'typebox'
import { normaliseIban } from '../providers/bank/iban.ts'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { Moment, OneOf } from '../server/fields.ts'
import { type NewestFirst, readNewest, readRange } from '../server/newest-first.ts'
import { listed, PageFields, readPage } from '../server/pagination.ts'
import { BankTransactionObject, DIRECTIONS, readLines } from './bank-line-wire.ts'
import { findOwnAccount, type OwnAccount } from './own-accounts.ts'

const FILTERS = {
  from: Type.Optional(Moment('Booked then or later.')),
  to: Type.Optional(Moment('Booked before.')),
  direction: Type.Optional(OneOf(DIRECTIONS, 'What came, or what went.')),
  reconciled: Type.Optional(
    OneOf(['true', 'false'], 'Only lines of which nothing is left to be reconciled, or only the others.'),
  ),
}

/** The states in which nothing of a line is left, and those in which a person has something to do. */
const STATES = { true: ['matched', 'returned', 'divided'], false: ['unmatched', 'suggested'] } as const

export const listBankTransactions = endpoint({
  method: 'GET',
  path: '/api/banking/accounts/{iban}/transactions',
  section: 'bank-accounts',
  name: 'listBankTransactions',
  summary: 'List an account’s transactions',
  description:
    'What the bank has booked on the account, newest first by `booked_at`, each with the payment it is for, or why there is none yet. Of an account that several integrations share: the lines that are for your payments. Filters can be combined.',
  audience: 'token',
  list: true,
  params: Type.Object({
    iban: Type.Unsafe<string>({
      type: 'string',
      maxLength: 64,
      description: 'As [the accounts](#listBankAccounts) have it; spaces and case don’t matter.',
      examples: ['ES4199980001320001000017'],
    }),
  }),
  query: Type.Object({ ...FILTERS, ...PageFields }),
  data: Type.Array(BankTransactionObject),
  errors: ['account_not_found', 'invalid_field'],
  examples: {
    request: { from: '2026-06-01T00:00:00Z', direction: 'credit', reconciled: 'true', per_page: 25 },
    answer: [
      {
        id: 'Tx8VqT9bX1LmN8sR4pYw2Ac6D',
        iban: 'ES4199980001320001000017',
        booked_at: '2026-06-26T10:30:00.000000Z',
        value_date: '2026-06-26',
        direction: 'credit',
        amount: '150.50',
        currency: 'EUR',
        counterparty_name: 'Ana Pérez',
        counterparty_iban: 'DE02000000000123456789',
        concept: '100075',
        end_to_end_id: null,
        reconciled: true,
        payment_id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D',
        match: {
          state: 'matched',
          score: 100,
          reasons: [
            "The text is the payment's number.",
            'The amount is what is left to pay.',
            "The payer has the customer's name.",
            'The payment is open.',
          ],
          payments: [{ payment_id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D', amount: '150.50' }],
          suggestions: [],
        },
      },
    ],
  },
  async handle(app, { params, query, integration }) {
    const account = await findOwnAccount(app.db, integration.id, normaliseIban(params.iban))
    if (!account) fail('account_not_found', 'This integration has no such account.')
    const page = readPage(query, {
      list: `banking/${account.iban}`,
      filters: Object.keys(FILTERS),
    })
    const list = account.isShared
      ? listOfShared(account, integration.id, query)
      : listOfOwn(account, integration.id, query)
    const { places, counted } = await readNewest(app.db, list, page)
    const ids = places.map(({ id }) => String(id))
    const lines = await readLines(app, integration.id, account, ids)
    return listed(page, {
      rows: places,
      counted,
      cursorOf: ({ cursor }) => cursor,
      render: ({ id }) => lines.get(String(id))!,
    })
  },
})

interface Filters {
  from?: string
  to?: string
  direction?: (typeof DIRECTIONS)[number]
  reconciled?: 'true' | 'false'
}

type Account = Pick<OwnAccount, 'iban'>

function listOfOwn({ iban }: Account, integrationId: number, filters: Filters): NewestFirst {
  const { direction, reconciled } = filters
  const directions = direction === undefined ? DIRECTIONS : [direction]
  const states = reconciled === undefined ? [...STATES.true, ...STATES.false] : STATES[reconciled]
  return {
    table: 'bank_transactions',
    integrationId,
    source: {
      rows: sql`(select iban, id, booked_at as created_at, direction, state from bank_transactions) lines`,
      where: sql`iban = ${iban}`,
      key: iban,
    },
    runs: directions.flatMap((one) => states.map((state) => sql`direction = ${one} and state = ${state}`)),
    isWhole: direction === undefined && reconciled === undefined,
    time: 'created_at',
    ...readRange(filters),
  }
}

/** Only lines that are for this integration's payments: all of them came, and are reconciled as far as it goes. */
function listOfShared({ iban }: Account, integrationId: number, filters: Filters): NewestFirst {
  const isEmpty = filters.direction === 'debit' || filters.reconciled === 'false'
  return {
    table: 'bank_transactions',
    integrationId,
    source: {
      rows: sql`(select distinct booked_at as created_at, transaction_id as id from bank_matches
                  where integration_id = ${integrationId} and iban = ${iban} and units > 0) lines`,
      where: sql`true`,
      key: `${iban}:${integrationId}`,
    },
    time: 'created_at',
    runs: [isEmpty ? sql`false` : sql`true`],
    ...readRange(filters),
  }
}
