import assert from 'node:assert/strict'
import { sql } from 'kysely'
import type { App } from '../../src/app.ts'
import { effectNeeds } from '../../src/app-effects.ts'
import type { IntegrationSettings } from '../../src/common/integration.ts'
import { endEffects } from '../../src/effects/end-effects.ts'
import { randomText } from '../../src/kernel/ids.ts'
import { sha256 } from '../../src/kernel/secrets.ts'
import { findAccountProblems } from '../../src/ledger/verify-accounts.ts'
import { startSession } from '../../src/onramp/start-session.ts'
import { payerIban, receiveTransfer } from '../../src/providers/bank/simulated/incoming.ts'
import { readCard } from '../../src/providers/card/simulated/card-rules.ts'
import { tryCard } from '../../src/providers/card/simulated/session.ts'
import { NOTHING_KNOWN, sealData } from '../../src/users/personal-data.ts'
import { type ApiAnswer, startTestApp, type TestApp } from './app.ts'
import { fundHotWallets, NO_CHAINS } from './hot-wallets.ts'

/** A customer's wallet with its checksum. */
export const WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'

export interface PaymentWorld extends TestApp {
  /** Runs the named lanes, again and again, until none of them finds work. */
  runLanes(...names: string[]): Promise<void>
  /** Everything that happens by itself but the dispatch of money. */
  settle(): Promise<void>
  advance(ms: number): Promise<void>
}

/** The program with funded hot wallets and prices, whose lanes run only when a test says so. */
export async function startPaymentWorld(env: Record<string, string> = {}): Promise<PaymentWorld> {
  const t = await startTestApp({ lanes: false, env: { ...NO_CHAINS, ...env } })
  await fundHotWallets(t.app)
  await t.app.pricing.prices.refresh()
  const runLanes = async (...names: string[]): Promise<void> => {
    const lanes = names.map((name) => {
      const lane = t.app.lanes.lanes.find((one) => one.name === name)
      assert.ok(lane, `there is a lane ${name}`)
      return lane
    })
    for (let rows = 1; rows > 0; ) {
      rows = 0
      for (const lane of lanes) rows += await lane.step()
    }
  }
  return {
    ...t,
    runLanes,
    settle: () =>
      runLanes(
        'simulated-card',
        'simulated-open-banking',
        'simulated-redirect',
        'simulated-bank',
        'simulated-callbacks',
        'provider-callbacks',
        'bank-lines',
        'payer-news',
        'payment-sessions',
        'payment-expiry',
      ),
    async advance(ms) {
      await t.app.moveClock(t.app.clock.offsetMs() + ms)
      await t.app.pricing.prices.refresh()
      await t.app.pricing.availability.refresh()
      // Tokens age with the clock.
      t.token = await t.authenticate('sandbox-key', 'sandbox-secret')
    },
  }
}

