import { type Address, getAddress, keccak256, slice, stringToHex } from 'viem'
import { nativeAssetOf } from '../money/asset.ts'
import type { ChainCall } from '../providers/chain/port.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { approveData, disperseData, transferData, transferSucceeded } from '../providers/chain/tokens.ts'
import type { StoredRequest } from './model.ts'
import type { Candidate, Group, Waiting } from './plan-dispatch.ts'
import type { DoorWallet, NewTransaction } from './reserve-store.ts'

/** Gas of a batch beside its transfers: the transaction itself and the call's frame, generously. */
const BATCH_GAS = 80_000n
const APPROVE_GAS = 100_000n
/** Gas is estimated on one block and used on another. */
const MARGIN_PERCENT = 130n
/** Nobody has been paid here: a transfer to it costs as much as any can. */
const NEVER_PAID = getAddress(slice(keccak256(stringToHex('nobody was ever paid here')), 0, 20))

export interface TriedGroup extends Group {
  /** Of the whole transaction. */
  gas: bigint
  /** The token's allowance must be taken back before another is given. */
  resetsAllowance: boolean
}

/** Tries each group out on the newest block: members that would fail leave it, the rest get their gas. */
export async function tryOut(
  setup: ChainSetup,
  wallet: DoorWallet,
  groups: readonly Group[],
): Promise<{ groups: TriedGroup[]; refused: Waiting[] }> {
  const refused: Waiting[] = []
  const call = (asset: string, member: Pick<Candidate, 'to' | 'units'>): ChainCall => {
    const token = tokenOf(setup, asset)
    if (!token) return { from: wallet.address, to: member.to, data: '0x', value: member.units }
    return { from: wallet.address, to: token, data: transferData(member.to, member.units), value: 0n }
  }
  const singles = groups.filter(({ kind }) => kind === 'single')
  const estimates = await setup.provider.estimateGas(
    singles.map(({ asset, members }) => call(asset, members[0]!)),
  )
  const tried: TriedGroup[] = []
  singles.forEach((group, index) => {
    const estimate = estimates[index]!
    if (!estimate.ok)
      refused.push({ id: group.members[0]!.id, reason: `refused by the chain: ${estimate.reason}` })
    else tried.push({ ...group, gas: withMargin(estimate.gas), resetsAllowance: false })
  })
  for (const group of groups.filter(({ kind }) => kind === 'batch')) {
    const results = await setup.provider.simulate(group.members.map((member) => call(group.asset, member)))
    const members = group.members.filter((member, index) => {
      const result = results[index]!
      if (result.ok && transferSucceeded(result.data)) return true
      refused.push({
        id: member.id,
        reason: `refused by the chain: ${result.ok ? 'the token answered false' : result.reason}`,
      })
      return false
    })
    if (members.length === 0) continue
    const [each] = await setup.provider.estimateGas([
      call(group.asset, { to: NEVER_PAID, units: members[0]!.units }),
    ])
    if (!each?.ok) {
      const reason = `refused by the chain: a transfer of ${group.asset} costs no known gas: ${each?.reason}`
      refused.push(...members.map(({ id }) => ({ id, reason })))
      continue
    }
    const gas = BATCH_GAS + BigInt(members.length) * each.gas
    const resetsAllowance = !(await acceptsApproval(setup, wallet, group))
    tried.push({ ...group, members, gas, resetsAllowance })
  }
  return { groups: tried, refused }
}

export const withMargin = (gas: bigint): bigint => (gas * MARGIN_PERCENT) / 100n

async function acceptsApproval(setup: ChainSetup, wallet: DoorWallet, group: Group): Promise<boolean> {
  const token = tokenOf(setup, group.asset)!
  const data = approveData(setup.disperse!, totalOf(group.members))
  const [result] = await setup.provider.simulate([{ from: wallet.address, to: token, data, value: 0n }])
  return result!.ok
}

export const totalOf = (members: readonly { units: bigint }[]): bigint =>
  members.reduce((sum, { units }) => sum + units, 0n)

/** Whether the asset can leave at all: it is the chain's own coin, or a token whose contract is configured. */
export function hasContract({ chain, tokens }: ChainSetup, asset: string): boolean {
  return asset === nativeAssetOf(chain).id || tokens[asset.slice(chain.length + 1)] !== undefined
}

/** Null for the native coin. Throws for a token whose contract isn't configured: nothing of it could leave. */
export function tokenOf(setup: ChainSetup, asset: string): Address | null {
  const native = nativeAssetOf(setup.chain)
  if (asset === native.id) return null
  const token = setup.tokens[asset.slice(setup.chain.length + 1)]
  if (!token) throw new Error(`No contract is configured for ${asset}.`)
  return token
}

/** The transactions of a group, without nonces yet: a transfer, or an allowance and the batch that uses it up. */
export function buildTransactions(
  setup: ChainSetup,
  { kind, asset, members, gas, resetsAllowance }: TriedGroup,
  maxFeePerGas: bigint,
): Omit<NewTransaction, 'nonce'>[] {
  const token = tokenOf(setup, asset)
  const transaction = (
    kind: NewTransaction['kind'],
    request: { to: Address; data: StoredRequest['data']; value?: bigint; gas: bigint },
    members: readonly Candidate[] = [],
  ): Omit<NewTransaction, 'nonce'> => ({
    kind,
    request: { ...request, value: (request.value ?? 0n).toString(), gas: request.gas.toString() },
    maxGasUnits: request.gas * maxFeePerGas,
    members,
  })
  if (kind === 'single') {
    const [{ to, units }] = members as [Candidate]
    const request = token
      ? { to: token, data: transferData(to, units), gas }
      : { to, data: '0x' as const, value: units, gas }
    return [transaction('single', request, members)]
  }
  const approve = (units: bigint) =>
    transaction('approve', { to: token!, data: approveData(setup.disperse!, units), gas: APPROVE_GAS })
  const data = disperseData(
    token!,
    members.map(({ to }) => to),
    members.map(({ units }) => units),
  )
  const batch = transaction('batch', { to: setup.disperse!, data, gas }, members)
  return [...(resetsAllowance ? [approve(0n)] : []), approve(totalOf(members)), batch]
}
