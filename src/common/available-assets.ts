import { Type } from 'typebox'
import { chainName, FIAT_ASSETS } from '../money/asset.ts'
import { contractOf } from '../pricing/deliverable.ts'
import { isServed, PAYMENT_METHODS } from '../pricing/payment-methods.ts'
import { EUR, findSellTerms, findTerms, listActiveCoins } from '../pricing/terms.ts'
import { endpoint } from '../server/endpoint.ts'
import { nullable } from '../server/fields.ts'

export const availableAssets = endpoint({
  method: 'GET',
  path: '/api/available-assets',
  section: 'common',
  name: 'availableAssets',
  summary: 'The coins you can offer',
  description:
    'The pairs of coin and chain that are active for your integration. The same coin may have other decimals on another chain.',
  audience: 'token',
  data: Type.Array(
    Type.Object({
      symbol: Type.String(),
      name: Type.String(),
      chain: Type.String(),
      chain_name: Type.String(),
      decimals: Type.Integer({ description: 'Of the coin on this chain.' }),
      contract: nullable(Type.String({ description: 'Null for the chain’s own coin.' })),
      buy: Type.Boolean(),
      sell: Type.Boolean({ description: 'Whether customers can sell it.' }),
      min_fiat_amount: Type.String({ description: 'The smallest purchase, in euros.' }),
    }),
  ),
  errors: [],
  examples: {
    answer: [
      {
        symbol: 'USDC',
        name: 'USD Coin',
        chain: 'polygon',
        chain_name: 'Polygon',
        decimals: 6,
        contract: '0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359',
        buy: true,
        sell: true,
        min_fiat_amount: '20.00',
      },
    ],
  },
  async handle({ providers, config }, { integration: { settings } }) {
    const buy = PAYMENT_METHODS.some(
      ({ type }) => isServed(config, type) && findTerms(settings, type, EUR) !== undefined,
    )
    const sell =
      isServed(config, 'transfer') && FIAT_ASSETS.some((fiat) => findSellTerms(settings, fiat) !== undefined)
    return listActiveCoins(settings).flatMap(({ asset }) => {
      const contract = contractOf(providers.chains, asset)
      if (contract === undefined) return []
      return {
        symbol: asset.symbol,
        name: asset.name,
        chain: asset.chain,
        chain_name: chainName(asset.chain!),
        decimals: asset.decimals,
        contract,
        buy,
        sell,
        min_fiat_amount: settings.minimum.EUR ?? '0.00',
      }
    })
  },
})
