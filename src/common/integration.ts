import { type Static, Type } from 'typebox'

/**
 * What an integration may do and what it costs, as data. Amounts are decimal text in major units, percents decimal
 * text ("2.50" is 2.5 %); they are parsed strictly where they are used.
 */
const Decimal = Type.String({ pattern: '^\\d{1,18}(\\.\\d{1,8})?$' })

/** A name that isn't here is a slip: it is refused, not kept. */
const CLOSED = { additionalProperties: false }

const FeeSettings = Type.Object({ percent: Decimal, fixed: Decimal }, CLOSED)

export const IntegrationSettings = Type.Object(
  {
    brand: Type.Object(
      {
        /** The name on the customer's pages. */
        name: Type.String({ minLength: 1, maxLength: 80 }),
        logoUrl: Type.Union([Type.String({ maxLength: 2048 }), Type.Null()]),
        /** `#rrggbb`; the pages guarantee the contrast. */
        color: Type.String({ pattern: '^#[0-9a-fA-F]{6}$' }),
      },
      CLOSED,
    ),
    /** Pairs that may be bought, such as `polygon:USDC`. */
    pairs: Type.Array(Type.String({ pattern: '^[a-z0-9_-]+:[A-Z0-9]+$' })),
    /** Countries (ISO 3166-1 alpha-2) whose customers are accepted; empty: all that the platform supports. */
    countries: Type.Array(Type.String({ pattern: '^[A-Z]{2}$' })),
    /** Payment types that may be used; `card` here is the card right. */
    paymentTypes: Type.Array(Type.String()),
    /** Percent and fixed fee by payment type, in the currency of the payment. */
    fees: Type.Record(Type.String(), FeeSettings),
    /** The integration's spread on mid in percent, a listed part of the fee. */
    spreadPercent: Decimal,
    /** Delivery on a chain, in euros. */
    networkFee: Type.Record(Type.String(), Decimal),
    /** Minimum by currency. */
    minimum: Type.Record(Type.String(), Decimal),
    /** Maximum per payment by currency. */
    maximum: Type.Record(Type.String(), Decimal),
    /** In euros, by KYC level: by card in a calendar quarter (UTC), and in rolling 12 months. */
    limits: Type.Object(
      {
        basic: Type.Object({ cardQuarter: Decimal, year: Decimal }, CLOSED),
        reinforced: Type.Object({ cardQuarter: Decimal, year: Decimal }, CLOSED),
      },
      CLOSED,
    ),
    /** A wallet by chain, used for every payment on it in place of one the customer gives. */
    wallets: Type.Record(Type.String(), Type.String()),
    /** Addresses or CIDR ranges that may call; empty: all. */
    ipAllowlist: Type.Array(Type.String()),
    /** Hosts a `callback_url` may have; empty: all. */
    callbackHosts: Type.Array(Type.String()),
    rights: Type.Object({ delegatedKyc: Type.Boolean() }, CLOSED),
    /** What to do when the money that came isn't what was asked. Tolerance in euros. */
    mismatch: Type.Object(
      {
        tolerance: Decimal,
        over: Type.Union([Type.Literal('refund_excess'), Type.Literal('review')]),
        late: Type.Union([Type.Literal('review'), Type.Literal('refund')]),
        thirdParty: Type.Union([Type.Literal('review'), Type.Literal('accept')]),
        keepFeesOnRefund: Type.Boolean(),
      },
      CLOSED,
    ),
    /** What sales cost, and what to do when their coins aren't what was asked. */
    sales: Type.Object(
      {
        /** Percent and fixed fee by the currency that is paid out: a currency that has none can't be sold for. */
        fees: Type.Record(Type.String(), FeeSettings),
        /** The least that the coins of a sale may be worth, by currency, fees inside. */
        minimum: Type.Record(Type.String(), Decimal),
        /** The most. */
        maximum: Type.Record(Type.String(), Decimal),
        /** In percent of the coins asked: so much less or more counts as exact. */
        tolerancePercent: Decimal,
        /** Coins worth less than this many euros are not worth moving: those that nobody waits for are booked and left. */
        dust: Decimal,
        /** Less came by the deadline. `convert` only what is worth the minimum of a sale; less than that goes back. */
        short: Type.Union([Type.Literal('convert'), Type.Literal('return'), Type.Literal('review')]),
        /** More came. `return` gives back what is over. */
        excess: Type.Union([Type.Literal('convert'), Type.Literal('return'), Type.Literal('review')]),
        /** They came when the sale was over. */
        late: Type.Union([Type.Literal('convert'), Type.Literal('return'), Type.Literal('review')]),
        /** Another coin came than was asked. */
        wrongAsset: Type.Union([Type.Literal('return'), Type.Literal('review')]),
      },
      CLOSED,
    ),
    /** Calls a minute; null: the platform's setting. */
    ratePerMinute: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
  },
  CLOSED,
)

