import type { App } from '../app.ts'
import { wireTime } from '../kernel/clock.ts'
import { maskWallet } from '../onramp/wallet.ts'
import type { Coins, PaymentScene } from './payment-scene.ts'
import type { Delivery } from './wire.ts'

/** The coins on their way; null before they are owed. Whoever may only look sees no transaction. */
export function deliveryOf(
  { providers }: Pick<App, 'providers'>,
  { payment, coins }: PaymentScene,
  owner: boolean,
): Delivery | null {
  if (
    !coins ||
    !payment.receivedAt ||
    (payment.state !== 'payment_received' && payment.state !== 'coins_sent')
  ) {
    return null
  }
  const state = stateOf(coins)
  const txid = state === 'confirming' || state === 'confirmed' ? coins.txid : null
  const setup = providers.chains.get(payment.chain)
  const needed = setup?.confirmations ?? null
  return {
    state,
    txid: txid === null || owner ? txid : maskWallet(txid),
    explorer_url: txid !== null && owner ? (setup?.explorerUrl(txid) ?? null) : null,
    confirmations: state === 'confirmed' ? needed : confirmationsOf(coins, needed),
    confirmations_needed: needed,
    paid_at: wireTime(payment.receivedAt),
    sent_at: coins.sentAt && wireTime(coins.sentAt),
    confirmed_at: coins.confirmedAt && wireTime(coins.confirmedAt),
  }
}

function stateOf({ state, reason, transactionState }: Coins): Delivery['state'] {
  if (state === 'confirmed') return 'confirmed'
  if (state === 'planned') return reason === null ? 'sending' : 'waiting'
  return transactionState === 'sent' ? 'confirming' : 'sending'
}

/** As deep as the platform last looked, never as many as needed before it says that it is enough. */
function confirmationsOf({ blockHeight, chainHeight }: Coins, needed: number | null): number | null {
  if (blockHeight === null || needed === null) return null
  return Math.min(Math.max(1, chainHeight - blockHeight + 1), Math.max(1, needed - 1))
}
