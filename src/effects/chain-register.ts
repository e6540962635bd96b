import { sql } from 'kysely'
import type { Address } from 'viem'
import type { Trx } from '../db/database.ts'
import { bookAll, IS_INDEXED } from '../ledger/book.ts'
import type { ChainSetup } from '../providers/chain/setup.ts'
import { beginScan, beginScanAnew } from './chain-scans.ts'
import { haltDoor } from './doors.ts'
import { recordFunding } from './funding.ts'
import { type EffectNeeds, walletDoor } from './model.ts'
import { firstOpenNonce } from './nonce-line.ts'
import { planAnew } from './settle.ts'

/** The first hot wallet of every chain; the same key on all of them has the same address, and a line for each. */
export const HOT_WALLET_KEY_REF = "m/44'/60'/0'/0/0"

/** What the platform has written down about a chain. */
export interface KnownChain {
  epoch: number
  genesisHash: string
  checkpointHeight: number
  checkpointHash: string
}

export async function findKnownChain(
  needs: Pick<EffectNeeds, 'db'>,
  chain: string,
): Promise<KnownChain | undefined> {
  return needs.db
    .selectFrom('chains')
    .select(['epoch', 'genesisHash', 'checkpointHeight', 'checkpointHash'])
    .where('chain', '=', chain)
    .executeTakeFirst()
}

/**
 * Writes a chain and its hot wallet down when they are new; the line of nonces goes on where the chain is. On a local
 * chain the wallet gets its coins. Harmless when done again.
 */
export async function registerChain(needs: EffectNeeds, setup: ChainSetup): Promise<void> {
  const { chain, provider } = setup
  const address = await needs.custody.address(HOT_WALLET_KEY_REF)
  const [{ chainId, genesisHash }, { latest }] = await Promise.all([
    provider.identify(),
    provider.nonces(address),
  ])
  if (chainId !== setup.chainId) {
    throw new Error(
      `The node of ${chain} has chain id ${chainId}, not ${setup.chainId}. Point it to the right network.`,
    )
  }
  const now = needs.clock.now()
  await sql`
    with chain as (
      insert into chains (chain, genesis_hash, checkpoint_hash, updated_at)
      values (${chain}, ${genesisHash}, ${genesisHash}, ${now})
      on conflict (chain) do nothing returning chain, epoch
    )
    insert into wallets (chain, address, key_ref, role, epoch, next_nonce)
    select chain, ${address}, ${HOT_WALLET_KEY_REF}, 'hot', epoch, ${latest} from chain
    on conflict do nothing`.execute(needs.db)
  const known = await findKnownChain(needs, chain)
  if (known?.genesisHash !== genesisHash) return
  await beginScan(needs.db, { chain, epoch: known.epoch, provider }, now)
  await fundLocalWallets(needs, setup)
}

/** Gives the hot wallets of a local chain their coins, and books them. */
export async function fundLocalWallets(needs: EffectNeeds, setup: ChainSetup): Promise<void> {
  if (!needs.sandbox?.has(setup.chain)) return
  const wallets = await needs.db
    .selectFrom('wallets')
    .selectAll()
    .where('chain', '=', setup.chain)
    .where('role', '=', 'hot')
    .execute()
  for (const { address } of wallets) {
    const nonce = await firstOpenNonce(needs, setup.chain, address)
    await needs.sandbox.prepareWallet(setup.chain, address as Address, nonce)
  }
  await recordFunding(needs, setup, {
    who: 'sandbox',
    why: 'The treasury of the local chain filled the wallet.',
  })
}

/**
 * Begins a new epoch of a local chain whose node was lost: transactions of the old chain are over and never sent
 * again, effects that weren't final are planned anew, and a journal closes the wallets' old balances. What was
 * confirmed stays so.
 */
export async function beginEpoch(
  needs: EffectNeeds,
  setup: ChainSetup,
  lost: KnownChain,
  genesisHash: string,
): Promise<void> {
  const { chain } = setup
  const now = needs.clock.now()
  const begun = await needs.db.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('chains')
      .selectAll()
      .where('chain', '=', chain)
      .forUpdate()
      .executeTakeFirst()
    if (row?.genesisHash !== lost.genesisHash || row.epoch !== lost.epoch) return false
    const epoch = lost.epoch + 1
    await trx
      .updateTable('chains')
      .set({ epoch, genesisHash, checkpointHeight: 0, checkpointHash: genesisHash, updatedAt: now })
      .where('chain', '=', chain)
      .execute()
    await beginScanAnew(trx, { chain, epoch, genesisHash }, now)
    const wallets = await trx
      .updateTable('wallets')
      .set({ epoch })
      .where('chain', '=', chain)
      .returning('address')
      .execute()
    const reason = `the local chain was lost; epoch ${epoch} began`
    await sql`
      update chain_transactions set state = 'abandoned', reason = ${reason}, due_at = null, lease_until = null,
             wanted_attempts = attempts, updated_at = ${now}
       where chain = ${chain} and state in ('reserved', 'prepared', 'sent')`.execute(trx)
    const doors = wallets.map(({ address }) => walletDoor(chain, address))
    await endSweeps(trx, { chain, epoch, reason }, now)
    const open = await sql<{ id: string }>`
      select id from effects where door = any(${doors}::text[]) and state = 'reserved'
       order by id for update`.execute(trx)
    await planAnew(
      trx,
      open.rows.map(({ id }) => ({ id, reason })),
      now,
    )
    await sql`update doors set halted_at = null, halted_reason = null where door = any(${doors}::text[])`.execute(
      trx,
    )
    const balances = await sql<{ account: string; asset: string; units: bigint }>`
      select account, asset, sum(units) as units from postings
       where account = any(${doors}::text[]) and ${IS_INDEXED} group by account, asset having sum(units) <> 0
       order by account, asset`.execute(trx)
    await bookAll(trx, [
      {
        kind: 'sandbox-reset',
        purpose: `sandbox-reset:${chain}:${epoch}`,
        integrationId: null,
        reference: chain,
        at: now,
        postings: balances.rows.flatMap(({ account, asset, units }) => [
          { account, asset, units: -units },
          { account: 'equity:sandbox-reset', asset, units },
        ]),
      },
    ])
    return true
  })
  if (begun) needs.log.warn({ chain, epoch: lost.epoch + 1 }, 'The local chain was lost; a new epoch begins.')
}

/** The coins that were to be moved between our wallets are gone with the chain: nobody is to move them any more. */
async function endSweeps(
  trx: Trx,
  { chain, epoch, reason }: { chain: string; epoch: number; reason: string },
  now: Date,
): Promise<void> {
  await sql`
    with lost as (
      update sweeps set state = 'lost', reason = ${reason}, due_at = null, updated_at = ${now}
       where chain = ${chain} and epoch < ${epoch} and state in ('gas', 'coins', 'failed') returning id
    )
    update effects set state = 'cancelled', reason = ${reason}, transaction_id = null, given_up = null,
           due_at = null, lease_until = null, updated_at = ${now}
     where reference in (select 'sweep:' || id from lost) and state in ('planned', 'reserved', 'failed', 'unknown')`.execute(
    trx,
  )
}

/** Halts every hot wallet of a chain. */
export async function haltChain(
  needs: Pick<EffectNeeds, 'db' | 'clock' | 'log'>,
  chain: string,
  reason: string,
): Promise<void> {
  const wallets = await needs.db
    .selectFrom('wallets')
    .select('address')
    .where('chain', '=', chain)
    .where('role', '=', 'hot')
    .execute()
  for (const { address } of wallets) {
    await haltDoor(needs.db, needs, walletDoor(chain, address), reason)
  }
}
