import { Command, InvalidArgumentError } from 'commander'
import type { App } from '../app.ts'
import { listLost } from '../bank-accounts/reversals/list-lost.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { listChargebacks } from '../onramp/list-chargebacks.ts'
import { listReviews as listPayments, refusePayment, releasePayment } from '../onramp/review.ts'
import type { Decision } from '../users/decision.ts'
import {
  listReviews as listVerifications,
  parseReason,
  refuseVerification,
  releaseVerification,
} from '../users/review.ts'
import type { Verification } from '../users/verification-store.ts'
import { printTable, recorded, withApp } from './context.ts'
import { addReviewDocumentCommands } from './customer-documents.ts'
import { describeSaleReviews } from './sale.ts'

interface Options {
  who: string
  why: string
}

/** `review list|chargebacks|documents|document|release|refuse`: payments and verifications that wait for a person; it lists sales too (`sale`). */
export function reviewCommand(): Command {
  const command = new Command('review').description('payments and verifications that wait for a person')
  command
    .command('list')
    .description('what waits, oldest first, and why')
    .action(async () => {
      const rows = await withApp(async (app) => [
        ...(await describePayments(app)),
        ...(await describeVerifications(app)),
        ...(await describeSaleReviews(app)),
        ...(await describeReversals(app)),
      ])
      printTable(rows, 'Nothing waits for a person.')
    })
  command
    .command('chargebacks')
    .description('payments whose payer took the money back, newest first, and what was lost by it')
    .action(async () => {
      const found = await withApp(listChargebacks)
      printTable(
        found.map(({ at, id, state, fiat, units, lossUnits, reason, outcome }) => ({
          at,
          payment: id,
          state,
          taken: `${formatAmount(units, assetOf(fiat))} ${fiat}`,
          lost: `${formatAmount(lossUnits, assetOf(fiat))} ${fiat}`,
          why: reason,
          dispute: outcome === 'won' ? 'won' : null,
        })),
        'Nobody took money back.',
      )
    })
  addReviewDocumentCommands(command)
  recorded(command.command('release'))
    .description('let it go on: the payment is filled, the customer is verified')
    .argument('<id>', 'a payment or verification of "review list"')
    .action(async (id: string, options: Options) => {
      await withApp(async (app) => {
        if (await releaseVerification(app, id, options)) return
        // Late money is converted at today's price, which this process has to ask for first.
        await app.pricing.prices.refresh()
        await releasePayment(app, id, options)
      })
      console.log(`${id} goes on.`)
    })
  recorded(command.command('refuse'))
    .description('refuse it: the money goes back, the customer is not verified')
    .argument('<id>', 'a payment or verification of "review list"')
    .option('--to-iban <iban>', 'where the money goes when the account it came from takes none')
    .option(
      '--reason <field:code...>',
      'what the customer may mend, such as document_front:blurred; without any the verification ends',
      collectReasons,
    )
    .action(
      async (
        id: string,
        { toIban, reason, ...options }: Options & { toIban?: string; reason?: Decision['reasons'] },
      ) => {
        await withApp(async (app) => {
          if (await refuseVerification(app, id, { ...options, reasons: reason ?? [] })) return
          await refusePayment(app, id, { ...options, ...(toIban ? { toIban } : {}) })
        })
        console.log(`${id} is refused.`)
      },
    )
  return command
}

function collectReasons(text: string, before: Decision['reasons'] = []): Decision['reasons'] {
  const reason = parseReason(text)
  if (!reason)
    throw new InvalidArgumentError('Write it like document_front:blurred or name:does_not_match_document.')
  return [...before, reason]
}

async function describePayments(app: App) {
  return (await listPayments(app)).map((payment) => ({
    id: payment.id,
    what: 'payment',
    since: payment.createdAt,
    customer: payment.customerId,
    amount: `${formatAmount(payment.fiatUnits, assetOf(payment.fiat))} ${payment.fiat}`,
    received: formatAmount(payment.receivedUnits, assetOf(payment.fiat)),
    why: [
      payment.reviewReason,
      payment.reviewDetail,
      payment.reviewReason === 'third_party' ? `paid by ${payment.payer ?? 'somebody unnamed'}` : null,
      payment.refund?.state === 'failed' ? 'its refund failed' : null,
      payment.refund?.state === 'failed' ? payment.refundReason : null,
    ]
      .filter(Boolean)
      .join(': '),
    until: payment.expiresAt,
  }))
}

/** Transfers that the bank took back when their coins or money had left; `bank seen` ends one. */
async function describeReversals(app: App) {
  return (await listLost(app.db)).map(({ iban, id, units, currency, bookedAt, reason }) => ({
    id,
    what: 'reversal',
    since: bookedAt,
    customer: null,
    amount: `${formatAmount(units, assetOf(currency))} ${currency}`,
    received: null,
    why: `${iban}: ${reason}`,
    until: null,
  }))
}

/** What was doubted, and what nobody has proven: what the person has to look at. */
function describeChecks({ checks, reasons }: Verification): string {
  const doubted = checks
    .filter(({ result }) => result !== 'passed')
    .map(({ check, result }) => `${check}: ${result}`)
  const told = reasons.map(({ field, code }) => (field ? `${field}: ${code}` : code))
  return [...doubted, ...told].join(', ') || 'left to a person'
}

async function describeVerifications(app: App) {
  return (await listVerifications(app)).map((verification) => ({
    id: verification.id,
    what: verification.kind,
    since: verification.createdAt,
    customer: verification.customerId,
    amount: null,
    received: null,
    why: describeChecks(verification),
    until: verification.expiresAt,
  }))
}
