import type { App } from '../app.ts'
import type { Judgement, PlannedTransfer } from '../effects/model.ts'
import { ProviderError } from '../providers/provider-error.ts'

/**
 * Screens the wallets that coins of sales are about to go back to: one may have been listed since the sale was made.
 * Its coins stay, and a person chooses another wallet. Without an answer nothing leaves.
 */
export async function judgeReturns(
  { providers }: Pick<App, 'providers'>,
  transfers: readonly PlannedTransfer[],
): Promise<Judgement> {
  const judgement: Judgement = { refused: [], waiting: [] }
  const wallets = Map.groupBy(transfers, ({ chain, to }) => `${chain}:${to}`)
  await Promise.all(
    [...wallets.values()].map(async (same) => {
      const { chain, to: address } = same[0]!
      try {
        const { blocked } = await providers.screening.screenWallet({ chain, address })
        if (!blocked) return
        const reason = `wallet_blocked: coins can't go back to ${address}, which stands on a list; they stay until a person names another wallet`
        judgement.refused.push(...same.map(({ id }) => ({ id, reason })))
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error
        const reason = `not_screened: ${error.message}`
        judgement.waiting.push(...same.map(({ id }) => ({ id, reason })))
      }
    }),
  )
  return judgement
}
