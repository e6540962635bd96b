import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sql } from 'kysely'
import { addCustomer } from '../../test/support/payments.ts'
import {
  addSale,
  checkSaleBooks,
  deposit,
  endSaleEffects,
  getSale,
  REFUND_WALLET,
  STRANGER,
  saleEffects,
  saleEvents,
  settleBank,
  shareSaleWorld,
} from '../../test/support/sales.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { balanceOf } from '../ledger/book.ts'
import { payerIban } from '../providers/bank/simulated/incoming.ts'
import { SANDBOX_BLOCKED_WALLET } from '../providers/screening/block-list.ts'
import {
  abandonSale,
  describeSale,
  listSaleReviews,
  paySaleAgain,
  releaseSale,
  returnSale,
} from './review-sale.ts'
import { openPayee } from './sale-wire.ts'
import { takeBackPayout } from './take-back-payout.ts'

const t = await shareSaleWorld()

const CHANGE = { who: 'ana', why: 'looked at' }
const OTHER_IBAN = payerIban('Ana elsewhere')
const toOther = () => ({ kind: 'iban' as const, iban: OTHER_IBAN, name: 'Ana Pérez' })

/** A sale whose payout the bank refused. */
async function refusedSale() {
  const sale = await addSale(t, { price: '0.900000' })
  await deposit(t, sale)
  await endSaleEffects(t, sale.id, 'bank_transfer', 'failed')
  return getSale(t.app, sale.id)
}

/** A sale from a blocked address. */
async function blockedSale(refundWallet: string | null = REFUND_WALLET) {
  return deposit(t, await addSale(t, { refundWallet }), { from: SANDBOX_BLOCKED_WALLET })
}

const actionsOf = async (id: string) =>
  await t.app.db
    .selectFrom('auditLog')
    .select(['who', 'why', 'action'])
    .where('target', '=', `sale:${id}`)
    .execute()

describe('pay again', () => {
  test('after a refusal: the same money to another account, one payout at a time', async () => {
    const sale = await refusedSale()
    assert.ok((await listSaleReviews(t.app)).some(({ id }) => id === sale.id))
    await paySaleAgain(t.app, sale.id, { ...CHANGE, payee: toOther })
    const again = await getSale(t.app, sale.id)
    assert.deepEqual([again.state, again.payout?.round, again.payout?.units], ['processing', 2, '8865'])
    assert.deepEqual(openPayee(t.app.secrets, again), toOther())
    const states = (await saleEffects(t.app, sale.id)).map(
      ({ purpose, state }) => `${purpose.split(':')[3]} ${state}`,
    )
    assert.deepEqual(states, ['1 cancelled', '2 planned'])
    await checkSaleBooks(t.app)
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    assert.deepEqual(await actionsOf(sale.id), [{ ...CHANGE, action: 'sale.pay_again' }])
  })

  test('after the bank gave the money back', async () => {
    const sale = await addSale(t)
    await deposit(t, sale)
    await endSaleEffects(t, sale.id, 'bank_transfer', 'confirmed')
    const [payout] = await saleEffects(t.app, sale.id)
    const { iban } = await t.app.db
      .selectFrom('bankAccounts')
      .select('iban')
      .where('integrationId', '=', 1)
      .executeTakeFirstOrThrow()
    // As the bank's lines would book it: out, and back into suspense.
    await t.app.db.transaction().execute(async (trx) => {
      await trx.updateTable('effects').set({ state: 'cancelled' }).where('id', '=', payout!.id).execute()
      await takeBackPayout(t.app, trx, {
        reference: `sale:${sale.id}`,
        purpose: payout!.purpose,
        units: payout!.units,
        from: `transit:out:${iban}`,
        reason: 'account_closed',
      })
    })
    const back = await getSale(t.app, sale.id)
    assert.deepEqual(
      [back.state, back.reviewReason, back.payout?.reason],
      ['in_review', 'payout_failed', 'account_closed'],
    )
    assert.equal(await balanceOf(t.app.db, `customer:${sale.id}:fiat`, 'EUR'), -back.fiatUnits)
    await checkSaleBooks(t.app)
    await paySaleAgain(t.app, sale.id, { ...CHANGE, payee: toOther })
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
    assert.deepEqual(await saleEvents(t.app, sale.id), [
      'CRYPTO_RECEIVED',
      'TRANSFER_RAMPOFF_FINISHED',
      'RAMPOFF_IN_REVIEW',
      'RAMPOFF_REVIEWED',
      'TRANSFER_RAMPOFF_FINISHED',
    ])
  })

  test('is refused while the order may be with the bank', async () => {
    const sale = await refusedSale()
    await sql`update effects set state = 'unknown' where reference = ${`sale:${sale.id}`}`.execute(t.app.db)
    const refused = { message: /may be on its way/ }
    await assert.rejects(paySaleAgain(t.app, sale.id, { ...CHANGE, payee: toOther }), refused)
    await assert.rejects(returnSale(t.app, sale.id, { ...CHANGE, wallet: null }), refused)
    await assert.rejects(abandonSale(t.app, sale.id, CHANGE), refused)
    await sql`update effects set state = 'failed', reason = 'returned by the bank: account_closed'
               where reference = ${`sale:${sale.id}`}`.execute(t.app.db)
    await assert.rejects(paySaleAgain(t.app, sale.id, { ...CHANGE, payee: toOther }), {
      message: /not back on our account/,
    })
    assert.deepEqual(await actionsOf(sale.id), [])
  })
})

