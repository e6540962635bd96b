import { sql } from 'kysely'
import type { App } from '../app.ts'
import type { Trx } from '../db/database.ts'
import type { Lane } from '../kernel/lanes.ts'
import { EXPIRY_LANE } from '../onramp/expiry-lane.ts'
import {
  findNamelessRefunds,
  isUnordered,
  lockNamelessRefunds,
  type NamelessRefund,
  namePayee,
} from '../onramp/name-payee.ts'
import type { Payment } from '../onramp/payment.ts'
import {
  beginChanges,
  type PaymentChanges,
  setFields,
  wakeAfter,
  writeChanges,
} from '../onramp/payment-changes.ts'
import { lockCoins } from '../onramp/payment-effects.ts'
import { lockPayments } from '../onramp/payment-store.ts'
import { openHolder, sealHolder } from '../onramp/payment-wire.ts'
import { type Counterparty, openCounterparty } from '../onramp/refund-sources.ts'
import { releaseNamed, waitsForPayer } from '../onramp/release-named.ts'
import { rememberPayers } from './book-match.ts'
import { completeCounterparty, PAYER_NEWS_LANE } from './complete-payers.ts'
import { findCustomerNames } from './customer-names.ts'
import { goBack } from './reopen-payment.ts'
import { isNamed } from './same-payer.ts'
import { isSamePerson } from './same-person.ts'

const AT_ONCE = 50
const LEASE_MS = 60_000
/** A refund that is just being refused for want of an account, or a price that is not there, is looked for again then. */
const AGAIN_MS = 5_000

type Needs = Pick<App, 'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'wake' | 'log' | 'pageNews'>

interface News {
  iban: string
  transactionId: string
  integrationId: number
  paymentId: string
}

/**
 * Tells payments who paid them, when that was learned after they had the money (`completePayers`): the holder is named,
 * the customer is known by the account, a refund without an account gets it, and a payment that nothing but its
 * unnamed payer kept before a person goes on if it is the customer.
 */
export function payerNewsLane(app: Needs): Lane {
  return {
    name: PAYER_NEWS_LANE,
    async step() {
      const news = await claimNews(app)
      for (const one of news) await tellPayment(app, one)
      return news.length
    },
    async nextDue() {
      const row = await app.db
        .selectFrom('payerNews')
        .select('dueAt')
        .orderBy('dueAt')
        .limit(1)
        .executeTakeFirst()
      return row?.dueAt ?? null
    },
  }
}

async function claimNews({ db, clock }: Needs): Promise<News[]> {
  const { rows } = await sql<News>`
    update payer_news set lease_until = clock_timestamp() + ${LEASE_MS} * interval '1 millisecond'
     where (iban, transaction_id, integration_id, payment_id) in (
           select iban, transaction_id, integration_id, payment_id from payer_news
            where due_at <= ${clock.now()} and (lease_until is null or lease_until < clock_timestamp())
            order by due_at limit ${AT_ONCE} for update skip locked)
    returning iban, transaction_id, integration_id, payment_id`.execute(db)
  return rows
}

async function tellPayment(app: Needs, news: News): Promise<void> {
  const changes = beginChanges(app)
  await app.db.transaction().execute(async (trx) => {
    const coins = await lockCoins(trx, news.paymentId)
    const refunds = await lockNamelessRefunds(trx, app, news)
    const payment = (await lockPayments(trx, [news.paymentId])).get(news.paymentId)
    const line = await lockLine(trx, news)
    // Its match was undone, or another process was faster.
    if (!payment || !line) return
    const payer = openCounterparty(app.secrets, line.counterpartySealed)
    if (line.learnedAccount) await rememberPayers(trx, [{ line, payment }], changes.now)
    await nameHolder(app, trx, changes, { payment, news, payer })
    const isOrdered = await orderRefunds(app, trx, changes, { payment, news, payer, refunds })
    const isDecided =
      !line.learnedName ||
      !waitsForPayer(payment, coins) ||
      !(await isPaidByCustomer(app, trx, payment)) ||
      (await releaseNamed(app, trx, changes, payment, () => goBack(trx, changes, payment)))
    await writeChanges(trx, changes)
    if (isOrdered && isDecided) await forget(trx, news)
    else await putOff(trx, news, new Date(changes.now.getTime() + AGAIN_MS))
  })
  wakeAfter(app, changes)
  app.wake('payouts', EXPIRY_LANE)
}

