import { Type } from 'typebox'
import type { App } from '../../app.ts'
import {
  accountsOf,
  BANKS,
  type SimulatedBank,
  TEST_LOGIN,
} from '../../providers/open-banking/simulated/banks.ts'
import {
  cancelSession,
  chooseBank,
  consent,
  findSession,
  logIn,
  type OpenBankingSessionRow,
  refuse,
  stateAt,
} from '../../providers/open-banking/simulated/session.ts'
import { CALLBACKS_LANE } from '../../providers/simulated/simulator.ts'
import type { BankView } from '../../providers/simulated-pages-wire.ts'
import { endpoint } from '../../server/endpoint.ts'
import { type FieldErrors, fail } from '../../server/errors.ts'
import { nullable } from '../../server/fields.ts'
import { commonView, moneyOf, notNow, SessionParams, sessionNotFound } from './view.ts'

/** The JSON behind `/simulators/bank/<session>`, the page that plays the open-banking provider's and the banks'. */

const shared = {
  section: 'hosted',
  audience: 'page',
  sandboxOnly: true,
  params: SessionParams,
  data: Type.Unsafe<BankView>({ type: 'object', description: 'What the page shows.' }),
} as const

const PATH = '/simulators/bank/{session}/api'
const example = {
  merchant_name: 'Sandbox Remittances',
  amount: { amount: '150.50', currency: 'EUR' },
  reference: 'HkQ2vYp4nRw8sZx1cBf6mLt3J',
  language: 'es',
  expires_at: '2026-06-26T11:00:00.000000Z',
  server_time: '2026-06-26T10:30:00.000000Z',
  return_url: 'https://ramp.example.com/payment/HkQ2vYp4nRw8sZx1cBf6mLt3J',
  state: 'choose_bank',
  banks: [BANKS[0]],
  bank: null,
  accounts: [],
  refusal: null,
  test_login: TEST_LOGIN,
}

export const showBankPage = endpoint({
  ...shared,
  method: 'GET',
  path: PATH,
  name: 'showBankPage',
  summary: "The simulated open-banking provider's page",
  description: 'What the page shows now.',
  errors: ['session_not_found'],
  examples: { answer: example },
  async handle(app, { params }) {
    return viewOf((await findSession(app.db, params.session)) ?? sessionNotFound(), app.clock.now())
  },
})

export const chooseSimulatedBank = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/bank`,
  name: 'chooseSimulatedBank',
  summary: 'The customer chooses a bank',
  description: 'Or none, to choose again.',
  body: Type.Object({
    bank_id: nullable(Type.String({ maxLength: 64, description: 'An `id` of `banks`.' })),
  }),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: { request: { bank_id: BANKS[0]!.id }, answer: { ...example, state: 'login', bank: BANKS[0] } },
  check: ({ body }): FieldErrors =>
    body.bank_id === undefined || body.bank_id === null || findBank(body.bank_id)
      ? {}
      : { bank_id: ['is not one of the banks'] },
  async handle(app, { params, body }) {
    const now = app.clock.now()
    const row = await chooseBank(app.db, params.session, body.bank_id, now)
    return row ? viewOf(row, now) : asItIs(app, params.session, now, [])
  },
})

export const logInAtBank = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/login`,
  name: 'logInAtBank',
  summary: 'The customer logs in at the bank',
  description: `Every bank knows the user \`${TEST_LOGIN.user}\` with the password \`${TEST_LOGIN.password}\`.`,
  body: Type.Object({ user: Type.String({ maxLength: 100 }), password: Type.String({ maxLength: 100 }) }),
  errors: ['session_not_found', 'action_not_allowed', 'login_failed'],
  examples: { request: TEST_LOGIN, answer: { ...example, state: 'consent', bank: BANKS[0] } },
  async handle(app, { params, body }) {
    const now = app.clock.now()
    const before = (await findSession(app.db, params.session)) ?? sessionNotFound()
    if (stateAt(before, now) !== 'open' || !before.bankId) notNow()
    if (body.user.trim() !== TEST_LOGIN.user || body.password !== TEST_LOGIN.password) {
      fail(
        'login_failed',
        `The user or the password is wrong: they are ${TEST_LOGIN.user} and ${TEST_LOGIN.password}.`,
      )
    }
    const row = await logIn(app.db, params.session, now)
    return row ? viewOf(row, now) : asItIs(app, params.session, now, [])
  },
})

