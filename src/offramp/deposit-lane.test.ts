import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually, startTestApp, type TestApp } from '../../test/support/app.ts'
import { addSales } from '../../test/support/deposits.ts'
import { addCustomer } from '../../test/support/payments.ts'

let t: TestApp

before(async () => {
  t = await startTestApp()
})
after(() => t.stop())

test('each chain is read from the start of the program on, before any sale', async () => {
  const scans = await t.app.db.selectFrom('chainScans').selectAll().orderBy('chain').execute()
  assert.deepEqual(
    scans.map(({ chain, epoch, heldReason }) => [chain, epoch, heldReason]),
    [
      ['bsc', 1, null],
      ['polygon', 1, null],
    ],
  )
  const lanes = t.app.lanes.lanes.map(({ name }) => name)
  assert.ok(lanes.includes('deposits:polygon') && lanes.includes('deposits:bsc'))
})

test('coins that come by real transactions are final by themselves, in the decimals of their chain', async () => {
  await addCustomer(t.app)
  for (const [chain, symbol, units] of [
    ['polygon', 'USDC', 5_000_000n],
    ['bsc', 'USDC', 5_000_000_000_000_000_000n],
    ['polygon', 'POL', 3n],
    ['polygon', 'USDT', 4n],
  ] as const) {
    const [sale] = await addSales(t.app.db, chain, 1, symbol)
    const local = t.app.providers.sandboxChains.find((one) => one.chain === chain)!
    const txHash = await local.treasury.send({ symbol, to: sale!.address, units })
    const deposit = await eventually(`${symbol} on ${chain} to be final`, () =>
      t.app.db
        .selectFrom('deposits')
        .selectAll()
        .where('txHash', '=', txHash)
        .where('state', '=', 'final')
        .executeTakeFirst(),
    )
    assert.deepEqual(
      [deposit.saleId, deposit.asset, deposit.units, deposit.fromAddress],
      [sale!.id, `${chain}:${symbol}`, units, local.treasury.address],
    )
  }
})

test('what is held is told at /readyz, and the metrics say how far each chain was read', async () => {
  const { db } = t.app
  const metrics = await (await fetch(`${t.url}/metrics`)).text()
  const { height } = await db
    .selectFrom('chainScans')
    .selectAll()
    .where('chain', '=', 'polygon')
    .executeTakeFirstOrThrow()
  assert.ok(height > 0)
  assert.match(metrics, /^deposits_block_height\{chain="polygon"\} [1-9]/m)
  assert.match(metrics, /^deposits_held\{chain="bsc"\} 0$/m)
  assert.match(metrics, /^deposits_blocks_behind\{chain="polygon"\} /m)
  await db
    .updateTable('chainScans')
    .set({ heldReason: 'nodes_disagree: block 5 is 0x01 on one node and 0x02 on the other' })
    .where('chain', '=', 'bsc')
    .execute()
  const told = await (await fetch(`${t.url}/readyz`)).json()
  const waiting = (told as { waiting: { what: string; why: string; mend: string }[] }).waiting
  const held = waiting.find(({ what }) => what === 'deposits on bsc')
  assert.match(held!.why, /nodes_disagree: block 5/)
  assert.match(held!.mend, /both agree/)
  assert.match(await (await fetch(`${t.url}/metrics`)).text(), /^deposits_held\{chain="bsc"\} 1$/m)
})
