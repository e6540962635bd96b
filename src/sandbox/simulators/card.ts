import { Type } from 'typebox'
import type { App } from '../../app.ts'
import { readCard, TEST_CARDS } from '../../providers/card/simulated/card-rules.ts'
import {
  answerThreeDSecure,
  type CardSessionRow,
  cancelSession,
  countWrongCode,
  findSession,
  MAX_TRIES,
  stateAt,
  tryCard,
} from '../../providers/card/simulated/session.ts'
import { CALLBACKS_LANE } from '../../providers/simulated/simulator.ts'
import type { CardView } from '../../providers/simulated-pages-wire.ts'
import { endpoint } from '../../server/endpoint.ts'
import { type FieldErrors, fail } from '../../server/errors.ts'
import { commonView, notNow, SessionParams, sessionNotFound } from './view.ts'

/** The JSON behind `/simulators/card/<session>`, the page that plays the card provider's. */

export const THREE_D_SECURE_CODE = '123456'

/** English, for people; the page has its own texts by code. */
const DECLINES: Record<string, string> = {
  card_declined: 'The card was declined.',
  insufficient_funds: 'The card does not have enough money.',
  lost_or_stolen: 'The card was reported lost or stolen.',
  expired_card: 'The card has expired.',
  incorrect_cvc: 'The security code is wrong.',
  processing_error: 'The bank had a problem. Try again.',
  card_not_supported: 'Only test cards work in the sandbox.',
  three_d_secure_failed: 'The bank could not confirm that it was you.',
}

const shared = {
  section: 'hosted',
  audience: 'page',
  sandboxOnly: true,
  params: SessionParams,
  data: Type.Unsafe<CardView>({ type: 'object', description: 'What the page shows.' }),
} as const

const PATH = '/simulators/card/{session}/api'
const example = {
  merchant_name: 'Sandbox Remittances',
  amount: { amount: '150.50', currency: 'EUR' },
  reference: 'HkQ2vYp4nRw8sZx1cBf6mLt3J',
  language: 'es',
  expires_at: '2026-06-26T11:00:00.000000Z',
  server_time: '2026-06-26T10:30:00.000000Z',
  return_url: 'https://ramp.example.com/payment/HkQ2vYp4nRw8sZx1cBf6mLt3J',
  state: 'open',
  decline: null,
  tries_left: 5,
  card_last4: null,
  test_cards: [{ number: '4242 4242 4242 4242', does: 'paid' }],
}

export const showCardPage = endpoint({
  ...shared,
  method: 'GET',
  path: PATH,
  name: 'showCardPage',
  summary: "The simulated card provider's page",
  description: 'What the page shows now.',
  errors: ['session_not_found'],
  examples: { answer: example },
  async handle(app, { params }) {
    return viewOf((await findSession(app.db, params.session)) ?? sessionNotFound(), app.clock.now())
  },
})

const field = (description: string, example: string) =>
  Type.String({ maxLength: 100, description, examples: [example] })

