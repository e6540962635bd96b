import type { Address } from 'viem'
import { deriveAddresses } from '../providers/custody/derive.ts'
import type { Custody } from '../providers/custody/port.ts'

/** The account of deposit addresses; the hot wallet has the one before it. */
const DEPOSIT_ACCOUNT = "m/44'/60'/1'"

/**
 * Which of the account's addresses one is. The database counts the index on, and the second in which it was taken tells
 * it from that of the same index which an older state of the database, put back, would give again.
 */
export interface DepositPlace {
  /** Since 2020 began; the branch of keys. It goes to 2^31, in 2088. */
  second: number
  index: number
}

/** The key of the deposit address of a place. */
export const depositKeyRef = ({ second, index }: DepositPlace): string =>
  `${DEPOSIT_ACCOUNT}/${second}/${index}`

export type AddressAt = (place: DepositPlace) => Address

const opened = new WeakMap<Custody, Promise<AddressAt>>()

/**
 * The deposit addresses by their places, one for each sale. The custody is asked once in the life of the program; after
 * that each is derived here, without a call and without a private key. Outside of database transactions, as custody may
 * be far away. Throws `ProviderError` when it can't be reached; the next call asks again.
 */
export function openDepositAddresses(custody: Custody): Promise<AddressAt> {
  const known = opened.get(custody)
  if (known) return known
  const asked = custody.accountKey(DEPOSIT_ACCOUNT).then(derivePlaces)
  opened.set(custody, asked)
  asked.catch(() => opened.delete(custody))
  return asked
}

/** Most are asked for in the same second as the one before: its branch is kept. */
function derivePlaces(accountKey: string): AddressAt {
  let branch: { second: number; addressAt: (index: number) => Address } | undefined
  return ({ second, index }) => {
    if (branch?.second !== second) branch = { second, addressAt: deriveAddresses(accountKey, second) }
    return branch.addressAt(index)
  }
}