describe('pay again, refused', () => {
  test('to an account that is ours or none, or to nobody', async () => {
    const sale = await refusedSale()
    const { iban } = await t.app.db
      .selectFrom('bankAccounts')
      .select('iban')
      .limit(1)
      .executeTakeFirstOrThrow()
    const name = 'Ana Pérez'
    const refusals: [{ iban: string; name: string }, RegExp][] = [
      [{ iban, name }, /is an account of ours/],
      [{ iban: iban.toLowerCase().replace(/(.{4})/g, '$1 '), name }, /is an account of ours/],
      [{ iban: `${OTHER_IBAN.slice(0, -1)}${(Number(OTHER_IBAN.at(-1)) + 1) % 10}`, name }, /check digits/],
      [{ iban: OTHER_IBAN, name: ' ' }, /name/],
      [{ iban: OTHER_IBAN, name: 'Ana\nPérez' }, /name/],
      [{ iban: OTHER_IBAN, name: 'A'.repeat(256) }, /name/],
    ]
    for (const [to, message] of refusals) {
      const payee = () => ({ kind: 'iban' as const, ...to })
      await assert.rejects(paySaleAgain(t.app, sale.id, { ...CHANGE, payee }), (error: Error) => {
        assert.ok(error instanceof RefusedOperation)
        assert.match(error.message, message)
        return true
      })
    }
    const after = await getSale(t.app, sale.id)
    assert.deepEqual(
      [after.state, after.version, after.payeeSealed],
      ['in_review', sale.version, sale.payeeSealed],
    )
    assert.deepEqual(await actionsOf(sale.id), [])
  })

  test('a local account is judged by the rules of its country, and kept as registration keeps it', async () => {
    const clabe = { kind: 'local' as const, bankName: 'Banorte', country: 'MX', name: 'Ana Pérez' }
    const customerId = await addCustomer(t.app, { country: 'MX' })
    const sale = await addSale(t, {
      customerId,
      price: '0.900000',
      payee: { ...clabe, account: '032180000118359719' },
    })
    await deposit(t, sale)
    await endSaleEffects(t, sale.id, 'bank_transfer', 'failed')
    for (const account of ['032180000118359718', 'nonsense', ''])
      await assert.rejects(
        paySaleAgain(t.app, sale.id, { ...CHANGE, payee: () => ({ ...clabe, account }) }),
        { name: 'Error', message: /CLABE/ },
        account,
      )
    const payee = () => ({ ...clabe, account: ' 032-180 000118359719 ', name: ' Ana Pérez ' })
    await paySaleAgain(t.app, sale.id, { ...CHANGE, payee })
    assert.deepEqual(openPayee(t.app.secrets, await getSale(t.app, sale.id)), {
      ...clabe,
      account: '032180000118359719',
    })
  })

  test('where no payout failed: letting it go on is a decision of its own', async () => {
    const refused = { message: /No payout of sale .* failed/ }
    const blocked = await blockedSale()
    await assert.rejects(paySaleAgain(t.app, blocked.id, { ...CHANGE, payee: toOther }), refused)
    assert.equal((await getSale(t.app, blocked.id)).receivedUnits, 0n)
    const more = await addSale(t)
    await deposit(t, more)
    await settleBank(t)
    await deposit(t, more, { amount: '50' })
    await assert.rejects(paySaleAgain(t.app, more.id, { ...CHANGE, payee: toOther }), refused)
  })

  test('coins from a blocked address are not counted by it', async () => {
    const sale = await refusedSale()
    await deposit(t, sale, { from: SANDBOX_BLOCKED_WALLET })
    await paySaleAgain(t.app, sale.id, { ...CHANGE, payee: toOther })
    assert.equal((await getSale(t.app, sale.id)).receivedUnits, 100_000_000n)
    await settleBank(t)
    const paid = await getSale(t.app, sale.id)
    assert.deepEqual([paid.state, paid.reviewReason], ['in_review', 'blocked_sender'])
  })
})