export const payByCard = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/pay`,
  name: 'payByCard',
  summary: 'The customer sends the card form',
  description:
    'Checks the card as typed, then charges, declines or asks for 3-D Secure, as the test card says. A form sent twice charges once.',
  body: Type.Object({
    number: field('Digits; spaces forgiven.', '4242 4242 4242 4242'),
    expiry: field('`MM/YY`', '12/30'),
    code: field('The security code.', '123'),
    name: field('The name on the card.', 'Ana García'),
  }),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: {
    request: { number: '4242 4242 4242 4242', expiry: '12/30', code: '123', name: 'Ana García' },
    answer: { ...example, state: 'paid', card_last4: '4242' },
  },
  async handle(app, { params, body }) {
    const now = app.clock.now()
    const read = readCard(body, now)
    if ('problems' in read) return refuseCard(read.problems as FieldErrors)
    const row = await tryCard(app.db, params.session, read.card, now)
    return row ? answer(app, row, now) : asItIs(app, params.session, now, ['paid', 'three_d_secure_required'])
  },
})

export const answerCardThreeDSecure = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/three-d-secure`,
  name: 'answerCardThreeDSecure',
  summary: 'The customer answers the bank’s question',
  description: `The simulated bank app: the code ${THREE_D_SECURE_CODE} or \`approve\` pays, \`fail\` or three wrong codes decline.`,
  body: Type.Object({
    answer: Type.Unsafe<'code' | 'approve' | 'fail'>({ type: 'string', enum: ['code', 'approve', 'fail'] }),
    code: Type.Optional(field('With `code`: what the customer typed.', THREE_D_SECURE_CODE)),
  }),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: {
    request: { answer: 'code', code: THREE_D_SECURE_CODE },
    answer: { ...example, state: 'paid', card_last4: '3184' },
  },
  async handle(app, { params, body }) {
    const now = app.clock.now()
    const wrongCode = body.answer === 'code' && body.code?.trim() !== THREE_D_SECURE_CODE
    const row = wrongCode
      ? await countWrongCode(app.db, params.session, now)
      : await answerThreeDSecure(app.db, params.session, body.answer !== 'fail', now)
    if (!row) return asItIs(app, params.session, now, ['paid'])
    if (wrongCode && row.threeDSecure === 'required') {
      fail('invalid_field', 'The code is wrong.', {
        errors: { code: ['is not the code that the bank sent'] },
      })
    }
    return answer(app, row, now)
  },
})

export const cancelCardPage = endpoint({
  ...shared,
  method: 'POST',
  path: `${PATH}/cancel`,
  name: 'cancelCardPage',
  summary: 'The customer gives up',
  description: 'Ends the session without payment.',
  body: Type.Object({}),
  errors: ['session_not_found', 'action_not_allowed'],
  examples: { request: {}, answer: { ...example, state: 'cancelled' } },
  async handle(app, { params }) {
    const now = app.clock.now()
    const row = await cancelSession(app.db, params.session, now)
    return row
      ? answer(app, row, now)
      : asItIs(app, params.session, now, ['cancelled', 'expired', 'declined'])
  },
})

function refuseCard(errors: FieldErrors): never {
  const texts = Object.entries(errors).map(([name, problems]) => `${name} ${problems[0]}`)
  return fail('invalid_field', `${texts.join('; ')}.`, { errors })
}

function answer(app: Pick<App, 'wake'>, row: CardSessionRow, now: Date): CardView {
  app.wake(CALLBACKS_LANE)
  return viewOf(row, now)
}

/** The session did not take the step: done already, which is answered as it is, or not possible any more. */
async function asItIs(
  { db }: Pick<App, 'db'>,
  id: string,
  now: Date,
  expected: readonly CardView['state'][],
): Promise<CardView> {
  const view = viewOf((await findSession(db, id)) ?? sessionNotFound(), now)
  return expected.includes(view.state) ? view : notNow()
}

function viewOf(row: CardSessionRow, now: Date): CardView {
  const state = pageState(row, now)
  const code = row.declineCode ?? 'card_declined'
  return {
    ...commonView(row, now),
    state,
    decline: state === 'declined' ? { code, message: DECLINES[code] ?? 'The card was declined.' } : null,
    tries_left: stateAt(row, now) === 'open' ? MAX_TRIES - row.declines : 0,
    card_last4: row.cardLast4,
    test_cards: TEST_CARDS.map(({ number, does }) => ({ number: number.match(/.{4}/g)!.join(' '), does })),
  }
}

/** On the page a decline shows as such while another card may be tried. */
function pageState(row: CardSessionRow, now: Date): CardView['state'] {
  const state = stateAt(row, now)
  if (state !== 'open') return state
  if (row.threeDSecure === 'required') return 'three_d_secure_required'
  return row.declines > 0 ? 'declined' : 'open'
}
