import assert from 'node:assert/strict'
import { it } from 'node:test'
import { FULL } from './buyers.ts'
import { disturb } from './disturb.ts'
import { inSellWorld } from './sell-world.ts'
import type { SaleCase } from './sellers.ts'

const SEEDS = FULL ? [131, 132, 133] : [131]
const WAVES = FULL ? 6 : 3
/** Until then it is waited for both disturbances. */
const MOST_WAVES = 12
const KINDS: readonly SaleCase[] = ['exact', 'more', 'parts', 'wrong_coin', 'dust', 'taken_back']

for (const seed of SEEDS) {
  it(`blocks are replaced and transactions forgotten while coins come and are swept, seed ${seed}: each deposit counts once`, (context) =>
    inSellWorld(context, { seed }, async (world) => {
      const { random, say, sellers } = world
      const done = new AbortController()
      const sum = { reorganised: 0, dropped: 0 }
      const disturbing = disturb(world, sum, done.signal)
      const isDisturbed = (): boolean => sum.reorganised > 0 && sum.dropped > 0
      try {
        for (let wave = 0; wave < WAVES || (wave < MOST_WAVES && !isDisturbed()); wave += 1) {
          await world.sellAll(['taken_back', ...Array.from({ length: 3 }, () => random.pick(KINDS))])
          await new Promise((resolve) => setTimeout(resolve, random.below(1_000)))
        }
      } finally {
        done.abort()
      }
      await disturbing
      say(`${sum.reorganised} blocks were replaced, ${sum.dropped} transactions forgotten`)
      assert.ok(isDisturbed(), 'nothing was disturbed')
      await world.checkSales()
      const { rows } = await world.database.query<{ vanished: number }>(
        `select count(*)::int as vanished from deposits where state = 'vanished'`,
      )
      say(`${rows[0]!.vanished} deposits vanished, of ${sellers.sold.length} sales`)
    }))
}
