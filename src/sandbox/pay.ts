import { Type } from 'typebox'
import { wireTime } from '../kernel/clock.ts'
import { formatAmount, parseAmount } from '../money/amount.ts'
import { type Payment, paymentFiat } from '../onramp/payment.ts'
import { findPayment } from '../onramp/payment-store.ts'
import { takerOf } from '../onramp/session-taker.ts'
import { findPaymentMethod } from '../pricing/payment-methods.ts'
import { MOST_UNITS, TOO_MUCH } from '../providers/bank/simulated/incoming.ts'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { Amount, nullable, PaymentId, WireTime } from '../server/fields.ts'
import { CARD_OUTCOMES, payByTestCard } from './pay-card.ts'
import { OPEN_BANKING_OUTCOMES, payByOpenBanking } from './pay-open-banking.ts'
import { CODE_OUTCOMES, PAGE_OUTCOMES, PAYPAL_OUTCOMES, payAtRedirect } from './pay-redirect.ts'
import { payByTransfer, TRANSFER_OUTCOMES } from './pay-transfer.ts'

/** What the customer can do, by payment type; the first is what happens unless told. */
const OUTCOMES: Record<string, readonly string[]> = {
  card: CARD_OUTCOMES,
  psd2: OPEN_BANKING_OUTCOMES,
  transfer: TRANSFER_OUTCOMES,
  paypal: PAYPAL_OUTCOMES,
  khipu: PAGE_OUTCOMES,
  pse: PAGE_OUTCOMES,
  spei: CODE_OUTCOMES,
  pagoefectivo: CODE_OUTCOMES,
  cvu: CODE_OUTCOMES,
}

export const paySandboxPayment = endpoint({
  method: 'POST',
  path: '/api/sandbox/payments/{payment_id}/pay',
  section: 'sandbox',
  name: 'paySandboxPayment',
  summary: 'The customer pays',
  description: [
    'Does what the customer would do with the payment’s method, at the simulated provider; the platform learns of it by the provider’s notification as it always does.',
    '',
    `- card: ${CARD_OUTCOMES.map((outcome) => `\`${outcome}\``).join(', ')}`,
    `- psd2: ${OPEN_BANKING_OUTCOMES.map((outcome) => `\`${outcome}\``).join(', ')}; the money arrives some seconds after \`paid\``,
    `- paypal: ${PAYPAL_OUTCOMES.map((outcome) => `\`${outcome}\``).join(', ')}. \`charged_back\` pays, and disputes it two minutes later.`,
    `- KHIPU, PSE: ${PAGE_OUTCOMES.map((outcome) => `\`${outcome}\``).join(', ')}`,
    `- SPEI, PAGOEFECTIVO, CVU: ${CODE_OUTCOMES.map((outcome) => `\`${outcome}\``).join(', ')}. Their code can be paid \`twice\`, and \`late\`, after the payment expired (move the clock).`,
    `- transfer: ${TRANSFER_OUTCOMES.map((outcome) => `\`${outcome}\``).join(', ')}. \`exact\` sends what is missing, \`less\` a fifth too little, \`more\` a fifth too much, \`late\` arrives after the payment expired (move the clock), \`third_party\` comes from somebody else. \`amount\` sends that amount instead.`,
  ].join('\n'),
  audience: 'token',
  sandboxOnly: true,
  params: Type.Object({ payment_id: PaymentId }),
  body: Type.Object({
    outcome: Type.Optional(
      Type.Unsafe<string>({
        type: 'string',
        enum: [...new Set(Object.values(OUTCOMES).flat())],
        description: 'What happens; the first of the list above unless told.',
      }),
    ),
    amount: Type.Optional(Amount('Transfers only: what is sent.')),
  }),
  data: Type.Object({
    payment_id: Type.String(),
    payment_type: Type.String(),
    outcome: Type.String(),
    amount: Type.String({ description: 'What the customer sent, or was asked for.' }),
    arrives_at: nullable(WireTime),
  }),
  errors: [
    'payment_not_found',
    'payment_not_pending',
    'method_not_allowed',
    'invalid_wallet',
    'quote_expired',
    'action_not_allowed',
    'error_payment_creation',
  ],
  examples: {
    request: { outcome: 'paid' },
    answer: {
      payment_id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D',
      payment_type: 'card',
      outcome: 'paid',
      amount: '150.50',
      arrives_at: null,
    },
  },
  async handle(app, { params, body, integration }) {
    const payment =
      (await findPayment(app.db, integration.id, params.payment_id)) ??
      fail('payment_not_found', 'There is no such payment.')
    const outcome = chooseOutcome(payment, body.outcome)
    const amountUnits = readAmount(payment, body.amount)
    const sent =
      payment.paymentType === 'transfer'
        ? await payByTransfer(app, payment, outcome, amountUnits)
        : await payAtProvider(app, payment, outcome)
    return {
      payment_id: payment.id,
      payment_type: findPaymentMethod(payment.paymentType)?.wireType ?? payment.paymentType,
      outcome,
      amount: formatAmount(sent.units, paymentFiat(payment)),
      arrives_at: sent.arrivesAt && wireTime(sent.arrivesAt),
    }
  },
})

type Needs = Parameters<typeof payByTestCard>[0]

async function payAtProvider(app: Needs, payment: Payment, outcome: string) {
  if (payment.state !== 'started') {
    fail('payment_not_pending', `The payment is ${payment.state}; it is not waiting for the customer.`)
  }
  if (payment.wallet === null) {
    fail('invalid_wallet', 'The payment has no wallet yet. Give one at creation or on its page.')
  }
  const taker = takerOf(payment.paymentType)
  if (taker === 'paypal' || taker === 'local') return payAtRedirect(app, payment, outcome)
  if (taker === 'card') await payByTestCard(app, payment, outcome)
  else await payByOpenBanking(app, payment, outcome)
  return { units: payment.fiatUnits, arrivesAt: null }
}

function chooseOutcome(payment: Payment, asked: string | undefined): string {
  const outcomes = OUTCOMES[payment.paymentType]
  if (!outcomes) {
    return fail('method_not_allowed', `A payment by ${payment.paymentType} is not paid from here.`)
  }
  if (asked === undefined || outcomes.includes(asked)) return asked ?? outcomes[0]!
  const problem = `must be one of: ${outcomes.join(', ')} for ${payment.paymentType}`
  return fail('invalid_field', `outcome ${problem}.`, { errors: { outcome: [problem] } })
}

function readAmount(payment: Payment, amount: string | undefined): bigint | undefined {
  if (amount === undefined) return undefined
  const refuse = (problem: string): never =>
    fail('invalid_field', `amount ${problem}.`, { errors: { amount: [problem] } })
  if (payment.paymentType !== 'transfer') refuse(`can't be chosen when paying by ${payment.paymentType}`)
  const { units, problem = TOO_MUCH } = parseAmount(amount, paymentFiat(payment))
  return units !== undefined && units <= MOST_UNITS ? units : refuse(problem)
}
