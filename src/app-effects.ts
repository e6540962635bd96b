import type { App } from './app.ts'
import { bankLineRoom } from './bank-accounts/refund-line.ts'
import { DISPATCH_DEFAULTS, type EffectNeeds } from './effects/model.ts'
import { amountOf } from './money/amount.ts'
import { assetOf } from './money/asset.ts'
import { saleRoom } from './offramp/sale-room.ts'
import { sweepRoom } from './offramp/sweep-room.ts'
import type { SweepNeeds } from './offramp/sweeps.ts'
import { paymentRoom } from './onramp/payment-room.ts'
import { createSandboxFunding } from './sandbox/chain/funding.ts'

type Needs = Pick<App, 'db' | 'clock' | 'log' | 'secrets' | 'config' | 'providers' | 'lanes'>

/** The part of the composition root that says with what money leaves, and who hears of it. */
export function effectNeeds(app: Needs): EffectNeeds {
  const { db, clock, log, secrets, providers } = app
  const { custody, chains, sandboxChains, bank, card, paypal, local } = providers
  const caps = unitsOf(app.config.dailyOutflowCaps)
  return {
    db,
    clock,
    log,
    secrets,
    custody,
    chains,
    bank,
    cards: card ? [card] : [],
    redirects: { paypal, local },
    rooms: {
      payment: paymentRoom(app),
      sale: saleRoom(app),
      sweep: sweepRoom(app),
      'bank-line': bankLineRoom(app),
    },
    settings: { ...DISPATCH_DEFAULTS, dailyCapUnits: (asset) => caps.get(asset) ?? null },
    // Other processes look by themselves; each step of a transfer need not be told to all of them.
    wake: (...lanes) => app.lanes.wake(...lanes),
    sandbox: sandboxChains.length > 0 ? createSandboxFunding(sandboxChains) : null,
  }
}

/** What moving coins from the addresses of sales to the hot wallet needs. */
export function sweepNeeds(app: Needs): SweepNeeds {
  const minimums = unitsOf(app.config.sweepMinimums)
  return { ...effectNeeds(app), sweepMinimum: (asset) => minimums.get(asset) ?? 0n }
}

const unitsOf = (amounts: ReadonlyMap<string, string>): Map<string, bigint> =>
  new Map([...amounts].map(([id, amount]) => [id, amountOf(amount, assetOf(id))]))