/** Registers a customer in the database alone; verified unless told. */
export async function addCustomer(
  { db, clock, secrets }: Pick<App, 'db' | 'clock' | 'secrets'>,
  options: {
    integrationId?: number
    name?: string
    lastName?: string
    kycStatus?: 'unused' | 'processing' | 'valid' | 'fail'
    kycLevel?: 'none' | 'basic' | 'reinforced'
    banned?: boolean
    country?: string
    /** Given at registration, for payouts in Latin America. */
    bankAccount?: string
    bankName?: string
  } = {},
): Promise<number> {
  const { integrationId = 1, name = 'Ana', lastName = 'Pérez García', kycStatus = 'valid' } = options
  const { country = 'ES', bankAccount = null, bankName = null } = options
  const key = secrets.newCustomerKey()
  const email = `${randomText(12)}@example.com`
  const data = {
    ...NOTHING_KNOWN,
    name,
    last_name: lastName,
    email,
    bank_account: bankAccount,
    bank_name: bankName,
  }
  const now = clock.now()
  const { id } = await db
    .insertInto('customers')
    .values({
      integrationId,
      uuid: sql<string>`gen_random_uuid()` as unknown as string,
      type: 'individual',
      keyWrapped: key,
      personalSealed: sealData(secrets, key, data),
      emailIndex: sha256(email),
      country,
      language: 'es',
      kycStatus,
      kycLevel: options.kycLevel ?? (kycStatus === 'valid' ? 'basic' : 'none'),
      kycReasons: '[]',
      kycUpdatedAt: now,
      bannedAt: options.banned ? now : null,
      createdAt: now,
      updatedAt: now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** The body of a guided payment that is right in every field. */
export const guidedBody = (userId: number, changes: Record<string, unknown> = {}) => ({
  user_id: userId,
  coin_symbol: 'USDC',
  coin_chain: 'polygon',
  fiat_amount: '150.50',
  wallet: WALLET,
  ...changes,
})

export async function createGuided(
  t: TestApp,
  userId: number,
  changes: Record<string, unknown> = {},
): Promise<string> {
  const { body } = await t.api('POST', '/api/createGuidedPayment', { body: guidedBody(userId, changes) })
  assert.equal(body.message, 'guided_payment_created', JSON.stringify(body))
  return body.data.payment_id
}

export const CARDS = {
  paid: '4242424242424242',
  declined: '4000000000000002',
  chargedBack: '4000000000000259',
  disputeWon: '4000000000001976',
} as const

/** Types a test card into the provider's page of the payment's open session. */
export async function useCard(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  paymentId: string,
  number: string = CARDS.paid,
): Promise<void> {
  const { providerRef } = await db
    .selectFrom('paymentSessions')
    .select('providerRef')
    .where('paymentId', '=', paymentId)
    .where('paymentType', '=', 'card')
    .orderBy('createdAt', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()
  const read = readCard({ number, expiry: '12/40', code: '123', name: 'ANA PEREZ' }, clock.now())
  assert.ok('card' in read, JSON.stringify(read))
  assert.ok(await tryCard(db, providerRef!, read.card!, clock.now()), 'the session takes the card')
}

/** A browser on a payment's page: keeps the owner's cookie. */
export interface Page {
  call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<ApiAnswer>
  /** The value of the last `Set-Cookie`. */
  cookie: string | null
}

export function openBrowser(t: TestApp, paymentId: string): Page {
  const page: Page = {
    cookie: null,
    async call(method, path, body) {
      const headers: Record<string, string> = { 'x-page': '1' }
      if (page.cookie) headers.cookie = page.cookie.split(';', 1)[0]!
      const options = method === 'GET' ? { headers } : { headers, body: body ?? {} }
      const answer = await t.api(method, `/hosted/payment/${paymentId}${path}`, { ...options, token: null })
      page.cookie = answer.headers.get('set-cookie') ?? page.cookie
      return answer
    },
  }
  return page
}

/** Opens the page of a payment as its owner. */
export async function openAsOwner(t: TestApp, paymentId: string): Promise<Page> {
  const page = openBrowser(t, paymentId)
  const { body } = await page.call('POST', '/open')
  assert.equal(body.data.access, 'owner', JSON.stringify(body))
  return page
}

/** The account of the first sandbox integration. */
export async function findIban({ db }: Pick<App, 'db'>): Promise<string> {
  const account = await db
    .selectFrom('bankAccounts')
    .select('iban')
    .where('integrationId', '=', 1)
    .executeTakeFirstOrThrow()
  return account.iban
}

/** Somebody sends money to an account of ours at the simulated bank, booked at once. */
export async function sendTransfer(
  { db, clock }: Pick<App, 'db' | 'clock'>,
  {
    iban,
    amount,
    concept,
    name = 'Ana Pérez García',
  }: { iban: string; amount: string; concept: string; name?: string },
): Promise<void> {
  const now = clock.now()
  const units = BigInt(amount.replace('.', ''))
  const fromIban = payerIban(name)
  const sent = await receiveTransfer(db, {
    iban,
    units,
    currency: 'EUR',
    fromName: name,
    fromIban,
    concept,
    dueAt: now,
    now,
  })
  assert.ok(sent, 'the bank has the account')
}

export const getPayment = async (t: TestApp, id: string): Promise<ApiAnswer['body']> =>
  (await t.api('GET', `/api/payment/${id}`)).body.data

/** Goes to pay by transfer and answers what the payer has to write. */
export async function takeInstructions(
  t: TestApp,
  paymentId: string,
): Promise<{ iban: string; concept: string }> {
  const page = await openAsOwner(t, paymentId)
  const { body } = await page.call('POST', '/pay')
  const { iban, concept } = body.data.view.bank_transfer
  return { iban, concept }
}

/** Goes to pay by card, and pays. */
export async function payCard(t: PaymentWorld, paymentId: string, number?: string): Promise<void> {
  await startSession(t.app, paymentId)
  await useCard(t.app, paymentId, number)
  await t.settle()
}

/** The payment's coins reach the chain's finality, or are given up, without a chain. */
export async function endCoins(
  t: PaymentWorld,
  paymentId: string,
  state: 'confirmed' | 'failed' | 'cancelled',
): Promise<void> {
  const needs = effectNeeds(t.app)
  const { id } = await t.app.db
    .selectFrom('effects')
    .select('id')
    .where('purpose', '=', `payment:${paymentId}:coins`)
    .executeTakeFirstOrThrow()
  await t.app.db.transaction().execute(async (trx) => {
    await sql`select from effects where id = ${id} for update`.execute(trx)
    const txid = state === 'confirmed' ? `0x${'ab'.repeat(32)}` : null
    const reason = state === 'confirmed' ? null : 'reverted on the chain'
    await endEffects(trx, needs, [{ id, state, txid, reason, gasUnits: null }])
  })
}

/** A worker has bound the coins to a nonce: from here on they may leave at any moment. */
export async function reserveCoins({ db }: Pick<App, 'db'>, paymentId: string): Promise<void> {
  await db
    .updateTable('effects')
    .set({ state: 'reserved' })
    .where('purpose', '=', `payment:${paymentId}:coins`)
    .where('state', '=', 'planned')
    .executeTakeFirstOrThrow()
}

/** Lets refunds go out and the providers tell what became of them. */
export async function settleRefunds(t: PaymentWorld): Promise<void> {
  for (let rounds = 0; rounds < 3; rounds += 1) {
    await t.runLanes('payouts')
    await t.advance(10_000)
    await t.settle()
  }
  await t.runLanes('payouts')
}

export const effectsOf = ({ db }: Pick<App, 'db'>, paymentId: string) =>
  db
    .selectFrom('effects')
    .select(['kind', 'purpose', 'units', 'state', 'door', 'asset'])
    .where('reference', '=', `payment:${paymentId}`)
    .orderBy('createdAt')
    .orderBy('purpose')
    .execute()

export const rowOf = ({ db }: Pick<App, 'db'>, paymentId: string) =>
  db.selectFrom('payments').selectAll().where('id', '=', paymentId).executeTakeFirstOrThrow()

/** The types of the events written for a payment, in order. */
export async function eventsOf({ db }: Pick<App, 'db'>, paymentId: string): Promise<string[]> {
  const { rows } = await sql<{ type: string }>`
    select type from events where stream = ${`payment:${paymentId}`} order by position`.execute(db)
  return rows.map(({ type }) => type)
}

/** Changes the settings of the first sandbox integration. */
export async function setSettings(
  t: TestApp,
  change: (settings: IntegrationSettings) => IntegrationSettings,
): Promise<void> {
  const { settings } = await t.app.db
    .selectFrom('integrations')
    .select('settings')
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
  await t.app.db
    .updateTable('integrations')
    .set({ settings: JSON.stringify(change(settings)) })
    .where('id', '=', 1)
    .execute()
  t.app.authenticator.forget()
}

/** What must hold of the books whatever happened: what `ledger verify` proves, and the payment providers' accounts. */
export async function checkBooks({ db }: Pick<App, 'db'>): Promise<void> {
  assert.deepEqual(await db.transaction().execute(findAccountProblems), [])
  const { rows } = await sql<Record<string, unknown>>`
    select payments.id, payments.state, coins.state as coins_state
      from payments join effects coins on coins.purpose = 'payment:' || payments.id || ':coins'
     where (coins.state in ('planned', 'reserved') and payments.state not in ('payment_received', 'in_review'))
        or (coins.state = 'confirmed' and payments.state <> 'coins_sent')
        or (coins.state <> 'confirmed' and payments.state = 'coins_sent')`.execute(db)
  assert.deepEqual(rows, [], 'coins and payments say the same')
  const takers = await sql<Record<string, unknown>>`
    with moves (asset, booked, should) as (
      select asset, units, 0 from postings where account ~ '^(card|paypal|local):'
      union all
      select currency, 0, units from payment_sessions where state = 'paid' and payment_type <> 'psd2'
      union all
      select asset, 0, -units from effects where kind = 'card_refund' and state <> 'cancelled'
      union all
      select fiat, 0, -(chargeback->>'units')::numeric from payments
       where chargeback is not null and coalesce(chargeback->>'state', '') <> 'won'
         -- The bank takes its own money back, from the account.
         and chargeback->>'reason' <> 'reversed_by_bank'
    )
    select asset, sum(booked) as booked, sum(should) as should from moves
     group by asset having sum(booked) <> sum(should)`.execute(db)
  assert.deepEqual(takers.rows, [], 'the providers’ accounts are what came less what went back')
}
