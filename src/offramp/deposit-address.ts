import type { Address } from 'viem'
import { deriveAddresses } from '../providers/custody/derive.ts'
import type { Custody } from '../providers/custody/port.ts'

/** The account of deposit addresses; the hot wallet has the one before it. */
const DEPOSIT_ACCOUNT = "m/44'/60'/1'"
const BRANCH = 0

/** The key of the deposit address of an index. */
export const depositKeyRef = (index: number): string => `${DEPOSIT_ACCOUNT}/${BRANCH}/${index}`

const opened = new WeakMap<Custody, Promise<(index: number) => Address>>()

/**
 * The deposit addresses by their index, one for each sale. The custody is asked once in the life of the program;
 * after that each is derived here, without a call and without a private key. Outside of database transactions, as
 * custody may be far away. Throws `ProviderError` when it can't be reached; the next call asks again.
 */
export function openDepositAddresses(custody: Custody): Promise<(index: number) => Address> {
  const known = opened.get(custody)
  if (known) return known
  const asked = custody.accountKey(DEPOSIT_ACCOUNT).then((key) => deriveAddresses(key, BRANCH))
  opened.set(custody, asked)
  asked.catch(() => opened.delete(custody))
  return asked
}
