import { getAddress } from 'viem'
import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'
import { sha256 } from '../kernel/secrets.ts'
import { type Asset, chainName } from '../money/asset.ts'
import { heldUnits, type Payment, paymentFiat, standingRefund } from '../onramp/payment.ts'
import { MOST_DECLINES } from '../onramp/session-news.ts'
import { isLive } from '../onramp/session-store.ts'
import { maskWallet } from '../onramp/wallet.ts'
import { brandOf } from './brand.ts'
import { money } from './payment-amounts.ts'
import { deliveryOf } from './payment-delivery.ts'
import { listMethods } from './payment-methods.ts'
import { offerOf, priceView } from './payment-prices.ts'
import { hasPriceRunOut, type PaymentScene } from './payment-scene.ts'
import type { Language, PaymentAction, PaymentView, ProviderSession } from './wire.ts'

type Needs = Pick<App, 'config' | 'clock' | 'pricing' | 'providers'>

/** The page as this browser may see it: whoever only holds the payment's id sees masked data and may do nothing. */
export function paymentView(app: Needs, scene: PaymentScene, access: 'owner' | 'viewer'): PaymentView {
  const { payment, settings } = scene
  const now = app.clock.now()
  const owner = access === 'owner'
  const fiat = paymentFiat(payment)
  const refund = standingRefund(payment)
  return {
    version: scene.version,
    server_time: wireTime(now),
    environment: app.config.mode,
    brand: brandOf(settings),
    language: payment.customerLanguage as Language | null,
    payment_id: payment.id,
    access,
    status: payment.state,
    status_reason: payment.endReason ?? payment.reviewReason,
    allowed: owner ? allowedActions(scene, now) : [],
    created_at: wireTime(payment.createdAt),
    expires_at: payment.expiresAt && wireTime(payment.expiresAt),
    payment_type: payment.paymentType,
    method_fixed: !payment.guided,
    methods: owner && payment.state === 'started' ? listMethods(app, scene) : [],
    price: priceView(payment),
    new_price: hasPriceRunOut(scene, now) ? offerOf(app, scene) : null,
    wallet: walletView(payment, owner),
    session: sessionView(scene),
    bank_transfer: owner ? bankTransferView(payment, fiat) : null,
    received: receivedView(payment, fiat),
    delivery: deliveryOf(app, scene, owner),
    refund: refund && {
      state: refund.state,
      amount: money(BigInt(refund.units), fiat),
      reason: refund.reason,
      created_at: wireTime(new Date(refund.createdAt)),
    },
    callback_url: owner ? returnAddress(payment) : null,
    sandbox: owner && app.config.mode === 'sandbox' ? { wallet: sandboxWallet(payment.id) } : null,
  }
}

/** What the owner may do now. Every call checks the same list again under the payment's lock. */
export function allowedActions(scene: Pick<PaymentScene, 'payment' | 'session'>, now: Date): PaymentAction[] {
  const { payment } = scene
  if (payment.state === 'pending_bank') return ['hand_over']
  // Its time is over, and the lane that ends it is about to.
  if (payment.dueAt !== null && payment.dueAt <= now) return []
  if (payment.state !== 'started') return []
  const runOut = hasPriceRunOut(scene, now)
  const instructed = areInstructionsOut(payment)
  const untouched = payment.receivedUnits === 0n
  const when: [PaymentAction, boolean][] = [
    ['choose_method', payment.guided && untouched],
    ['set_wallet', !payment.walletFixed && !payment.walletFrozen],
    ['accept_price', runOut && untouched],
    ['pay', payment.wallet !== null && !runOut && !instructed],
    ['say_sent', instructed],
    ['cancel', true],
    ['hand_over', true],
  ]
  return when.filter(([, allowed]) => allowed).map(([action]) => action)
}

/** The customer chose to pay by transfer and was told where to. */
export const areInstructionsOut = (payment: Payment): boolean =>
  payment.paymentType === 'transfer' && payment.concept !== null && payment.walletFrozen

function walletView(payment: Payment, owner: boolean): PaymentView['wallet'] {
  const { wallet, walletFixed, chain } = payment
  return {
    address: wallet === null || owner ? wallet : maskWallet(wallet),
    fixed: walletFixed,
    chain,
    chain_name: chainName(chain),
    kind: 'evm',
  }
}

const SESSION_STATES = {
  created: 'open',
  open: 'open',
  pending: 'confirming',
  paid: 'paid',
  declined: 'declined',
  failed: 'failed',
  cancelled: 'abandoned',
  expired: 'abandoned',
} as const

/** A session that is open after a decline stands as declined: another card may be tried there. */
function sessionView({ session, payment }: PaymentScene): ProviderSession | null {
  if (!session) return null
  const declined = isLive(session) && session.declines > 0
  const waiting = isLive(session) && session.returnedAt !== null
  return {
    state: waiting ? 'confirming' : declined ? 'declined' : SESSION_STATES[session.state],
    decline_code: session.declineCode,
    tries_left: Math.max(0, MOST_DECLINES - payment.declines),
  }
}

function bankTransferView(payment: Payment, fiat: Asset): PaymentView['bank_transfer'] {
  const { account, accountIban, concept } = payment
  if (!areInstructionsOut(payment) || !account || accountIban === null || concept === null) return null
  return {
    holder: account.holderName,
    iban: accountIban,
    bic: account.bic,
    bank_name: account.bankName,
    amount: money(payment.fiatUnits, fiat),
    concept: String(concept),
  }
}

function receivedView(payment: Payment, fiat: Asset): PaymentView['received'] {
  if (payment.receivedUnits === 0n || !payment.receivedAt) return null
  const waits = payment.state === 'started' || payment.state === 'pending_bank'
  const missing = payment.fiatUnits - heldUnits(payment)
  return {
    total: money(payment.receivedUnits, fiat),
    missing: waits && missing > 0n ? money(missing, fiat) : null,
    at: wireTime(payment.receivedAt),
  }
}

function returnAddress({ callbackUrl, id, state }: Payment): string | null {
  if (callbackUrl === null) return null
  const url = new URL(callbackUrl)
  url.searchParams.set('payment_id', id)
  url.searchParams.set('status', state)
  return url.href
}

/** An address that nobody holds a key to, another one for each payment. */
const sandboxWallet = (paymentId: string): string =>
  getAddress(`0x${sha256(`sandbox-wallet:${paymentId}`).toString('hex').slice(0, 40)}`)
