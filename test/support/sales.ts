import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, afterEach } from 'node:test'
import { sql } from 'kysely'
import { getAddress } from 'viem'
import type { App } from '../../src/app.ts'
import { effectNeeds } from '../../src/app-effects.ts'
import { endEffects } from '../../src/effects/end-effects.ts'
import { randomText } from '../../src/kernel/ids.ts'
import { sha256 } from '../../src/kernel/secrets.ts'
import { findAccountProblems } from '../../src/ledger/verify-accounts.ts'
import { amountOf } from '../../src/money/amount.ts'
import { assetOf } from '../../src/money/asset.ts'
import { formatPrice } from '../../src/money/rate.ts'
import type { Payee, Sale } from '../../src/offramp/sale.ts'
import { findSaleById, insertSale } from '../../src/offramp/sale-store.ts'
import { sealPayee } from '../../src/offramp/sale-wire.ts'
import { payerIban } from '../../src/providers/bank/simulated/incoming.ts'
import type { ApiAnswer } from './app.ts'
import { addCustomer, type PaymentWorld, startPaymentWorld } from './payments.ts'

/** Where a customer wants coins to go back to. */
export const REFUND_WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'
export const STRANGER = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359'

/** The program with prices, funded hot wallets and bank accounts with money on them; lanes run when a test says so. */
export async function startSaleWorld(env: Record<string, string> = {}): Promise<PaymentWorld> {
  const t = await startPaymentWorld(env)
  await readChains(t, new Date(Date.UTC(2200, 0)))
  return t
}

/** The world of all tests of one file: its books are checked after each test, and after all it is stopped. */
export async function shareSaleWorld(): Promise<PaymentWorld> {
  const t = await startSaleWorld()
  after(() => t.stop())
  afterEach(() => checkSaleBooks(t.app))
  return t
}

/** The chains were read up to a time, as a watcher of them would write it; null: they are behind. */
export async function readChains({ app }: Pick<PaymentWorld, 'app'>, until: Date | null): Promise<void> {
  await sql`
    insert into chain_scans (chain, epoch, height, hash, read_until, updated_at)
    select chain, epoch, 0, genesis_hash, ${until}, ${app.clock.now()} from chains
    on conflict (chain) do update set read_until = excluded.read_until`.execute(app.db)
}

export interface NewSale {
  coin?: string
  amount?: string
  refundWallet?: string | null
  externalId?: string | null
  customerId?: number
  fiat?: string
  payee?: Payee
  /** How long the quote's price holds; null: there was no quote. */
  priceHoldsMs?: number | null
  /** The price of the quote; the current one unless told. */
  price?: string
}

/** A sale as creation leaves it. */
export async function addSale(t: PaymentWorld, options: NewSale = {}): Promise<Sale> {
  const { app } = t
  const {
    coin = 'polygon:USDC',
    amount = '100',
    refundWallet = REFUND_WALLET,
    priceHoldsMs = 60_000,
    fiat = 'EUR',
    payee = { kind: 'iban', iban: payerIban('Ana Pérez'), name: 'Ana Pérez' },
  } = options
  const asset = assetOf(coin)
  const now = app.clock.now()
  const customerId = options.customerId ?? (await addCustomer(app))
  const customer = await app.db
    .selectFrom('customers')
    .select('keyWrapped')
    .where('id', '=', customerId)
    .executeTakeFirstOrThrow()
  const address = getAddress(`0x${randomBytes(20).toString('hex')}`)
  const price = options.price ?? formatPrice(app.pricing.price(asset, assetOf(fiat))!.price)
  const deadline = new Date(now.getTime() + app.config.durations.saleDepositWindowMs)
  const id = randomText(25)
  await app.db.transaction().execute(async (trx) => {
    const wallet = { chain: asset.chain!, address, keyRef: `m/${id}`, role: 'deposit' as const, epoch: 1 }
    await trx.insertInto('wallets').values(wallet).execute()
    await insertSale(trx, {
      integrationId: 1,
      id,
      customerId,
      externalId: options.externalId ?? null,
      liveExternalId: options.externalId ?? null,
      requestHash: sha256(id),
      state: 'started',
      chain: asset.chain!,
      symbol: asset.symbol,
      askedUnits: amountOf(amount, asset),
      fiat,
      fiatUnits: 1n,
      feeUnits: 0n,
      price,
      priceFixedAt: priceHoldsMs === null ? null : now,
      priceExpiresAt: priceHoldsMs === null ? null : new Date(now.getTime() + priceHoldsMs),
      terms: JSON.stringify({ percent: '1.00', fixedUnits: '0', spread: '0.50' }),
      quoteId: null,
      address,
      refundWallet,
      payeeSealed: sealPayee(app.secrets, customer.keyWrapped!, payee),
      expiresAt: deadline,
      dueAt: deadline,
      createdAt: now,
      updatedAt: now,
    })
  })
  return getSale(app, id)
}

export async function getSale({ db }: Pick<App, 'db'>, id: string): Promise<Sale> {
  const sale = await findSaleById(db, id)
  assert.ok(sale)
  return sale
}

let heights = 100

