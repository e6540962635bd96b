import { keccak256 } from 'viem'
import type { ChainSetup } from '../providers/chain/setup.ts'
import type { UnsignedTransaction } from '../providers/custody/port.ts'
import { type Fees, freshFees, type Market, replacementFees } from './fees.ts'
import { type EffectNeeds, lanesOfChain } from './model.ts'
import {
  type Attempt,
  claimUnsigned,
  listAttempts,
  type OpenTransaction,
  recordSigned,
  releaseTransactions,
} from './transaction-store.ts'

const SIGN_AT_ONCE = 50
/** What an empty transfer to ourselves costs. */
const CANCEL_GAS = 21_000n

/**
 * Signs what waits for an attempt and stores the raw transactions, unseen by anybody yet. Signing may be a network
 * call to a key service. Answers how many were signed.
 */
export async function prepareTransactions(needs: EffectNeeds, setup: ChainSetup): Promise<number> {
  const { db, clock } = needs
  const open = await claimUnsigned(db, setup.chain, SIGN_AT_ONCE)
  if (open.length === 0) return 0
  const ids = open.map(({ id }) => id)
  let ends: PromiseSettledResult<Attempt & { maxGasUnits: bigint }>[]
  try {
    const market = await setup.provider.fees()
    const earlier = Map.groupBy(await listAttempts(db, ids), ({ transactionId }) => transactionId)
    ends = await Promise.allSettled(
      open.map((transaction) => sign(needs, setup, transaction, earlier.get(transaction.id)?.at(-1), market)),
    )
  } catch (error) {
    await releaseTransactions(db, ids)
    throw error
  }
  // One key that can't be used keeps no other from being signed with.
  const signed = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []))
  await recordSigned(db, signed, { now: clock.now(), realNow: clock.real() })
  if (signed.length > 0) needs.wake(lanesOfChain(setup.chain).send)
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed) {
    const unsigned = ids.filter((_, index) => ends[index]!.status === 'rejected')
    await releaseTransactions(db, unsigned)
    throw failed.reason
  }
  return signed.length
}

async function sign(
  { custody }: Pick<EffectNeeds, 'custody'>,
  setup: ChainSetup,
  transaction: OpenTransaction,
  last: Attempt | undefined,
  market: Market,
): Promise<Attempt & { maxGasUnits: bigint }> {
  const fees = last ? replacementFees(last, market) : freshFees(market)
  const unsigned = unsignedOf(setup, transaction, fees)
  const raw = await custody.signTransaction(transaction.keyRef, unsigned)
  return {
    transactionId: transaction.id,
    attempt: transaction.attempts + 1,
    hash: keccak256(raw),
    raw,
    ...fees,
    cancels: transaction.cancelling,
    maxGasUnits: unsigned.gas * fees.maxFeePerGas,
  }
}

function unsignedOf(
  { chainId }: ChainSetup,
  { nonce, wallet, request, cancelling }: OpenTransaction,
  fees: Fees,
): UnsignedTransaction {
  const line = { chainId, nonce, ...fees }
  if (cancelling) return { ...line, to: wallet, value: 0n, data: '0x', gas: CANCEL_GAS }
  return {
    ...line,
    to: request.to,
    data: request.data,
    value: BigInt(request.value),
    gas: BigInt(request.gas),
  }
}
