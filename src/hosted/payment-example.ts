import type { PaymentView } from './wire.ts'

const TOKEN = {
  amount: '158.024959',
  symbol: 'USDC',
  name: 'USD Coin',
  chain: 'polygon',
  chain_name: 'Polygon',
}

/** A payment's page as the documentation shows it. */
export const PAYMENT_VIEW_EXAMPLE: PaymentView = {
  version: 'p0Wmq83c9kd2xT1a',
  server_time: '2026-06-26T10:30:05.000000Z',
  environment: 'sandbox',
  brand: {
    name: 'Sandbox Remittances',
    logo_url: null,
    color: '#3454d1',
    operator: { name: 'CryptoPocket', terms_url: null, privacy_url: null, support_email: null },
  },
  language: 'es',
  payment_id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D',
  access: 'owner',
  status: 'started',
  status_reason: null,
  allowed: ['choose_method', 'set_wallet', 'pay', 'cancel', 'hand_over'],
  created_at: '2026-06-26T10:30:00.000000Z',
  expires_at: '2026-06-26T11:00:00.000000Z',
  payment_type: 'card',
  method_fixed: false,
  methods: [
    {
      payment_type: 'card',
      fees_total: { amount: '4.88', currency: 'EUR' },
      token: TOKEN,
      settlement: 'instant',
      min: { amount: '20.00', currency: 'EUR' },
      max: { amount: '5000.00', currency: 'EUR' },
      unavailable: null,
    },
  ],
  price: {
    offer_id: 'Zk3VqT9bX1LmN8sR4pYw2Ac6D.1',
    fiat: { amount: '150.50', currency: 'EUR' },
    rate: '0.921500',
    fees: [
      { kind: 'percent', amount: { amount: '3.77', currency: 'EUR' }, percent: '2.50' },
      { kind: 'fixed', amount: { amount: '0.30', currency: 'EUR' }, percent: null },
      { kind: 'spread', amount: { amount: '0.76', currency: 'EUR' }, percent: '0.50' },
      { kind: 'network', amount: { amount: '0.05', currency: 'EUR' }, percent: null },
    ],
    fees_total: { amount: '4.88', currency: 'EUR' },
    token: TOKEN,
    kind: 'fixed',
    expires_at: '2026-06-26T10:40:00.000000Z',
  },
  new_price: null,
  wallet: {
    address: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    fixed: false,
    chain: 'polygon',
    chain_name: 'Polygon',
    kind: 'evm',
  },
  session: null,
  bank_transfer: null,
  received: null,
  delivery: null,
  refund: null,
  callback_url: 'https://shop.example.com/thanks?payment_id=Zk3VqT9bX1LmN8sR4pYw2Ac6D&status=started',
  sandbox: { wallet: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed' },
}
