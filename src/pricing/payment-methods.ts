import type { Config } from '../kernel/config.ts'

/**
 * How customers may pay. The name on the wire is written as the documentation writes it; inside, in settings and in
 * the database it is lower case.
 */
export interface PaymentMethod {
  type: PaymentType
  wireType: string
  /** For people. */
  name: string
  fiats: readonly string[]
  /** Where those live who can use it, ISO 3166-1 alpha-2. */
  countries: readonly string[]
  /** When the money is here: the customer's coins follow at once. */
  settlement: 'instant' | 'hours' | 'days'
  /** Whether it can be chosen on the guided page. */
  guided: boolean
}

export type PaymentType =
  | 'card'
  | 'paypal'
  | 'psd2'
  | 'transfer'
  | 'khipu'
  | 'spei'
  | 'pse'
  | 'pagoefectivo'
  | 'cvu'

const EEA = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(
  ' ',
)
const SEPA = [...EEA, 'AD', 'CH', 'GB', 'MC', 'SM', 'VA'].sort()
const LATAM = ['AR', 'CL', 'CO', 'MX', 'PE']
const ANYWHERE = [...SEPA, ...LATAM].sort()

export const PAYMENT_METHODS: readonly PaymentMethod[] = [
  euro('card', 'Card', ANYWHERE, 'instant', true),
  euro('paypal', 'PayPal', ANYWHERE, 'instant', false),
  euro('psd2', 'Open banking', EEA, 'hours', true),
  euro('transfer', 'Bank transfer', SEPA, 'days', true),
  local('khipu', 'KHIPU', 'Khipu', ['CLP', 'ARS'], ['CL', 'AR']),
  local('spei', 'SPEI', 'SPEI', ['MXN'], ['MX']),
  local('pse', 'PSE', 'PSE', ['COP'], ['CO']),
  local('pagoefectivo', 'PAGOEFECTIVO', 'PagoEfectivo', ['PEN'], ['PE']),
  local('cvu', 'CVU', 'CVU', ['ARS'], ['AR']),
]

const byType = new Map<string, PaymentMethod>(PAYMENT_METHODS.map((method) => [method.type, method]))

/** The method of that name, any case; undefined when there is none. */
export function findPaymentMethod(type: string): PaymentMethod | undefined {
  return byType.get(type) ?? byType.get(type.toLowerCase())
}

/** The methods of Latin America, each of its country: paid at the customer's bank or with a code. */
const LOCAL: ReadonlySet<string> = new Set(['khipu', 'spei', 'pse', 'pagoefectivo', 'cvu'])

/** Any case. */
export const isLocalMethod = (type: string): boolean => LOCAL.has(type.toLowerCase())

/** Whether anybody takes money by the method: its provider is configured. */
export function isServed(config: Pick<Config, 'providers'>, type: PaymentType): boolean {
  switch (type) {
    case 'card':
      return config.providers.card !== 'none'
    case 'psd2':
      return config.providers.openBanking !== 'none'
    case 'transfer':
      return config.providers.bank !== 'none'
    case 'paypal':
      return config.providers.paypal !== 'none'
    default:
      return config.providers.local !== 'none'
  }
}

function euro(
  type: PaymentType,
  name: string,
  countries: readonly string[],
  settlement: PaymentMethod['settlement'],
  guided: boolean,
): PaymentMethod {
  return { type, wireType: type, name, fiats: ['EUR'], countries, settlement, guided }
}

function local(
  type: PaymentType,
  wireType: string,
  name: string,
  fiats: readonly string[],
  countries: readonly string[],
): PaymentMethod {
  return { type, wireType, name, fiats, countries, settlement: 'hours', guided: false }
}
