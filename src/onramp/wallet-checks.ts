import { sql } from 'kysely'
import type { App } from '../app.ts'
import { fail } from '../server/errors.ts'
import { checkWallet, WALLET_PROBLEMS, type WalletProblem } from './wallet.ts'

export interface JudgedWallet {
  /** With its checksum; null when none was given, or it can't be used. */
  address: string | null
  problem: WalletProblem | 'blocked' | null
  /** Throws `invalid_wallet` or `wallet_blocked`; called at the contract's place for it. */
  refuse(): void
}

/**
 * Judges a wallet by its form, by whose it is, and by the screening provider. It may ask that provider, so it is
 * called before the transaction; what it found is answered when its turn comes. `field`: what the call names it.
 */
export async function judgeWallet(
  app: Pick<App, 'db' | 'providers'>,
  chain: string,
  text: string | null,
  field = 'wallet',
): Promise<JudgedWallet> {
  const refused = (problem: Refused) => refusedWallet(field, problem)
  if (text === null) return { address: null, problem: null, refuse: () => {} }
  const { address, problem } = checkWallet(text)
  if (problem) return refused(problem)
  const stranger = await findOwner(app, chain, address)
  if (stranger) return refused(stranger)
  const screened = await app.providers.screening.screenWallet({ chain, address })
  return screened.blocked ? refused('blocked') : { address, problem: null, refuse: () => {} }
}

/** Whether the address is a token's contract or ours, and so no customer's. */
async function findOwner(
  { db, providers }: Pick<App, 'db' | 'providers'>,
  chain: string,
  address: string,
): Promise<'token_contract' | 'our_own' | undefined> {
  const lower = address.toLowerCase()
  const contracts = providers.contracts.get(chain) ?? []
  if (contracts.some((contract) => contract.toLowerCase() === lower)) return 'token_contract'
  const { rows } = await sql`
    select from wallets where chain = ${chain} and lower(address) = ${lower} limit 1`.execute(db)
  return rows.length === 0 ? undefined : 'our_own'
}

type Refused = WalletProblem | 'blocked'

function refusedWallet(field: string, problem: Refused): JudgedWallet {
  const detail = { errors: { [field]: [problem] } }
  return {
    address: null,
    problem,
    refuse() {
      if (problem === 'blocked') fail('wallet_blocked', 'Nothing can be sent to this wallet.', detail)
      fail('invalid_wallet', `The ${field.replace('_', ' ')} ${WALLET_PROBLEMS[problem]}.`, detail)
    },
  }
}