/** Coins arrive on the sale's address and are final, as the watcher writes them. */
export async function addDeposit(
  { app }: PaymentWorld,
  sale: Sale,
  {
    amount = '100',
    coin = `${sale.chain}:${sale.symbol}`,
    from = STRANGER,
    state = 'final' as 'seen' | 'final',
    firstSeenAt = app.clock.now(),
  } = {},
): Promise<string> {
  const now = app.clock.now()
  const id = randomText(25)
  heights += 1
  await app.db
    .insertInto('deposits')
    .values({
      integrationId: sale.integrationId,
      id,
      saleId: sale.id,
      chain: sale.chain,
      epoch: 1,
      address: sale.address,
      asset: coin,
      units: amountOf(amount, assetOf(coin)),
      fromAddress: from,
      txHash: `0x${randomBytes(32).toString('hex')}`,
      ordinal: 0,
      blockHeight: heights,
      blockHash: `0x${randomBytes(32).toString('hex')}`,
      state,
      outcome: null,
      settledAt: null,
      firstSeenAt,
      finalAt: state === 'final' ? now : null,
      updatedAt: now,
    })
    .execute()
  return id
}

export const SALE_LANES = ['sale-deposits', 'sale-conversions', 'sale-deadlines'] as const

/** Coins arrive and are worked off; answers the sale as it is then. */
export async function deposit(
  t: PaymentWorld,
  sale: Sale,
  options: Parameters<typeof addDeposit>[2] = {},
): Promise<Sale> {
  await addDeposit(t, sale, options)
  await t.runLanes('sale-deposits')
  return getSale(t.app, sale.id)
}

/** Whom the bank pays. */
export const SOUND_PAYEE: Payee = { kind: 'iban', iban: payerIban('Ana again'), name: 'Ana Pérez' }

/** A sale whose coins are converted and whose payout is ordered. */
export const orderPayout = async (t: PaymentWorld, payee: Payee): Promise<Sale> =>
  deposit(t, await addSale(t, { price: '0.900000', payee }))

/** The order by which a sale is paid out, the first time or again. */
export const payoutOf = ({ db }: Pick<App, 'db'>, { id }: Sale, round = 1) =>
  db
    .selectFrom('effects')
    .selectAll()
    .where('purpose', '=', `sale:${id}:payout:${round}`)
    .executeTakeFirstOrThrow()

/** What the integration reads of a sale. */
export const showSale = async (t: PaymentWorld, id: string): Promise<ApiAnswer['body']> =>
  (await t.api('GET', `/api/getRampoff?id=${id}`)).body.data

/** The bank works off what it was told, and tells of it. */
export async function settleBank(t: PaymentWorld, rounds = 3): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await t.runLanes('payouts')
    await t.advance(10_000)
    await t.settle()
  }
  await t.runLanes('payouts')
}

export const saleEffects = ({ db }: Pick<App, 'db'>, saleId: string) =>
  db
    .selectFrom('effects')
    .select(['id', 'kind', 'purpose', 'units', 'state', 'door', 'asset'])
    .where('reference', '=', `sale:${saleId}`)
    .orderBy('createdAt')
    .orderBy('purpose')
    .execute()

/** Effects of the sale reach their end, without a chain or a bank. */
export async function endSaleEffects(
  t: PaymentWorld,
  saleId: string,
  kind: 'coin_transfer' | 'bank_transfer',
  state: 'confirmed' | 'failed' | 'cancelled',
): Promise<number> {
  const needs = effectNeeds(t.app)
  return t.app.db.transaction().execute(async (trx) => {
    const open = await trx
      .selectFrom('effects')
      .select('id')
      .where('reference', '=', `sale:${saleId}`)
      .where('kind', '=', kind)
      .where('state', 'in', state === 'cancelled' ? ['planned', 'failed'] : ['planned'])
      .orderBy('id')
      .forUpdate()
      .execute()
    const txid = state === 'confirmed' ? `0x${'ab'.repeat(32)}` : null
    const reason = state === 'confirmed' ? null : `${state} by a test`
    await endEffects(
      trx,
      needs,
      open.map(({ id }) => ({ id, state, txid, reason, gasUnits: null })),
    )
    return open.length
  })
}

/** The types of the events written for a sale, in order. */
export async function saleEvents({ db }: Pick<App, 'db'>, saleId: string): Promise<string[]> {
  const { rows } = await sql<{ type: string }>`
    select type from events where stream = ${`rampoff:${saleId}`} order by position`.execute(db)
  return rows.map(({ type }) => type)
}

/** What must hold of the books whatever happened. */
export async function checkSaleBooks({ db }: Pick<App, 'db'>): Promise<void> {
  assert.deepEqual(await db.transaction().execute(findAccountProblems), [])
  const { rows } = await sql<Record<string, unknown>>`
    select reference, count(*) as live from effects
     where reference like 'sale:%' and kind = 'bank_transfer' and state not in ('confirmed', 'failed', 'cancelled')
     group by reference having count(*) > 1`.execute(db)
  assert.deepEqual(rows, [], 'at most one payout of a sale is on its way')
}
