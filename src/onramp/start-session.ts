import type { App } from '../app.ts'
import type { IntegrationSettings } from '../common/integration.ts'
import { randomText } from '../kernel/ids.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { fail } from '../server/errors.ts'
import { getPersonalSealed } from '../users/customer-store.ts'
import { openCustomerData } from '../users/personal-data.ts'
import { giveInstructions } from './bank-instructions.ts'
import { type Payment, paymentCoin } from './payment.ts'
import { beginChanges, setFields, writeChanges } from './payment-changes.ts'
import { lockPayments } from './payment-store.ts'
import { gatewayUrl } from './payment-wire.ts'
import { readSettings } from './receive.ts'
import { insertSession, isLive, loadSessions, type Session } from './session-store.ts'
import { takerOf } from './session-taker.ts'

/** An answer of the provider that was lost is asked for after this. */
const RESUME_MS = 30_000
/** How long its notification is waited for before the provider is asked. */
const ASK_MS = 120_000

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'providers' | 'pricing' | 'log'>

/** What a provider needs to know of a payment. */
interface SessionOrder {
  session: Session
  payment: Payment
  merchantName: string
  customerName: string | null
  customerEmail: string | null
  language: string | null
}

/**
 * Takes the customer to the provider of the payment's method: the session that is open already, or a new one. Its row
 * is written before the provider is called, under a key of its own: a crash in between is resumed by asking for the
 * same key again. From the first session on the wallet is frozen.
 */
export async function startSession(app: Needs, paymentId: string): Promise<{ url: string }> {
  const order = await recordSession(app, paymentId)
  if (order.session.url !== null) return { url: order.session.url }
  try {
    const made = await callProvider(app, order)
    return await recordUrl(app, order.session, made)
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    await recordFailure(app, order.session, error)
    app.log.warn({ err: error, paymentId }, 'A provider did not begin a session.')
    return fail('error_payment_creation', 'The payment provider did not answer as it should. Try again.')
  }
}

function recordSession(app: Needs, paymentId: string): Promise<SessionOrder> {
  const changes = beginChanges(app)
  return app.db.transaction().execute(async (trx) => {
    const payment = (await lockPayments(trx, [paymentId])).get(paymentId)
    if (!payment) fail('payment_not_found', 'There is no such payment.')
    const over = payment.state !== 'started' || payment.dueAt === null || payment.dueAt <= changes.now
    if (over || payment.wallet === null) fail('action_not_allowed', 'It is not the time to pay.')
    const sessions = await loadSessions(trx, [paymentId])
    const live = sessions.find((one) => isLive(one) && one.paymentType === payment.paymentType)
    if (!live && payment.priceExpiresAt && payment.priceExpiresAt <= changes.now) {
      fail('quote_expired', 'The price has expired. Accept the new one first.')
    }
    if (!live) refuseUnavailable(app, payment)
    if (payment.paymentType === 'psd2' && !(await giveInstructions(trx, changes, payment))) {
      fail('method_not_allowed', 'There is no account to pay to.')
    }
    const session = live ?? newSession(app, payment, changes.now)
    if (!live) {
      await insertSession(trx, session)
      setFields(changes, payment, { walletFrozen: true })
    }
    await writeChanges(trx, changes)
    const settings = (await readSettings(trx, [payment.integrationId])).get(payment.integrationId)!
    const sealed = await getPersonalSealed(trx, payment.integrationId, payment.customerId)
    return orderOf(app, session, payment, settings, sealed)
  })
}

/** Nobody is asked to pay for coins that we can't deliver now. */
export function refuseUnavailable({ pricing }: Pick<App, 'pricing'>, payment: Payment): void {
  if (pricing.available(paymentCoin(payment), payment.coinUnits)) return
  fail('coin_unavailable', `We can't deliver that much ${payment.symbol} now. Try again later.`)
}