describe('return', () => {
  test('reverses the conversion at its figures and gives the coins back', async () => {
    const sale = await refusedSale()
    await returnSale(t.app, sale.id, { ...CHANGE, wallet: STRANGER.toLowerCase() })
    const back = await getSale(t.app, sale.id)
    assert.deepEqual(
      [back.refundWallet, back.convertedUnits, back.returnedUnits],
      [STRANGER, 0n, 100_000_000n],
    )
    await checkSaleBooks(t.app)
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    const refunded = await getSale(t.app, sale.id)
    assert.deepEqual([refunded.state, refunded.endReason], ['refunded', 'review_refused'])
  })

  test('never to an address of ours or a blocked one, and not without any', async () => {
    const sale = await blockedSale(null)
    const { providers } = t.app
    const token = providers.chains.get(sale.chain)!.tokens.USDC!
    for (const wallet of [sale.address, token, SANDBOX_BLOCKED_WALLET, 'nonsense', null]) {
      await assert.rejects(
        returnSale(t.app, sale.id, { ...CHANGE, wallet }),
        RefusedOperation,
        String(wallet),
      )
    }
    const ignorant = { ...t.app, providers: { ...providers, contracts: new Map() } }
    await assert.rejects(returnSale(ignorant, sale.id, { ...CHANGE, wallet: STRANGER }), {
      message: /contracts on polygon aren't known/,
    })
    await assert.rejects(returnSale(t.app, 'unknown', { ...CHANGE, wallet: null }), RefusedOperation)
    await returnSale(t.app, sale.id, { ...CHANGE, wallet: STRANGER })
    await checkSaleBooks(t.app)
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    assert.equal((await getSale(t.app, sale.id)).state, 'refunded')
  })

  test('a return that failed is planned anew to another wallet', async () => {
    const sale = await refusedSale()
    await returnSale(t.app, sale.id, { ...CHANGE, wallet: null })
    await endSaleEffects(t, sale.id, 'coin_transfer', 'failed')
    assert.equal((await getSale(t.app, sale.id)).reviewReason, 'return_failed')
    await returnSale(t.app, sale.id, { ...CHANGE, wallet: STRANGER })
    await checkSaleBooks(t.app)
    await endSaleEffects(t, sale.id, 'coin_transfer', 'confirmed')
    const ended = await getSale(t.app, sale.id)
    assert.deepEqual(
      [ended.state, ended.returnedUnits, ended.coinReturn?.round],
      ['refunded', 100_000_000n, 2],
    )
  })
})

