import { type Static, Type } from 'typebox'
import type { Integration } from '../common/integration.ts'
import { wireTime } from '../kernel/clock.ts'
import { parseAmount } from '../money/amount.ts'
import { fiatAsset, findAsset } from '../money/asset.ts'
import { normaliseIban } from '../providers/bank/iban.ts'
import { endpoint } from '../server/endpoint.ts'
import { type FieldErrors, fail } from '../server/errors.ts'
import {
  Amount,
  Chain,
  CoinSymbol,
  Currency,
  CustomerId,
  nullable,
  Text,
  WireTime,
} from '../server/fields.ts'
import { hashBody } from '../server/idempotency.ts'
import {
  type CreatedSale,
  createSale,
  findMissingOfCustomer,
  type SaleOrder,
} from './create-rampoff-checks.ts'

const Body = Type.Object({
  user_id: CustomerId(),
  external_id: Type.Optional(Text('Your own id, unique among your live sales.')),
  amount: Amount('The coins that the customer sells, in whole coins.'),
  symbol: CoinSymbol(),
  blockchain: Type.Optional(
    Chain('The chain; mandatory with an IBAN. For a customer of Latin America `polygon` unless told.'),
  ),
  iban: Type.Optional(
    Text(
      'Where the money goes, in EUR. Mandatory but for customers of Latin America, who are paid to the account given at registration.',
      64,
    ),
  ),
  bank_name: Type.Optional(
    Text('Latin America only: the bank of that account, unless registration named it.', 100),
  ),
  fiat: Type.Optional(
    Currency('The currency that you expect: EUR to an IBAN, else the one of the customer’s country.'),
  ),
  refund_wallet: Type.Optional(
    Text('Where coins go back to that can’t be sold, such as the wrong ones. Without it a person asks.'),
  ),
  quote_id: Type.Optional(Text('A quote of these coins, to get its price.', 512)),
})

const DEFAULT_CHAIN = 'polygon'

export const createRampoff = endpoint({
  method: 'POST',
  path: '/api/createRampoff',
  section: 'offramp',
  name: 'createRampoff',
  summary: 'Create a sale',
  description: [
    'Answers an address of the sale’s own. The customer sends the coins there until `expires_at`; once they are final on the chain they are sold, and the money goes to the IBAN.',
    '',
    'With a quote its price holds for coins first seen before the quote’s `expires_at`; else they are sold at the price of the moment in which they are final. The same `external_id` with the same body answers the sale that exists already.',
  ].join('\n'),
  audience: 'token',
  body: Body,
  data: Type.Object({
    rampoff: Type.Literal('payment created'),
    wallet: Type.String({ description: 'The address of this sale alone.' }),
    id: Type.String(),
    expires_at: nullable(WireTime),
    amount_units: Type.String({
      description: 'The coins in base units: what has to arrive.',
      examples: ['20000000000000000000'],
    }),
  }),
  errors: [
    'fiat_not_supported',
    'external_id_already_used',
    'user_not_found',
    'user_banned',
    'require_kyc',
    'coin_not_supported',
    'invalid_iban',
    'invalid_wallet',
    'wallet_blocked',
    'method_not_allowed',
    'quote_expired',
    'price_unavailable',
    'min_sale',
    'max_sale',
  ],
  examples: {
    request: {
      user_id: 100001,
      external_id: 'sale-abc-001',
      amount: '5000',
      symbol: 'USDC',
      blockchain: 'polygon',
      iban: 'ES9121000418450200051332',
      refund_wallet: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    },
    answer: {
      rampoff: 'payment created',
      wallet: '0x8C8D7C46219D9205f056f28fee5950aD564d7465',
      id: 'Rk3VqT9bX1LmN8sR4pYw2Ac6D',
      expires_at: '2026-06-27T10:30:00.000000Z',
      amount_units: '5000000000',
    },
  },
  requires({ body }) {
    if (body.iban !== undefined) return ['blockchain']
    // Whether a customer needs an IBAN is known once the customer is.
    const mayBeLocal = body.user_id !== undefined && body.fiat?.toUpperCase() !== 'EUR'
    return mayBeLocal ? [] : ['iban', 'blockchain']
  },
  async findMissing(app, { body, integration }): Promise<FieldErrors> {
    if (body.user_id === undefined || body.iban !== undefined) return {}
    return findMissingOfCustomer(app, {
      integrationId: integration.id,
      customerId: Number(body.user_id),
      askedChain: body.blockchain ?? null,
      bankName: body.bank_name ?? null,
    })
  },
  check({ body }): FieldErrors {
    const { amount, symbol, blockchain = DEFAULT_CHAIN } = body
    const coin = amount !== undefined && symbol !== undefined && findAsset(blockchain, symbol)
    const problem = coin && parseAmount(amount, coin).problem
    return problem ? { amount: [problem] } : {}
  },
  refuse({ fiat, iban }) {
    if (fiat === undefined) return
    if (!fiatAsset(fiat)) fail('fiat_not_supported', `There is no currency ${fiat}.`)
    if (iban !== undefined && fiat.toUpperCase() !== 'EUR')
      fail('fiat_not_supported', `An IBAN is paid in EUR, not ${fiat}.`)
  },
  async handle(app, request) {
    const sale = await createSale(app, readOrder(request), (trx, created) =>
      request.remember(trx, wireCreated(created)),
    )
    return wireCreated(sale)
  },
})

function readOrder({
  body,
  integration,
}: {
  body: Static<typeof Body>
  integration: Integration
}): SaleOrder {
  const chain = (body.blockchain ?? DEFAULT_CHAIN).toLowerCase()
  const coin = findAsset(chain, body.symbol)
  const asked = {
    customerId: Number(body.user_id),
    symbol: body.symbol.toUpperCase(),
    chain,
    iban: body.iban === undefined ? null : normaliseIban(body.iban),
    bankName: body.bank_name ?? null,
    refundWallet: body.refund_wallet ?? null,
    quoteId: body.quote_id ?? null,
  }
  const askedUnits = coin && parseAmount(body.amount, coin).units
  return {
    ...asked,
    integration,
    externalId: body.external_id ?? null,
    // What was asked for, not how it was written: unknown fields are ignored here as well.
    requestHash: hashBody({ ...asked, amount: askedUnits === undefined ? body.amount : String(askedUnits) }),
    askedChain: body.blockchain ?? null,
    askedUnits,
    fiat: body.fiat === undefined ? null : fiatAsset(body.fiat)!,
  }
}

const wireCreated = ({ id, address, askedUnits, expiresAt }: CreatedSale) => ({
  rampoff: 'payment created',
  wallet: address,
  id,
  expires_at: expiresAt && wireTime(expiresAt),
  amount_units: askedUnits.toString(),
})