function newSession({ providers }: Needs, payment: Payment, now: Date): Session {
  const taker = takerOf(payment.paymentType)
  const provider = taker && providers[taker === 'open_banking' ? 'openBanking' : taker]
  if (!provider) fail('method_not_allowed', `${payment.paymentType} has no provider to pay at.`)
  return {
    id: randomText(25),
    integrationId: payment.integrationId,
    paymentId: payment.id,
    paymentType: payment.paymentType,
    provider: provider.name,
    providerRef: null,
    url: null,
    state: 'created',
    units: payment.fiatUnits,
    currency: payment.fiat,
    declines: 0,
    declineCode: null,
    returnedAt: null,
    chargedBackAt: null,
    disputeWonAt: null,
    dueAt: new Date(now.getTime() + RESUME_MS),
    leaseUntil: null,
    attempts: 0,
    createdAt: now,
    updatedAt: now,
  }
}

function orderOf(
  { secrets }: Needs,
  session: Session,
  payment: Payment,
  settings: IntegrationSettings,
  personalSealed: Buffer,
): SessionOrder {
  const person = payment.keyWrapped && openCustomerData(secrets, payment.keyWrapped, personalSealed)
  const name = person && [person.name, person.last_name].filter((part) => part !== null).join(' ')
  return {
    session,
    payment,
    merchantName: settings.brand.name,
    customerName: name || null,
    customerEmail: person?.email ?? null,
    language: payment.customerLanguage,
  }
}

/** Idempotent by the session's id: the same session again answers what it answered first. */
export function callProvider(app: Pick<App, 'providers' | 'config'>, order: SessionOrder) {
  const { session, payment, merchantName, customerEmail, customerName, language } = order
  const { card, openBanking, paypal, local } = app.providers
  const request = {
    idempotencyKey: session.id,
    reference: payment.id,
    units: session.units,
    currency: session.currency,
    description: `${payment.symbol} for ${merchantName}`,
    merchantName,
    returnUrl: gatewayUrl(app, payment.id),
    expiresAt: payment.expiresAt!,
    customerName,
    customerEmail,
    language,
  }
  const method = session.paymentType
  const taker = takerOf(method)
  if (taker === 'card') return card!.createSession(request)
  if (taker === 'paypal') return paypal!.createSession({ ...request, method })
  if (taker === 'local') return local!.createSession({ ...request, method })
  return openBanking!.createSession({
    ...request,
    creditor: { iban: payment.accountIban!, name: payment.account!.holderName },
    concept: String(payment.concept),
  })
}

/** The session may have been ended meanwhile: then its lane ends it at the provider too, and nobody is sent there. */
async function recordUrl(
  app: Needs,
  session: Session,
  made: { providerRef: string; url: string },
): Promise<{ url: string }> {
  const now = app.clock.now()
  const open = await app.db
    .updateTable('paymentSessions')
    .set({ ...made, state: 'open', dueAt: new Date(now.getTime() + ASK_MS), updatedAt: now })
    .where('id', '=', session.id)
    .where('state', '=', 'created')
    .executeTakeFirst()
  if (open.numUpdatedRows > 0n) return { url: made.url }
  const known = await app.db
    .updateTable('paymentSessions')
    .set((eb) => ({
      providerRef: eb.fn.coalesce('providerRef', eb.val(made.providerRef)),
      dueAt: now,
      updatedAt: now,
    }))
    .where('id', '=', session.id)
    .returning('state')
    .executeTakeFirst()
  // Another click of the same customer was faster, and got the same session.
  if (known?.state === 'open') return { url: made.url }
  return fail('action_not_allowed', 'The payment has ended or was paid meanwhile.')
}

/** `unknown`: it may exist; the next try, or the lane, asks for the same key again. Else there is none. */
async function recordFailure(app: Needs, session: Session, error: ProviderError): Promise<void> {
  if (error.outcome === 'unknown') return
  await app.db
    .updateTable('paymentSessions')
    .set({ state: 'failed', declineCode: error.code ?? null, dueAt: null, updatedAt: app.clock.now() })
    .where('id', '=', session.id)
    .where('state', '=', 'created')
    .execute()
}
