import { amountOf, formatAmount } from '../money/amount.ts'
import { convertAndPay } from './pay-out.ts'
import { accountKey } from './payout-account.ts'
import { planCoinReturn } from './return-coins.ts'
import { heldCoins, type Sale, type SaleReturnReason, saleCoin, saleFiat } from './sale.ts'
import { moveSaleToReview, type SaleChanges, setSaleFields } from './sale-changes.ts'
import { promisedOf, type QuotedSale, quoteSale } from './sale-conversion.ts'
import { currentPriceOf, policyOf, type SaleFacts, settingsOf } from './sale-facts.ts'
import { openPayee } from './sale-wire.ts'

/**
 * Converts coins of a sale in `crypto_received` and orders its bank transfer. Without a fresh price, or an account to
 * pay from, it waits there; what brings nothing goes back. `excessUnits` of what is held go back besides.
 */
export function convertHeld(
  changes: SaleChanges,
  sale: Sale,
  { units, excessUnits }: { units: bigint; excessUnits: bigint },
  facts: SaleFacts,
): 'converted' | 'waits' | 'ended' {
  const quote = quoteHeld(facts, sale, units)
  if ('problem' in quote) {
    if (quote.problem === 'no_price') return 'waits'
    giveAllBack(changes, sale, 'unpriceable')
    return 'ended'
  }
  const bound = findBound(facts, sale, units, quote.grossUnits)
  if (bound === 'minimum') giveAllBack(changes, sale, 'short')
  else if (bound === 'maximum') moveSaleToReview(changes, sale, 'excess', 'more than a sale may be')
  else if (!openPayee(changes.app.secrets, sale)) {
    moveSaleToReview(changes, sale, 'payout_failed', 'nobody knows any more whom the money goes to')
  } else return pay(changes, sale, { quote, excessUnits }, facts)
  return 'ended'
}

function pay(
  changes: SaleChanges,
  sale: Sale,
  { quote, excessUnits }: { quote: Exclude<QuotedSale, { problem: unknown }>; excessUnits: bigint },
  facts: SaleFacts,
): 'converted' | 'waits' {
  const account = facts.accounts.get(accountKey(sale))
  if (account === undefined) return 'waits'
  convertAndPay(changes, sale, quote, account)
  if (excessUnits > 0n) {
    const order = {
      asset: saleCoin(sale).id,
      units: excessUnits,
      counted: true,
      reason: 'excess',
    } as const
    planCoinReturn(changes, sale, { ...order, to: sale.refundWallet! })
  }
  return 'converted'
}

/** What `units` of the held coins are worth now, each at the price that holds for it. */
export function quoteHeld(facts: SaleFacts, sale: Sale, units: bigint): QuotedSale {
  const { toleranceUnits } = policyOf(facts, sale)
  const skipUnits = sale.receivedUnits - heldCoins(sale)
  const promisedUnits = promisedOf(sale, facts.counted.get(sale.id)!, { skipUnits, units, toleranceUnits })
  return quoteSale(sale, { units, promisedUnits, current: currentPriceOf(facts, sale) })
}

/** Only what isn't what was asked is measured again: that was checked when the sale was made. */
function findBound(
  facts: SaleFacts,
  sale: Sale,
  units: bigint,
  grossUnits: bigint,
): 'minimum' | 'maximum' | undefined {
  const { toleranceUnits } = policyOf(facts, sale)
  const { minimum, maximum } = settingsOf(facts, sale).sales
  const fiat = saleFiat(sale)
  const least = minimum[sale.fiat]
  const most = maximum[sale.fiat]
  if (units < sale.askedUnits - toleranceUnits && least !== undefined && grossUnits < amountOf(least, fiat))
    return 'minimum'
  if (units > sale.askedUnits + toleranceUnits && most !== undefined && grossUnits > amountOf(most, fiat))
    return 'maximum'
  return undefined
}

/** All held coins go back to the customer's wallet, or, where none is known, before a person. */
export function giveAllBack(
  changes: SaleChanges,
  sale: Sale,
  reason: Extract<SaleReturnReason, 'short' | 'unpriceable'>,
): void {
  if (sale.refundWallet === null || sale.customerBannedAt !== null) {
    const coin = saleCoin(sale)
    const detail = `${formatAmount(heldCoins(sale), coin)} ${coin.symbol} came`
    moveSaleToReview(changes, sale, sale.customerBannedAt ? 'banned' : reason, detail)
    return
  }
  const order = { asset: saleCoin(sale).id, units: heldCoins(sale), counted: true, reason }
  planCoinReturn(changes, sale, { ...order, to: sale.refundWallet })
  // The effect takes it from here, and its end ends the sale.
  setSaleFields(changes, sale, { expiresAt: null, dueAt: null, endReason: reason })
}
