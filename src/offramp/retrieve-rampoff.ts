import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { findSale } from './sale-store.ts'
import { SaleObject, wireSale } from './sale-wire.ts'
import { loadShownDeposits } from './shown-deposits.ts'

const PAYOUT = {
  state: 'confirmed',
  amount: '4547.40',
  reason: null,
  created_at: '2026-06-26T10:31:02.000000Z',
}

/** What `GET /api/getRampoff` answers, as the documentation shows it. */
export const SALE_EXAMPLE = {
  id: 'Rk3VqT9bX1LmN8sR4pYw2Ac6D',
  external_id: 'sale-abc-001',
  user_id: '100067',
  status: 'finished',
  blockchain: 'polygon',
  crypto: 'USDC',
  amount: '5000000000',
  decimals: 6,
  received_amount: '5000000000',
  fiat_amount: '4547.40',
  fiat_symbol: 'EUR',
  price: '0.921500',
  fee: '60.10',
  wallet: '0x8C8D7C46219D9205f056f28fee5950aD564d7465',
  refund_wallet: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  txid: '0x7f9fade1c0d57a7af66ab4ead79fade1c0d57a7af66ab4ead7c2c2eb7b11a913',
  iban: 'ES9121000418450200051332',
  payout: PAYOUT,
  payouts: [PAYOUT],
  refund: null,
  refunds: [],
  deposits: [
    {
      txid: '0x7f9fade1c0d57a7af66ab4ead79fade1c0d57a7af66ab4ead7c2c2eb7b11a913',
      crypto: 'USDC',
      amount: '5000000000',
      decimals: 6,
      state: 'counted',
      reason: null,
      created_at: '2026-06-26T10:30:48.000000Z',
    },
  ],
  expires_at: null,
  created_at: '2026-06-26T10:30:00.000000Z',
  updated_at: '2026-06-26T10:31:12.000000Z',
}

export const getRampoff = endpoint({
  method: 'GET',
  path: '/api/getRampoff',
  section: 'offramp',
  name: 'getRampoff',
  summary: 'Look at a sale',
  description:
    'The sale as it is now. `amount` is what was asked and `received_amount` what arrived, both in base units of the coin with `decimals`. `fiat_amount` is an estimate until `processing`, then exact. `deposits` shows all that came, also what does not count: another coin, or coins from a listed address, and what became of them. `expires_at` tells when the present state ends by itself.',
  audience: 'token',
  query: Type.Object({
    id: Type.Unsafe<string>({
      type: 'string',
      maxLength: 64,
      description: 'The id that createRampoff answered.',
      examples: [SALE_EXAMPLE.id],
    }),
  }),
  data: SaleObject,
  errors: ['rampoff_not_found'],
  examples: { request: { id: SALE_EXAMPLE.id }, answer: SALE_EXAMPLE },
  async handle(app, { query, integration }) {
    const sale = await findSale(app.db, integration.id, query.id)
    if (!sale) fail('rampoff_not_found', 'There is no such sale.')
    const deposits = await loadShownDeposits(app.db, [sale])
    return wireSale(sale, app, deposits.get(sale.id)!)
  },
})
