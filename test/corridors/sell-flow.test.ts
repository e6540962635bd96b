import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { verifyLedger } from '../../src/app-ledger.ts'
import { formatAmount } from '../../src/money/amount.ts'
import { assetOf } from '../../src/money/asset.ts'
import { paySaleAgain, returnSale } from '../../src/offramp/review-sale.ts'
import { MAGIC_PAYEES } from '../../src/providers/bank/simulated/magic.ts'
import { eventually } from '../support/app.ts'
import { type Corridor, openCorridor, type PaymentObject } from './corridor.ts'

const IBAN = 'ES9121000418450200051332'
const CHANGE = { who: 'ana', why: 'a corridor' }

describe('the sell flow', () => {
  let corridor: Corridor
  before(async () => {
    corridor = await openCorridor()
    const { company, receiver } = corridor
    for (const type of [
      'CRYPTO_RECEIVED',
      'TRANSFER_RAMPOFF_FINISHED',
      'RAMPOFF_REFUNDED',
      'RAMPOFF_IN_REVIEW',
    ])
      await company.call('POST', '/api/subscribeToWebhook', { type, url: receiver.url })
  })
  after(() => corridor.stop())

  const sale = (id: string) => corridor.company.call<PaymentObject>('GET', '/api/getRampoff', { id })

  const reaches = (id: string, ...states: string[]) =>
    eventually(
      `sale ${id} to be ${states.join(' or ')}`,
      async () => {
        const found = await sale(id)
        return states.includes(found.status) && found
      },
      30_000,
    )

  async function create(
    fields: Record<string, unknown> = {},
  ): Promise<{ id: string; wallet: string; refund: string }> {
    const refund = corridor.newWallet()
    const user = await corridor.verifiedCustomer()
    const made = await corridor.company.call<{ id: string; wallet: string }>('POST', '/api/createRampoff', {
      user_id: user,
      amount: '100',
      symbol: 'USDC',
      blockchain: 'polygon',
      iban: IBAN,
      refund_wallet: refund,
      ...fields,
    })
    return { ...made, refund }
  }

  const send = (id: string, fields: Record<string, unknown> = {}) =>
    corridor.company.call<{ txid: string }>('POST', '/api/sandbox/chain/deposit', {
      rampoff_id: id,
      ...fields,
    })

  const received = (id: string, units: string) =>
    eventually('the coins to be counted', async () => (await sale(id)).received_amount === units, 30_000)

  it('quote → createRampoff → coins by a real transaction → CRYPTO_RECEIVED → the bank sends → finished', async () => {
    const { company, receiver } = corridor
    const quote = await company.call('GET', '/api/rampoff/quote', { amount: '100', symbol: 'USDC' })
    const { id, wallet } = await create({ quote_id: quote.quote_id, external_id: 'sell-001' })
    assert.equal((await sale(id)).status, 'started')
    const { txid } = await send(id)
    const got = await receiver.waitFor('CRYPTO_RECEIVED', (event) => event.data.id === id)
    const paid = await receiver.waitFor('TRANSFER_RAMPOFF_FINISHED', (event) => event.data.id === id)
    assert.ok(got.signatureIsValid && paid.signatureIsValid && got.sequence < paid.sequence)
    const done = await sale(id)
    assert.deepEqual(
      [done.status, done.fiat_amount, done.received_amount, done.decimals, done.txid, done.wallet],
      ['finished', quote.fiat_amount, '100000000', 6, txid, wallet],
    )
    assert.deepEqual([done.payout.state, done.payout.amount], ['confirmed', quote.fiat_amount])
  })

  it('native coins, and a chain whose USDC has 18 decimals', async () => {
    const pol = await create({ symbol: 'POL', amount: '400' })
    const usdc = await create({ blockchain: 'bsc', amount: '50' })
    await Promise.all([send(pol.id), send(usdc.id)])
    assert.equal((await reaches(pol.id, 'finished')).received_amount, '400000000000000000000')
    assert.equal((await reaches(usdc.id, 'finished')).received_amount, '50000000000000000000')
  })

  it('in two parts, and more than asked', async () => {
    const parts = await create()
    const more = await create()
    await Promise.all([send(parts.id, { amount: '60' }), send(more.id, { amount: '130' })])
    await received(parts.id, '60000000')
    assert.equal((await sale(parts.id)).status, 'started')
    await send(parts.id, { amount: '40' })
    assert.equal((await reaches(parts.id, 'finished')).received_amount, '100000000')
    assert.equal((await reaches(more.id, 'finished')).received_amount, '130000000')
  })

  it('the wrong coin goes back to refund_wallet on the chain; the right one is still sold', async () => {
    const { id, refund } = await create({ symbol: 'USDT' })
    await send(id, { symbol: 'USDC', amount: '25' })
    const back = await eventually(
      'the wrong coin to be back',
      async () => {
        const found = await sale(id)
        return found.refund?.state === 'confirmed' && found
      },
      30_000,
    )
    assert.deepEqual(
      [back.status, back.refund.crypto, back.refund.reason],
      ['started', 'USDC', 'wrong_asset'],
    )
    assert.equal(await corridor.usdcOf(refund as `0x${string}`), 25_000_000n)
    await send(id)
    await reaches(id, 'finished')
  })

  it('dust changes nothing; from a blocked address a person decides', async () => {
    const { id } = await create()
    await send(id, { symbol: 'POL', amount: '0.0001' })
    const blocked = await create()
    await send(blocked.id, { sender: 'blocked' })
    const held = await reaches(blocked.id, 'in_review')
    assert.deepEqual([held.received_amount, held.refund], ['0', null])
    await returnSale(corridor.test.app, blocked.id, { ...CHANGE, wallet: null })
    await reaches(blocked.id, 'refunded')
    assert.equal(await corridor.usdcOf(blocked.refund as `0x${string}`), 100_000_000n)
    assert.equal((await sale(id)).status, 'started')
  })

  it('a payout that comes back goes before a person, who pays to another account', async () => {
    const { company } = corridor
    const { id } = await create()
    await company.call('POST', '/api/sandbox/faults', { provider: 'bank', kind: 'return', count: 1 })
    await send(id)
    await reaches(id, 'finished')
    await corridor.advance('2h')
    const looked = await reaches(id, 'in_review')
    assert.equal(looked.payout.state, 'failed')
    await paySaleAgain(corridor.test.app, id, {
      ...CHANGE,
      payee: (before) => ({ kind: 'iban', iban: 'DE89370400440532013000', name: before.name }),
    })
    assert.equal((await reaches(id, 'finished')).iban, 'DE89370400440532013000')
  })

  it('providers that never answer hold up nobody who moves the clock; an unclear payout is asked for, never repeated', async () => {
    const { company, test } = corridor
    const { value: iban } = MAGIC_PAYEES.find(({ fate }) => fate.does === 'hang')!
    const { id } = await create({ iban })
    await send(id)
    await reaches(id, 'processing')
    for (const provider of ['bank', 'chain', 'card'])
      await company.call('POST', '/api/sandbox/faults', { provider, kind: 'hang', count: 20 })
    const startedMs = performance.now()
    await corridor.advance('3d')
    assert.ok(performance.now() - startedMs < 20_000, 'it did not wait for the providers')
    for (const provider of ['bank', 'chain', 'card'])
      await company.call('POST', '/api/sandbox/faults', { provider, kind: 'hang', count: 0 })
    assert.equal((await sale(id)).status, 'processing')
    const payouts = await test.app.db
      .selectFrom('effects')
      .select(['state', 'attempts'])
      .where('reference', '=', `sale:${id}`)
      .where('kind', '=', 'bank_transfer')
      .execute()
    assert.deepEqual(
      payouts.map(({ state }) => state),
      ['unknown'],
    )
    assert.ok(payouts[0]!.attempts > 10, 'it is asked for all the time')
    const sent = await test.app.db
      .selectFrom('simulated.bankTransfers')
      .select('id')
      .where('counterpartyIban', '=', iban)
      .execute()
    assert.deepEqual(sent, [])
  })

  it('too little by the deadline is sold as it is; nothing: expired; late: sold at the price of then', async () => {
    const short = await create({ amount: '100' })
    const never = await create()
    await send(short.id, { amount: '50' })
    await received(short.id, '50000000')
    await corridor.advance('25h')
    assert.equal((await reaches(short.id, 'finished')).received_amount, '50000000')
    assert.equal((await reaches(never.id, 'expired')).fiat_symbol, 'EUR')
    await send(never.id)
    await reaches(never.id, 'finished')
  })

  it('tells what is wrong with a deposit and changes nothing', async () => {
    const { id, wallet } = await create()
    const refused = async (fields: Record<string, unknown>) =>
      (await corridor.test.api('POST', '/api/sandbox/chain/deposit', { body: fields, token: await token() }))
        .body.error
    const token = () => corridor.test.authenticate('sandbox-key', 'sandbox-secret')
    assert.equal(await refused({ rampoff_id: 'none', amount: '1' }), 'rampoff_not_found')
    assert.equal(await refused({ amount: '1' }), 'invalid_field')
    assert.equal(await refused({ wallet, chain: 'bsc' }), 'invalid_field')
    assert.equal(await refused({ wallet, symbol: 'USDT' }), 'invalid_field')
    assert.equal(await refused({ wallet, symbol: 'DOGE', amount: '1' }), 'coin_not_supported')
    assert.equal(await refused({ wallet, amount: '0.0000001' }), 'invalid_field')
    const other = await corridor.test.authenticate('sandbox-key-2', 'sandbox-secret-2')
    const foreign = await corridor.test.api('POST', '/api/sandbox/chain/deposit', {
      body: { rampoff_id: id },
      token: other,
    })
    assert.equal(foreign.body.error, 'rampoff_not_found')
    assert.equal((await sale(id)).received_amount, '0')
  })

  it('a sale that is open when the sandbox is reset is still paid, from the account that stays', async () => {
    const { company, test } = corridor
    const { id } = await create()
    const account = async () =>
      (await company.call<{ bank_accounts: { iban: string; balance: string }[] }>('GET', '/api/sandbox'))
        .bank_accounts[0]!
    const before = await account()
    const row = () =>
      test.app.db.selectFrom('sales').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    const { address } = await row()
    const polygon = test.app.providers.sandboxChains.find(({ chain }) => chain === 'polygon')!
    await company.call('POST', '/api/sandbox/reset')
    await assert.rejects(sale(id), { code: 'rampoff_not_found' })
    await polygon.treasury.send({ symbol: 'USDC', to: address as `0x${string}`, units: 100_000_000n })
    await eventually('the old sale to be paid', async () => (await row()).state === 'finished', 30_000)
    const after = await account()
    assert.equal(after.iban, before.iban)
    assert.equal(
      (Number(before.balance) - Number(after.balance)).toFixed(2),
      formatAmount((await row()).fiatUnits, assetOf('EUR')),
    )
  })

  it('the books are right, against the chain and the bank too', async () => {
    const problems = await eventually(
      'the books to be right',
      async () => {
        const { problems } = await verifyLedger(corridor.test.app)
        return problems.length === 0 && { problems }
      },
      20_000,
    )
    assert.deepEqual(problems, { problems: [] })
  })
})
