import assert from 'node:assert/strict'
import { it } from 'node:test'
import { inSellWorld } from './sell-world.ts'

/** Before anything is believed of what the check finds right: it must find wrong what is wrong. */
it('the check of sales finds a payout that left twice, a deposit that was not counted, or twice, and an event that is lost', (context) =>
  inSellWorld(context, { seed: 161 }, async (world) => {
    const { database, receiver, sellers } = world
    const PAIRS = [['polygon', 'USDC']] as const
    await Promise.all(
      (['exact', 'parts', 'refused'] as const).map((kind) => sellers.sell({ kind, pairs: PAIRS })),
    )
    await world.checkSales()
    const [first] = sellers.sold
    const wrong = async (what: RegExp, break_: string, mend: string): Promise<void> => {
      assert.ok((await database.query(break_)).rowCount, break_)
      await assert.rejects(world.checkSales(2_000), what)
      await database.query(mend)
    }
    await wrong(
      /at the bank/,
      `insert into simulated.bank_transfers (id, iban, direction, idempotency_key, units, currency, counterparty_name,
              counterparty_iban, concept, state, created_at, updated_at)
       select 'tr_twice', iban, direction, 'twice', units, currency, counterparty_name, counterparty_iban, concept, state,
              created_at, updated_at
         from simulated.bank_transfers where concept = 'Sale ${first!.saleId}'`,
      "delete from simulated.bank_transfers where id = 'tr_twice'",
    )
    await wrong(
      /deepStrictEqual|deeply|strictly/,
      `update deposits set state = 'vanished' where sale_id = '${first!.saleId}'`,
      `update deposits set state = 'final' where sale_id = '${first!.saleId}'`,
    )
    await wrong(
      /deepStrictEqual|deeply|strictly/,
      `insert into deposits (integration_id, id, sale_id, chain, epoch, address, asset, units, from_address, tx_hash, ordinal,
              block_height, block_hash, state, outcome, first_seen_at, final_at, updated_at)
       select integration_id, 'twice', sale_id, chain, epoch, address, asset, units, from_address, tx_hash, 99,
              block_height, block_hash, state, outcome, first_seen_at, final_at, updated_at
         from deposits where sale_id = '${first!.saleId}'`,
      "delete from deposits where id = 'twice'",
    )
    await wrong(
      /should end in finished/,
      `update sales set state = 'processing' where id = '${first!.saleId}'`,
      `update sales set state = 'finished' where id = '${first!.saleId}'`,
    )
    const heard = receiver.heard.get(first!.saleId!)!
    receiver.heard.set(first!.saleId!, [...heard].reverse())
    await assert.rejects(world.checkSales(2_000), /what was heard of/)
    receiver.heard.set(first!.saleId!, heard.slice(1))
    await assert.rejects(world.checkSales(2_000), /events of/)
    receiver.heard.set(first!.saleId!, heard)
    await world.checkSales()
  }))