export const consentAtBank = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/consent`,
  name: 'consentAtBank',
  summary: 'The customer pays from an account',
  description:
    'Initiates the payment: the money arrives at the bank some seconds later. An account that does not cover it refuses. Sent twice, it pays once.',
  body: Type.Object({ account_id: Type.String({ maxLength: 64, description: 'An `id` of `accounts`.' }) }),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: { request: { account_id: 'current' }, answer: { ...example, state: 'paid', bank: BANKS[0] } },
  async handle(app, { params, body }) {
    const now = app.clock.now()
    const before = (await findSession(app.db, params.session)) ?? sessionNotFound()
    const bank = findBank(before.bankId)
    if (!bank || stateAt(before, now) !== 'open' || !before.loggedIn)
      return asItIs(app, params.session, now, ['paid'])
    const account =
      accountsOf(bank, before.customerName).find(({ id }) => id === body.account_id) ??
      fail('invalid_field', 'account_id is not one of the accounts.', {
        errors: { account_id: ['is not one of the accounts'] },
      })
    const row = await consent(app.db, before, account, now)
    return row ? answer(app, row, now) : asItIs(app, params.session, now, ['paid'])
  },
})

export const refuseAtBank = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/refuse`,
  name: 'refuseAtBank',
  summary: 'The customer says no at the bank',
  description: 'Ends the session: the payment is refused.',
  body: Type.Object({}),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: {
    request: {},
    answer: { ...example, state: 'refused', bank: BANKS[0], refusal: 'refused_by_customer' },
  },
  async handle(app, { params }) {
    const now = app.clock.now()
    const row = await refuse(app.db, params.session, 'refused_by_customer', now)
    return row ? answer(app, row, now) : asItIs(app, params.session, now, ['refused'])
  },
})

export const cancelBankPage = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/cancel`,
  name: 'cancelBankPage',
  summary: 'The customer goes back',
  description: 'Ends the session before a bank was asked for anything.',
  body: Type.Object({}),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: { request: {}, answer: { ...example, state: 'cancelled' } },
  async handle(app, { params }) {
    const now = app.clock.now()
    const row = await cancelSession(app.db, params.session, now)
    return row ? answer(app, row, now) : asItIs(app, params.session, now, ['cancelled', 'expired', 'refused'])
  },
})

function findBank(id: string | null): SimulatedBank | undefined {
  return BANKS.find((bank) => bank.id === id)
}

function answer(app: Pick<App, 'wake'>, row: OpenBankingSessionRow, now: Date): BankView {
  app.wake(CALLBACKS_LANE)
  return viewOf(row, now)
}

/** The session did not take the step: done already, which is answered as it is, or not possible any more. */
async function asItIs(
  { db }: Pick<App, 'db'>,
  id: string,
  now: Date,
  expected: readonly BankView['state'][],
): Promise<BankView> {
  const view = viewOf((await findSession(db, id)) ?? sessionNotFound(), now)
  return expected.includes(view.state) ? view : notNow()
}

function viewOf(row: OpenBankingSessionRow, now: Date): BankView {
  const bank = findBank(row.bankId)
  return {
    ...commonView(row, now),
    state: pageState(row, now),
    banks: [...BANKS],
    bank: bank ?? null,
    accounts:
      bank && row.loggedIn
        ? accountsOf(bank, row.customerName).map((account) => ({
            id: account.id,
            name: `${account.name} · ${account.holder}`,
            iban: account.iban,
            balance: moneyOf(account.balanceUnits, row.currency),
            covers: account.balanceUnits >= row.units,
          }))
        : [],
    refusal: row.refusal,
    test_login: { ...TEST_LOGIN },
  }
}

function pageState(row: OpenBankingSessionRow, now: Date): BankView['state'] {
  const state = stateAt(row, now)
  if (state === 'initiated') return 'paid'
  if (state !== 'open') return state
  if (!row.bankId) return 'choose_bank'
  return row.loggedIn ? 'consent' : 'login'
}
