import { Type } from 'typebox'
import type { App } from '../../app.ts'
import {
  approve,
  approveAndDispute,
  cancelSession,
  decline,
  findSession,
  payByCode,
  type RedirectKind,
  type RedirectSessionRow,
  stateAt,
} from '../../providers/redirect/simulated/session.ts'
import { CALLBACKS_LANE } from '../../providers/simulated/simulator.ts'
import type { RedirectAccount, RedirectView } from '../../providers/simulated-pages-wire.ts'
import { endpoint } from '../../server/endpoint.ts'
import { OneOf } from '../../server/fields.ts'
import { commonView, moneyOf, notNow, SessionParams, sessionNotFound } from './view.ts'

/** The JSON behind `/simulators/paypal/<session>` and `/simulators/local/<session>`. */

/** What every customer has at the simulated PayPal; what is paid with the last one is disputed two minutes later. */
const ACCOUNTS: readonly RedirectAccount[] = [
  { id: 'balance', covers: true },
  { id: 'bank', covers: true },
  { id: 'empty', covers: false },
  { id: 'disputed', covers: true },
]

const example = {
  merchant_name: 'Sandbox Remittances',
  amount: { amount: '150.50', currency: 'EUR' },
  reference: 'HkQ2vYp4nRw8sZx1cBf6mLt3J',
  language: 'es',
  expires_at: '2026-06-26T11:00:00.000000Z',
  server_time: '2026-06-26T10:30:00.000000Z',
  return_url: 'https://ramp.example.com/payment/HkQ2vYp4nRw8sZx1cBf6mLt3J',
  state: 'open',
  method: 'paypal',
  code: null,
  paid: { amount: '0.00', currency: 'EUR' },
  decline_code: null,
  accounts: ACCOUNTS,
}

const shared = {
  section: 'hosted',
  audience: 'page',
  sandboxOnly: true,
  params: SessionParams,
  data: Type.Unsafe<RedirectView>({ type: 'object', description: 'What the page shows.' }),
} as const

const PAYPAL = '/simulators/paypal/{session}/api'
const LOCAL = '/simulators/local/{session}/api'

export const showPayPalPage = endpoint({
  ...shared,
  method: 'GET',
  path: PAYPAL,
  name: 'showPayPalPage',
  summary: 'The simulated PayPal’s page',
  description: 'What the page shows now.',
  errors: ['session_not_found'],
  examples: { answer: example },
  handle: (app, { params }) => show(app, 'paypal', params.session),
})

export const payAtPayPal = endpoint({
  ...shared,
  method: 'POST',
  path: `${PAYPAL}/pay`,
  name: 'payAtPayPal',
  summary: 'The customer approves at PayPal',
  description:
    'With money that covers it, with an account that has none, which declines, or with one whose owner disputes the payment two minutes later. Sent twice it pays once.',
  body: Type.Object({ account_id: OneOf(ACCOUNTS.map(({ id }) => id)) }),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: { request: { account_id: 'balance' }, answer: { ...example, state: 'paid' } },
  handle(app, { params, body }) {
    const { session } = params
    const { id, covers } = ACCOUNTS.find((account) => account.id === body.account_id)!
    if (!covers) {
      return step(app, 'paypal', session, 'declined', (now) =>
        decline(app.db, session, 'insufficient_funds', now),
      )
    }
    const pay = id === 'disputed' ? approveAndDispute : approve
    return step(app, 'paypal', session, 'paid', (now) => pay(app.db, session, now))
  },
})

export const cancelPayPalPage = endpoint({
  ...shared,
  method: 'POST',
  path: `${PAYPAL}/cancel`,
  name: 'cancelPayPalPage',
  summary: 'The customer goes back from PayPal',
  description: 'Ends the session without payment.',
  body: Type.Object({}),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: { request: {}, answer: { ...example, state: 'cancelled' } },
  handle: (app, { params }) => cancel(app, 'paypal', params.session),
})