interface Line {
  counterpartySealed: Buffer
  payerIndex: Buffer | null
  learnedName: boolean
  learnedAccount: boolean
}

/** The line under lock, if its news is still to be told. */
async function lockLine(
  trx: Trx,
  { iban, transactionId, integrationId, paymentId }: News,
): Promise<Line | undefined> {
  await sql`
    select from bank_transactions where iban = ${iban} and id = ${transactionId} for update`.execute(trx)
  const { rows } = await sql<Line>`
    select t.counterparty_sealed, t.payer_index, n.learned_name, n.learned_account
      from payer_news n join bank_transactions t on t.iban = n.iban and t.id = n.transaction_id
     where n.iban = ${iban} and n.transaction_id = ${transactionId}
       and n.integration_id = ${integrationId} and n.payment_id = ${paymentId} for update of n`.execute(trx)
  return rows[0]
}

interface Told {
  payment: Payment
  news: News
  payer: Counterparty
}

/** Whoever sent the payment's first line holds the account, unless a provider has told who paid. */
async function nameHolder(
  app: Needs,
  trx: Trx,
  changes: PaymentChanges,
  { payment, news, payer }: Told,
): Promise<void> {
  const holder = openHolder(app.secrets, payment)
  if (!holder || holder.card_last4 !== null) return
  if (isNamed(holder.name) && holder.name !== payer.name) return
  const whole = completeCounterparty(holder, payer)
  const [first] = await findLines(trx, payment)
  if (!whole || first?.iban !== news.iban || first.id !== news.transactionId) return
  const named = { ...whole, card_last4: null }
  setFields(changes, payment, { holderSealed: sealHolder(app.secrets, payment.keyWrapped, named) })
}

/** Answers false while a refund that has no account can't be given it, as it was planned or tried just now. */
async function orderRefunds(
  app: Needs,
  trx: Trx,
  changes: PaymentChanges,
  { payment, news, payer, refunds }: Told & { refunds: readonly NamelessRefund[] },
): Promise<boolean> {
  const { name, iban } = payer
  if (iban === null) return true
  const unordered = refunds.filter(isUnordered)
  if (unordered.length > 0)
    await namePayee(app, trx, changes, payment, { refunds: unordered, payee: { name, iban } })
  return (await findNamelessRefunds(trx, app, news)).length === 0
}

/** Whether each line that the payment has its money from was sent by its customer, as far as the names tell. */
async function isPaidByCustomer(app: Needs, trx: Trx, payment: Payment): Promise<boolean> {
  const customer = (await findCustomerNames(trx, app, [payment])).get(payment.id) ?? null
  if (customer === null) return false
  const lines = await findLines(trx, payment)
  return lines.every(({ counterpartySealed }) =>
    isSamePerson(customer, openCounterparty(app.secrets, counterpartySealed).name),
  )
}

interface PaymentLine {
  iban: string
  id: string
  counterpartySealed: Buffer
}

/** What the payment has its money from, the first first. */
async function findLines(trx: Trx, { integrationId, id }: Payment): Promise<PaymentLine[]> {
  const { rows } = await sql<PaymentLine>`
    select t.iban, t.id, t.counterparty_sealed
      from bank_matches m join bank_transactions t on t.iban = m.iban and t.id = m.transaction_id
     where m.payment_id = ${id} and m.integration_id = ${integrationId} and m.units > 0
     order by m.created_at, m.booked_at`.execute(trx)
  return rows
}

async function forget(trx: Trx, { iban, transactionId, integrationId, paymentId }: News): Promise<void> {
  await trx
    .deleteFrom('payerNews')
    .where('iban', '=', iban)
    .where('transactionId', '=', transactionId)
    .where('integrationId', '=', integrationId)
    .where('paymentId', '=', paymentId)
    .execute()
}

/** What was done of it is not done again. */
async function putOff(
  trx: Trx,
  { iban, transactionId, integrationId, paymentId }: News,
  dueAt: Date,
): Promise<void> {
  await trx
    .updateTable('payerNews')
    .set({ learnedAccount: false, dueAt, leaseUntil: null })
    .where('iban', '=', iban)
    .where('transactionId', '=', transactionId)
    .where('integrationId', '=', integrationId)
    .where('paymentId', '=', paymentId)
    .execute()
}
