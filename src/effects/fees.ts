/** Fees of an EIP-1559 transaction, in wei per gas. */
export interface Fees {
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
}

/** What the newest block asks and the node suggests, in wei per gas. */
export interface Market {
  baseFeePerGas: bigint
  priorityFeePerGas: bigint
}

/** Room for the base fee to double, six full blocks' growth, before the transaction has to be replaced. */
export function freshFees({ baseFeePerGas, priorityFeePerGas }: Market): Fees {
  return { maxFeePerGas: 2n * baseFeePerGas + priorityFeePerGas, maxPriorityFeePerGas: priorityFeePerGas }
}

/** Fees that replace a waiting transaction: nodes ask 10 % more of both, we give 25 %, or what the market asks by now. */
export function replacementFees(last: Fees, market: Market): Fees {
  const fresh = freshFees(market)
  return {
    maxFeePerGas: larger(raised(last.maxFeePerGas), fresh.maxFeePerGas),
    maxPriorityFeePerGas: larger(raised(last.maxPriorityFeePerGas), fresh.maxPriorityFeePerGas),
  }
}

/** Whether a transaction with these fees would be left out of a block now. */
export function isUnderpriced(fees: Fees, market: Market): boolean {
  const tip = fees.maxFeePerGas - market.baseFeePerGas
  return tip < market.priorityFeePerGas || fees.maxPriorityFeePerGas < market.priorityFeePerGas
}

const raised = (fee: bigint): bigint => (fee * 125n) / 100n + 1n
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b)