const localExample = {
  ...example,
  method: 'spei',
  amount: { amount: '2500.00', currency: 'MXN' },
  paid: { amount: '0.00', currency: 'MXN' },
  code: '646180157000000004',
  accounts: [],
}

export const showLocalPage = endpoint({
  ...shared,
  method: 'GET',
  path: LOCAL,
  name: 'showLocalPage',
  summary: 'The page of the simulated local methods',
  description: 'What the page shows now.',
  errors: ['session_not_found'],
  examples: { answer: localExample },
  handle: (app, { params }) => show(app, 'local', params.session),
})

export const payByLocalMethod = endpoint({
  ...shared,
  method: 'POST',
  path: `${LOCAL}/pay`,
  name: 'payByLocalMethod',
  summary: 'The customer pays by a local method',
  description:
    'On the page, once; or with the code, as at a bank or a shop, where nobody hinders the customer from paying late or twice.',
  body: Type.Object({}),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: { request: {}, answer: { ...localExample, state: 'paid', paid: localExample.amount } },
  async handle(app, { params: { session } }) {
    const row = await find(app, 'local', session)
    const pay = row.code === null ? approve : payByCode
    return step(app, 'local', session, 'paid', (now) => pay(app.db, session, now))
  },
})

export const refuseLocalMethod = endpoint({
  ...shared,
  method: 'POST',
  path: `${LOCAL}/refuse`,
  name: 'refuseLocalMethod',
  summary: 'The customer’s bank says no',
  description: 'Ends the session; another one may be begun.',
  body: Type.Object({}),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: { request: {}, answer: { ...localExample, state: 'declined', decline_code: 'bank_refused' } },
  handle: (app, { params: { session } }) =>
    step(app, 'local', session, 'declined', (now) => decline(app.db, session, 'bank_refused', now)),
})

export const cancelLocalPage = endpoint({
  ...shared,
  method: 'POST',
  path: `${LOCAL}/cancel`,
  name: 'cancelLocalPage',
  summary: 'The customer goes back without paying',
  description: 'Ends the session. A code that the customer wrote down may be paid all the same.',
  body: Type.Object({}),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: { request: {}, answer: { ...localExample, state: 'cancelled' } },
  handle: (app, { params }) => cancel(app, 'local', params.session),
})

type Needs = Pick<App, 'db' | 'clock' | 'wake'>

async function find({ db }: Pick<App, 'db'>, kind: RedirectKind, id: string): Promise<RedirectSessionRow> {
  return (await findSession(db, kind, id)) ?? sessionNotFound()
}

async function show(app: Needs, kind: RedirectKind, id: string): Promise<RedirectView> {
  return viewOf(await find(app, kind, id), app.clock.now())
}

const cancel = (app: Needs, kind: RedirectKind, id: string): Promise<RedirectView> =>
  step(app, kind, id, 'cancelled', (now) => cancelSession(app.db, id, now))

/** One step of the customer; done already it is answered as it is, and what is not possible any more is refused. */
async function step(
  app: Needs,
  kind: RedirectKind,
  id: string,
  to: RedirectView['state'],
  act: (now: Date) => Promise<RedirectSessionRow | undefined>,
): Promise<RedirectView> {
  const now = app.clock.now()
  await find(app, kind, id)
  const row = await act(now)
  if (row) {
    app.wake(CALLBACKS_LANE)
    return viewOf(row, now)
  }
  const view = viewOf(await find(app, kind, id), now)
  return view.state === to ? view : notNow()
}

function viewOf(row: RedirectSessionRow, now: Date): RedirectView {
  return {
    ...commonView(row, now),
    state: stateAt(row, now),
    method: row.method,
    code: row.code,
    paid: moneyOf(row.paidUnits, row.currency),
    decline_code: row.declineCode,
    accounts: row.kind === 'paypal' ? [...ACCOUNTS] : [],
  }
}
