import { formatPrice } from '../money/rate.ts'
import { giveInstructions } from '../onramp/bank-instructions.ts'
import { cancel } from '../onramp/cancel-payment.ts'
import { quotePayment } from '../onramp/conversion.ts'
import { paymentCoin } from '../onramp/payment.ts'
import { moveState, setFields } from '../onramp/payment-changes.ts'
import { findPaymentById } from '../onramp/payment-store.ts'
import { priceLifetime } from '../onramp/price-lifetime.ts'
import { refuseUnavailable, startSession } from '../onramp/start-session.ts'
import { judgeWallet } from '../onramp/wallet-checks.ts'
import { Failure, fail } from '../server/errors.ts'
import { type Browser, changeAsOwner, findAllowed, type PageNeeds } from './payment-guard.ts'
import { refuseViewer } from './payment-owner.ts'
import { notFound } from './payment-scene.ts'

export async function setWallet(app: PageNeeds, browser: Browser, id: string, wallet: string): Promise<void> {
  const payment = await findAllowed(app, browser, id, 'set_wallet')
  const judged = await judgeWallet(app, payment.chain, wallet)
  judged.refuse()
  await changeAsOwner(app, browser, id, 'set_wallet', (_trx, changes, locked) =>
    setFields(changes, locked, { wallet: judged.address }),
  )
}

/** Takes the price that was offered when the former had run out: the price accepted is the price shown. */
export async function acceptPrice(
  app: PageNeeds,
  browser: Browser,
  id: string,
  offerId: string,
): Promise<void> {
  await changeAsOwner(app, browser, id, 'accept_price', (_trx, changes, payment) => {
    const { terms: offer, problem } = app.pricing.openQuote(offerId)
    if (problem === 'expired') fail('quote_expired', 'This price has run out, too. Look at the next one.')
    const fits =
      offer?.integrationId === payment.integrationId &&
      offer.side === 'buy' &&
      offer.paymentType === payment.paymentType &&
      offer.fiat === payment.fiat &&
      offer.coin === paymentCoin(payment).id &&
      offer.amountUnits === payment.fiatUnits
    if (!fits) {
      fail('invalid_field', 'offer_id is not an offer for this payment.', {
        errors: { offer_id: ['is not an offer for this payment'] },
      })
    }
    const quote = quotePayment(payment, payment.fiatUnits, offer.price)
    if (!quote) fail('min_purchase', 'The fees take all of the amount at this price.')
    const { paymentType, guided } = payment
    setFields(changes, payment, {
      price: formatPrice(offer.price),
      coinUnits: quote.coinUnits,
      feeUnits: quote.feeUnits,
      networkFeeUnits: quote.networkFeeUnits,
      ...priceLifetime({ paymentType, guided, fixedAt: changes.now, quotedAt: null }, app.config.durations),
    })
  })
}

/** Goes to pay: to the provider's page, or, for a transfer, to the instructions. Answers where the browser goes. */
export async function pay(app: PageNeeds, browser: Browser, id: string): Promise<string | null> {
  const payment = (await findPaymentById(app.db, id)) ?? notFound()
  refuseViewer(browser, payment)
  if (payment.paymentType !== 'transfer') return (await startSession(app, id)).url
  await changeAsOwner(app, browser, id, 'pay', async (trx, changes, locked) => {
    if (locked.paymentType !== 'transfer') fail('action_not_allowed', 'Another method was chosen meanwhile.')
    refuseUnavailable(app, locked)
    if (!(await giveInstructions(trx, changes, locked)))
      fail('method_not_allowed', 'There is no account to pay to.')
    setFields(changes, locked, { walletFrozen: true })
  })
  return null
}

export async function saySent(app: PageNeeds, browser: Browser, id: string): Promise<void> {
  await changeAsOwner(app, browser, id, 'say_sent', (_trx, changes, payment) =>
    moveState(changes, payment, 'announced'),
  )
}

export async function cancelByCustomer(app: PageNeeds, browser: Browser, id: string): Promise<void> {
  await findAllowed(app, browser, id, 'cancel')
  try {
    await cancel(app, id)
  } catch (error) {
    if (error instanceof Failure && error.code === 'payment_not_cancellable') {
      fail('action_not_allowed', error.message)
    }
    throw error
  }
}
