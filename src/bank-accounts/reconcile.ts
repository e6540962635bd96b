import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import type { Db } from '../db/database.ts'
import { formatAmount, parseAmount } from '../money/amount.ts'
import { fiatAsset } from '../money/asset.ts'
import { PAYMENT_STATES } from '../onramp/payment-states.ts'
import { findPayment } from '../onramp/payment-store.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import { Amount, OneOf, PaymentId, Text } from '../server/fields.ts'
import { type Reconciled, reconcileLine } from './reconcile-line.ts'

const ReconciledObject = Type.Object({
  payment_id: Type.String(),
  transaction_id: Type.String(),
  payment_status: OneOf(PAYMENT_STATES, 'Right after the transaction was booked for it.'),
  difference: Type.String({
    description: 'What the payment then had above what is asked, or below with a minus sign.',
    examples: ['0.00'],
  }),
})

export const reconcilePayment = endpoint({
  method: 'POST',
  path: '/api/banking/reconcile',
  section: 'bank-accounts',
  name: 'reconcilePayment',
  summary: 'Say which payment a transaction is for',
  description:
    'Books money that came to an account of yours for a payment, as if it had been found by itself: filled, put before a person, or given back by your policies, with the same events. The payment is `started`, `pending_bank`, `in_review` or `expired`. Several transactions may go to one payment, and one to several by `amount`. The same pair again is answered the same.',
  audience: 'token',
  body: Type.Object({
    payment_id: PaymentId,
    transaction_id: Text('The `id` of a [transaction](#listBankTransactions).', 64),
    amount: Type.Optional(
      Amount('So much of the transaction, in its currency; all that is left of it unless told.'),
    ),
    accept_difference: Type.Optional(
      Type.Boolean({
        description:
          'Take a sum other than the one asked: too little waits for the rest, what is too much goes back, by your policy.',
      }),
    ),
  }),
  data: ReconciledObject,
  errors: [
    'payment_not_found',
    'transaction_not_found',
    'already_reconciled',
    'currency_mismatch',
    'amount_mismatch',
    'payment_not_pending',
    'price_unavailable',
  ],
  examples: {
    request: { payment_id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D', transaction_id: 'Tx8VqT9bX1LmN8sR4pYw2Ac6D' },
    answer: {
      payment_id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D',
      transaction_id: 'Tx8VqT9bX1LmN8sR4pYw2Ac6D',
      payment_status: 'payment_received',
      difference: '0.00',
    },
  },
  findFurther(_app, { body }): FieldErrors {
    if (body.amount === undefined) return {}
    // No currency has more decimals than the euro.
    const { problem } = parseAmount(body.amount, fiatAsset('EUR')!)
    return problem === undefined ? {} : { amount: [problem] }
  },
  async handle(app, request) {
    const { integration, body } = request
    const payment = await findPayment(app.db, integration.id, body.payment_id)
    if (!payment) fail('payment_not_found', 'There is no such payment.')
    const line = await findLine(app.db, integration.id, body.transaction_id)
    if (!line) fail('transaction_not_found', 'There is no such transaction on an account of yours.')
    const wire = ({ paymentState, differenceUnits, fiat }: Reconciled): Static<typeof ReconciledObject> => ({
      payment_id: payment.id,
      transaction_id: body.transaction_id,
      payment_status: paymentState,
      difference: formatAmount(differenceUnits, fiat),
    })
    const reconciled = await reconcileLine(app, {
      iban: line.iban,
      transactionId: body.transaction_id,
      paymentId: payment.id,
      amount: body.amount,
      acceptDifference: body.accept_difference ?? false,
      by: 'integration',
      knownOnly: line.isShared,
      within: (trx, made) => request.remember(trx, wire(made)),
    })
    return wire(reconciled)
  },
})

/**
 * On the integration's own accounts every line; on shared ones those that are for payments of its own, of which it can
 * take no more: what is left may be anybody's, and is the operator's to decide.
 */
async function findLine(
  db: Db,
  integrationId: number,
  transactionId: string,
): Promise<{ iban: string; isShared: boolean } | undefined> {
  const { rows } = await sql<{ iban: string; isShared: boolean }>`
    select iban, accounts.integration_id is null as is_shared
      from bank_accounts accounts join bank_transactions lines using (iban)
     where lines.id = ${transactionId}
       and (accounts.integration_id = ${integrationId} or accounts.integration_id is null)
       and (accounts.integration_id = ${integrationId}
            or (accounts.integration_id is null
                and exists (select from bank_matches matches
                             where matches.iban = lines.iban and matches.transaction_id = lines.id
                               and matches.integration_id = ${integrationId} and matches.units > 0)))`.execute(
    db,
  )
  return rows[0]
}
