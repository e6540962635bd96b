import { Type } from 'typebox'
import type { IntegrationSettings } from '../common/integration.ts'
import { formatAmount } from '../money/amount.ts'
import { fiatAsset } from '../money/asset.ts'
import { isServed, PAYMENT_METHODS, type PaymentMethod } from '../pricing/payment-methods.ts'
import { findTerms, type Terms } from '../pricing/terms.ts'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { Country, Currency } from '../server/fields.ts'

export const listPaymentMethods = endpoint({
  method: 'GET',
  path: '/api/payment-methods',
  section: 'onramp',
  name: 'listPaymentMethods',
  summary: 'How customers can pay',
  description:
    'The methods that are active for your integration, by currency: what they cost, between which amounts, in which countries, and how long the money takes. `guided` ones can be chosen on the guided payment page.',
  audience: 'token',
  query: Type.Object({
    fiat: Type.Optional(Currency('Only methods that take this currency.')),
    country: Type.Optional(Country('Only methods for customers of this country.')),
  }),
  data: Type.Array(
    Type.Object({
      payment_type: Type.String(),
      name: Type.String(),
      fiat: Type.String(),
      countries: Type.Array(Type.String(), {
        description:
          'Where the method is at home, ISO 3166-1 alpha-2: whoever has an account or card there can pay by it, wherever the customer was registered.',
      }),
      min_amount: Type.String(),
      max_amount: Type.String(),
      fee_percent: Type.String({ description: 'Of the amount paid; the spread on the price comes on top.' }),
      fee_fixed: Type.String(),
      settlement: Type.Union([Type.Literal('instant'), Type.Literal('hours'), Type.Literal('days')]),
      guided: Type.Boolean(),
    }),
  ),
  errors: ['fiat_not_supported'],
  examples: {
    request: { fiat: 'EUR', country: 'ES' },
    answer: [
      {
        payment_type: 'card',
        name: 'Card',
        fiat: 'EUR',
        countries: ['DE', 'ES', 'FR'],
        min_amount: '20.00',
        max_amount: '5000.00',
        fee_percent: '2.50',
        fee_fixed: '0.30',
        settlement: 'instant',
        guided: true,
      },
    ],
  },
  async handle({ config }, { query, integration }) {
    if (query.fiat !== undefined && !fiatAsset(query.fiat)) {
      fail('fiat_not_supported', `${query.fiat} is not supported.`)
    }
    const fiat = query.fiat?.toUpperCase()
    const country = query.country?.toUpperCase()
    return PAYMENT_METHODS.filter(({ type }) => isServed(config, type)).flatMap((method) =>
      method.fiats
        .filter((symbol) => fiat === undefined || symbol === fiat)
        .map((symbol) => findTerms(integration.settings, method.type, fiatAsset(symbol)!))
        .filter((terms) => terms !== undefined)
        .map((terms) => describe(integration.settings, method, terms))
        .filter(({ countries }) => country === undefined || countries.includes(country)),
    )
  },
})

function describe(settings: IntegrationSettings, method: PaymentMethod, terms: Terms) {
  const { countries } = settings
  return {
    payment_type: method.wireType,
    name: method.name,
    fiat: terms.fiat.symbol,
    countries:
      countries.length === 0
        ? method.countries
        : method.countries.filter((country) => countries.includes(country)),
    min_amount: formatAmount(terms.minimumUnits, terms.fiat),
    max_amount: formatAmount(terms.maximumUnits, terms.fiat),
    fee_percent: settings.fees[method.type]!.percent,
    fee_fixed: formatAmount(terms.fixedUnits, terms.fiat),
    settlement: method.settlement,
    guided: method.guided,
  }
}
