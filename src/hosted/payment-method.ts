import type { IntegrationSettings } from '../common/integration.ts'
import { lockCustomer, refuseOverLimits } from '../onramp/customer-checks.ts'
import { endSessions } from '../onramp/end-sessions.ts'
import { offerOnboarding } from '../onramp/offer-onboarding.ts'
import { type Payment, paymentFiat } from '../onramp/payment.ts'
import {
  beginChanges,
  type PaymentChanges,
  setFields,
  wakeAfter,
  writeChanges,
} from '../onramp/payment-changes.ts'
import { lifetimeMs } from '../onramp/payment-states.ts'
import { lockPayments } from '../onramp/payment-store.ts'
import { gatewayUrl } from '../onramp/payment-wire.ts'
import { priceLifetime } from '../onramp/price-lifetime.ts'
import { refuseBounds } from '../onramp/price-order.ts'
import { readSettings } from '../onramp/receive.ts'
import { cancelBegunSessions, loadSessions } from '../onramp/session-store.ts'
import { isServed } from '../pricing/payment-methods.ts'
import { findTerms, type Terms } from '../pricing/terms.ts'
import { fail } from '../server/errors.ts'
import { type Browser, findAllowed, latestSession, type PageNeeds, refuseAction } from './payment-guard.ts'
import { quoteBy, termsBy } from './payment-methods.ts'
import { refuseViewer } from './payment-owner.ts'

/** Another method: other fees at the same price. What was begun with the former provider is ended first. */
export async function chooseMethod(
  app: PageNeeds,
  browser: Browser,
  id: string,
  paymentType: string,
): Promise<void> {
  const before = await findAllowed(app, browser, id, 'choose_method')
  if (before.paymentType === paymentType) return
  const customer = { integrationId: before.integrationId, id: before.customerId }
  await offerOnboarding(app, customer, () => changeMethod(app, browser, before, paymentType), {
    fallback: gatewayUrl(app, id),
  })
}

async function changeMethod(
  app: PageNeeds,
  browser: Browser,
  before: Payment,
  paymentType: string,
): Promise<void> {
  const { id } = before
  if ((await endSessions(app, [id])).size > 0) {
    fail('action_not_allowed', 'The payment provider does not answer. Try again in a moment.')
  }
  const changes = beginChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const { integrationId, customerId } = before
    const customer = await lockCustomer(trx, {
      integration: { id: integrationId },
      customerId,
      externalId: null,
    })
    const payment = (await lockPayments(trx, [id])).get(id)!
    refuseViewer(browser, payment)
    refuseAction(payment, latestSession(await loadSessions(trx, [id]), payment), 'choose_method', changes.now)
    const settings = (await readSettings(trx, [integrationId])).get(integrationId)!
    const terms = allowedTerms(app, settings, payment, paymentType)
    if (customer?.bannedAt) fail('user_banned', 'This customer is banned.')
    const level = customer?.kycLevel
    if (!level || level === 'none') fail('method_not_allowed', 'The customer is not verified.')
    const { limitUnits } = payment
    await refuseOverLimits(
      app,
      trx,
      { integration: { id: integrationId, settings }, customerId, paymentType, level, limitUnits },
      id,
    )
    applyMethod(app, changes, payment, terms)
    await cancelBegunSessions(trx, [id], changes.now)
    await writeChanges(trx, changes)
  })
  wakeAfter(app, changes)
}

function allowedTerms(app: PageNeeds, settings: IntegrationSettings, payment: Payment, paymentType: string) {
  const fiat = paymentFiat(payment)
  const terms = findTerms(settings, paymentType, fiat)
  if (!terms?.method.guided || !isServed(app.config, terms.method.type)) {
    fail('method_not_allowed', `${paymentType} can't be used for this payment.`)
  }
  refuseBounds(terms, fiat, payment.fiatUnits)
  return terms
}

function applyMethod(app: PageNeeds, changes: PaymentChanges, payment: Payment, terms: Terms): void {
  const quote = quoteBy(payment, terms)
  if (!quote) fail('min_purchase', 'The fees of this method take all of the amount.')
  const { durations } = app.config
  const paymentType = terms.method.type
  const repriced = payment.priceFixedAt !== null && payment.priceFixedAt > payment.createdAt
  const fixedAt = payment.priceFixedAt ?? payment.createdAt
  const quotedAt = payment.quoteId !== null && !repriced ? payment.createdAt : null
  // Going to and fro doesn't make a payment wait for ever: never longer than a transfer's time in all.
  const longestMs = payment.createdAt.getTime() + durations.transferStartedLifetimeMs
  const deadlineMs = changes.now.getTime() + lifetimeMs('started', paymentType, durations)!
  const deadline = new Date(Math.min(longestMs, deadlineMs))
  setFields(changes, payment, {
    paymentType,
    terms: termsBy(payment, terms),
    coinUnits: quote.coinUnits,
    feeUnits: quote.feeUnits,
    networkFeeUnits: quote.networkFeeUnits,
    ...priceLifetime({ paymentType, guided: payment.guided, fixedAt, quotedAt }, durations),
    expiresAt: deadline,
    dueAt: deadline,
  })
}
