import {
  type Hex,
  hexToNumber,
  parseTransaction,
  recoverTransactionAddress,
  type TransactionSerialized,
} from 'viem'
import { ProviderError } from '../provider-error.ts'
import type { JsonRpc, RpcAnswer } from './json-rpc.ts'
import type { SendResult } from './port.ts'

interface Signed {
  raw: Hex
  hash: Hex
}

/**
 * Broadcasts in order, then asks about every transaction that the node objected to. Nodes word the same objection
 * differently ("already known", "nonce too low", "AlreadyImported"), and "nonce too low" is said of a transaction
 * that was mined a moment ago too: only whether the node has it, and how far the sender's nonce is, tells them apart.
 */
export async function sendRaw(chain: string, rpc: JsonRpc, signed: readonly Signed[]): Promise<SendResult[]> {
  const answers = await rpc.batch(
    signed.map(({ raw }) => ({ method: 'eth_sendRawTransaction', params: [raw] })),
  )
  const objected = signed.filter((_, index) => !answers[index]!.ok)
  const explained = new Map<Hex, SendResult>()
  if (objected.length > 0) {
    const known = await askAgain(objected, () => isKnown(rpc, objected))
    const used = await askAgain(objected, () => isNonceUsed(rpc, objected))
    objected.forEach((one, index) => {
      const reason = reasonOf(answers[signed.indexOf(one)]!)
      explained.set(one.hash, explain(chain, one.hash, known[index], used[index], reason))
    })
  }
  return signed.map(({ hash }) => explained.get(hash) ?? { state: 'taken', hash })
}

function explain(
  chain: string,
  hash: Hex,
  known: boolean | undefined,
  used: boolean | undefined,
  reason: string,
): SendResult {
  if (known) return { state: 'taken', hash }
  if (known === undefined || used === undefined) {
    return {
      state: 'unknown',
      hash,
      reason: `${chain} objected (${reason}) and could not say whether it has it`,
    }
  }
  return { state: used ? 'nonce_used' : 'rejected', hash, reason }
}

function reasonOf(answer: RpcAnswer): string {
  return answer.ok ? '' : answer.message
}

/** A question that got lost leaves each of its answers undefined: the transactions went out before it. */
async function askAgain<T>(
  signed: readonly Signed[],
  ask: () => Promise<(T | undefined)[]>,
): Promise<(T | undefined)[]> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof ProviderError) return signed.map(() => undefined)
    throw error
  }
}

async function isKnown(rpc: JsonRpc, signed: readonly Signed[]): Promise<(boolean | undefined)[]> {
  const answers = await rpc.batch(
    signed.map(({ hash }) => ({ method: 'eth_getTransactionByHash', params: [hash] })),
  )
  return answers.map((answer) => (answer.ok ? answer.result !== null : undefined))
}

async function isNonceUsed(rpc: JsonRpc, signed: readonly Signed[]): Promise<(boolean | undefined)[]> {
  const senders = await Promise.all(
    signed.map(({ raw }) =>
      recoverTransactionAddress({ serializedTransaction: raw as TransactionSerialized }),
    ),
  )
  const counted = [...new Set(senders)]
  const answers = await rpc.batch(
    counted.map((sender) => ({ method: 'eth_getTransactionCount', params: [sender, 'latest'] })),
  )
  const counts = new Map(counted.map((sender, index) => [sender, answers[index]]))
  return signed.map(({ raw }, index) => {
    const count = counts.get(senders[index]!)
    return count?.ok ? (parseTransaction(raw).nonce ?? 0) < hexToNumber(count.result as Hex) : undefined
  })
}
