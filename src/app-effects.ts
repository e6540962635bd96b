import type { App } from './app.ts'
import { DISPATCH_DEFAULTS, type EffectNeeds } from './effects/model.ts'
import { amountOf } from './money/amount.ts'
import { assetOf } from './money/asset.ts'
import { saleRoom } from './offramp/sale-room.ts'
import { paymentRoom } from './onramp/payment-room.ts'
import { createSandboxFunding } from './sandbox/chain/funding.ts'

type Needs = Pick<App, 'db' | 'clock' | 'log' | 'secrets' | 'config' | 'providers' | 'lanes'>

/** The part of the composition root that says with what money leaves, and who hears of it. */
export function effectNeeds(app: Needs): EffectNeeds {
  const { db, clock, log, secrets, providers } = app
  const { custody, chains, sandboxChains, bank, card, paypal, local } = providers
  const caps = new Map(
    [...app.config.dailyOutflowCaps].map(([id, amount]) => [id, amountOf(amount, assetOf(id))]),
  )
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
    rooms: { payment: paymentRoom(app), sale: saleRoom(app) },
    settings: { ...DISPATCH_DEFAULTS, dailyCapUnits: (asset) => caps.get(asset) ?? null },
    // Other processes look by themselves; each step of a transfer need not be told to all of them.
    wake: (...lanes) => app.lanes.wake(...lanes),
    sandbox: sandboxChains.length > 0 ? createSandboxFunding(sandboxChains) : null,
  }
}
