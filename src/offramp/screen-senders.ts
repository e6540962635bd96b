import type { App } from '../app.ts'
import { ProviderError } from '../providers/provider-error.ts'
import type { Deposit } from './deposit-store.ts'

/** By deposit; those whose sender nobody could judge now are missing. */
export type Screened = ReadonlyMap<string, 'free' | 'blocked'>

/**
 * Asks the screening provider of each sender once. Without an answer nothing is decided: the deposit waits. A sender that
 * the chain doesn't name can't be free: a person looks.
 */
export async function screenSenders(
  app: Pick<App, 'providers' | 'log'>,
  deposits: readonly Deposit[],
): Promise<Screened> {
  const named = deposits.flatMap(({ id, chain, fromAddress }) =>
    fromAddress === null ? [] : { id, chain, fromAddress },
  )
  const senders = Map.groupBy(named, ({ chain, fromAddress }) => `${chain}:${fromAddress}`)
  const screened = new Map<string, 'free' | 'blocked'>()
  for (const { id, fromAddress } of deposits) if (fromAddress === null) screened.set(id, 'blocked')
  await Promise.all(
    [...senders.values()].map(async (same) => {
      const { chain, fromAddress: address } = same[0]!
      try {
        const { blocked } = await app.providers.screening.screenWallet({ chain, address })
        for (const { id } of same) screened.set(id, blocked ? 'blocked' : 'free')
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error
        app.log.warn(
          { chain, err: error },
          'The sender of a deposit could not be screened; it is tried again.',
        )
      }
    }),
  )
  return screened
}