describe('release and abandon', () => {
  test('coins from a blocked address count when a person says so', async () => {
    const sale = await blockedSale()
    await releaseSale(t.app, sale.id, CHANGE)
    const going = await getSale(t.app, sale.id)
    assert.deepEqual([going.state, going.receivedUnits], ['processing', 100_000_000n])
    assert.deepEqual(await saleEvents(t.app, sale.id), [
      'RAMPOFF_IN_REVIEW',
      'CRYPTO_RECEIVED',
      'RAMPOFF_REVIEWED',
    ])
    await settleBank(t)
    assert.equal((await getSale(t.app, sale.id)).state, 'finished')
  })

  test('what came besides is paid out as well, by a payout of its own', async () => {
    const sale = await addSale(t)
    await deposit(t, sale)
    await settleBank(t)
    await deposit(t, sale, { amount: '50' })
    const looked = await getSale(t.app, sale.id)
    assert.deepEqual([looked.state, looked.reviewReason], ['in_review', 'excess'])
    await releaseSale(t.app, sale.id, CHANGE)
    const going = await getSale(t.app, sale.id)
    assert.deepEqual([going.conversions.length, going.payout?.round], [2, 2])
    await settleBank(t)
    const finished = await getSale(t.app, sale.id)
    assert.deepEqual([finished.state, finished.convertedUnits], ['finished', 150_000_000n])
    await assert.rejects(releaseSale(t.app, sale.id, CHANGE), { message: /is finished, not in review/ })
  })

  test('abandoned: nothing goes out, and the books say where it is', async () => {
    const sale = await blockedSale()
    await abandonSale(t.app, sale.id, CHANGE)
    const failed = await getSale(t.app, sale.id)
    assert.deepEqual([failed.state, failed.endReason], ['failed', 'abandoned'])
    assert.deepEqual(await saleEvents(t.app, sale.id), ['RAMPOFF_IN_REVIEW', 'RAMPOFF_FAILED'])
    assert.deepEqual(await saleEffects(t.app, sale.id), [])
    const { deposits } = await describeSale(t.app, sale.id)
    assert.ok(deposits[0]?.settledAt)
    const refused = await refusedSale()
    await abandonSale(t.app, refused.id, CHANGE)
    const kept = await getSale(t.app, refused.id)
    assert.deepEqual([kept.state, kept.keptUnits, kept.convertedUnits], ['failed', 100_000_000n, 0n])
  })

  test('given up after one transfer was sent and another refused: the integrator hears of one', async () => {
    const sale = await addSale(t)
    await deposit(t, sale)
    await settleBank(t)
    await deposit(t, sale, { amount: '50' })
    await releaseSale(t.app, sale.id, CHANGE)
    await endSaleEffects(t, sale.id, 'bank_transfer', 'failed')
    const before = await saleEvents(t.app, sale.id)
    assert.deepEqual(before, [
      'CRYPTO_RECEIVED',
      'TRANSFER_RAMPOFF_FINISHED',
      'RAMPOFF_IN_REVIEW',
      'RAMPOFF_REVIEWED',
      'RAMPOFF_IN_REVIEW',
    ])
    await abandonSale(t.app, sale.id, CHANGE)
    const ended = await getSale(t.app, sale.id)
    assert.deepEqual([ended.state, ended.conversions.length, ended.keptUnits], ['finished', 1, 50_000_000n])
    assert.deepEqual(await saleEvents(t.app, sale.id), [...before, 'RAMPOFF_REVIEWED'])
  })
})