export type IntegrationSettings = Static<typeof IntegrationSettings>

/** An integration as handlers see it. */
export interface Integration {
  id: number
  name: string
  settings: IntegrationSettings
  /** The pair's name that authenticated this call. */
  apiKey: string
}

/** What a new integration starts with: every pair and method the platform has, and the limits of the contract. */
export const DEFAULT_SETTINGS: IntegrationSettings = {
  brand: { name: 'CryptoPocket', logoUrl: null, color: '#3454d1' },
  pairs: ['polygon:USDC', 'polygon:USDT', 'polygon:ETH', 'polygon:POL', 'bsc:USDC', 'bsc:BUSD', 'bsc:BNB'],
  countries: [],
  paymentTypes: ['card', 'psd2', 'transfer', 'paypal', 'khipu', 'spei', 'pse', 'pagoefectivo', 'cvu'],
  fees: {
    card: { percent: '2.50', fixed: '0.30' },
    psd2: { percent: '1.00', fixed: '0.20' },
    transfer: { percent: '0.80', fixed: '0.00' },
    paypal: { percent: '3.40', fixed: '0.35' },
    khipu: { percent: '2.00', fixed: '0' },
    spei: { percent: '1.50', fixed: '0' },
    pse: { percent: '2.00', fixed: '0' },
    pagoefectivo: { percent: '2.50', fixed: '0' },
    cvu: { percent: '1.50', fixed: '0' },
  },
  spreadPercent: '0.50',
  networkFee: { polygon: '0.05', bsc: '0.15' },
  minimum: { EUR: '20.00', CLP: '20000', MXN: '400.00', COP: '90000.00', PEN: '80.00', ARS: '100.00' },
  maximum: {
    EUR: '5000.00',
    CLP: '5000000',
    MXN: '100000.00',
    COP: '20000000.00',
    PEN: '20000.00',
    ARS: '7000000.00',
  },
  limits: {
    basic: { cardQuarter: '1000.00', year: '15000.00' },
    reinforced: { cardQuarter: '10000.00', year: '100000.00' },
  },
  wallets: {},
  ipAllowlist: [],
  callbackHosts: [],
  rights: { delegatedKyc: true },
  mismatch: {
    tolerance: '1.00',
    over: 'refund_excess',
    late: 'review',
    thirdParty: 'review',
    keepFeesOnRefund: false,
  },
  sales: {
    fees: {
      EUR: { percent: '0.80', fixed: '0.20' },
      CLP: { percent: '1.50', fixed: '300' },
      MXN: { percent: '1.50', fixed: '6.00' },
      COP: { percent: '1.50', fixed: '1300.00' },
      PEN: { percent: '1.50', fixed: '1.20' },
      ARS: { percent: '1.50', fixed: '300.00' },
    },
    minimum: {
      EUR: '20.00',
      CLP: '20000',
      MXN: '400.00',
      COP: '90000.00',
      PEN: '80.00',
      ARS: '30000.00',
    },
    maximum: {
      EUR: '10000.00',
      CLP: '10000000',
      MXN: '200000.00',
      COP: '40000000.00',
      PEN: '40000.00',
      ARS: '14000000.00',
    },
    tolerancePercent: '1.00',
    dust: '0.10',
    short: 'convert',
    excess: 'convert',
    late: 'convert',
    wrongAsset: 'return',
  },
  ratePerMinute: null,
}
