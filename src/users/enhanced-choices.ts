import type { EnhancedField } from '../providers/kyc/enhanced.ts'
import { COUNTRY_CODES } from './identity/countries.ts'

/** What may be chosen where the declaration offers a choice. The page has texts for each, in each language. */
export const CHOICES = {
  employment_status: [
    'employed',
    'self_employed',
    'business_owner',
    'retired',
    'student',
    'homemaker',
    'unemployed',
    'other',
  ],
  sector: [
    'agriculture',
    'arts',
    'construction',
    'crypto',
    'education',
    'finance',
    'gambling',
    'health',
    'hospitality',
    'industry',
    'legal',
    'public_administration',
    'real_estate',
    'retail',
    'services',
    'technology',
    'transport',
    'other',
  ],
  source_of_funds: [
    'salary',
    'self_employment',
    'company_profits',
    'savings',
    'investments',
    'crypto',
    'sale_of_property',
    'sale_of_vehicle',
    'sale_of_company',
    'inheritance',
    'gift',
    'loan',
    'pension',
    'benefits',
    'other',
  ],
  purpose: ['family', 'savings', 'purchases', 'investment', 'trading', 'business', 'other'],
  pep: ['no', 'yes'],
} as const satisfies Partial<Record<EnhancedField, readonly string[]>>

/** The currencies in which a yearly income may be told, each with where its ranges begin, in major units. */
const INCOME_STEPS = {
  EUR: [0, 12_000, 24_000, 48_000, 96_000, 250_000],
  USD: [0, 12_000, 24_000, 48_000, 96_000, 250_000],
  GBP: [0, 12_000, 24_000, 48_000, 96_000, 250_000],
  CHF: [0, 25_000, 50_000, 100_000, 200_000, 500_000],
  ARS: [0, 12_000_000, 24_000_000, 48_000_000, 96_000_000, 240_000_000],
  BRL: [0, 30_000, 60_000, 120_000, 240_000, 600_000],
  CLP: [0, 6_000_000, 12_000_000, 24_000_000, 48_000_000, 120_000_000],
  COP: [0, 18_000_000, 36_000_000, 72_000_000, 150_000_000, 400_000_000],
  MXN: [0, 120_000, 240_000, 480_000, 960_000, 2_400_000],
  PEN: [0, 18_000, 36_000, 72_000, 150_000, 400_000],
} as const satisfies Record<string, readonly number[]>

export const INCOME_CURRENCIES = Object.keys(INCOME_STEPS) as (keyof typeof INCOME_STEPS)[]

/** Where the ranges of the expected volume a month begin, in euros. */
const VOLUME_STEPS = [0, 1_000, 3_000, 10_000, 25_000] as const

/** A range of amounts: `12000-24000`, or `250000-` without an end. */
export interface AmountRange {
  code: string
  /** Major units, digits alone. */
  from: string
  to: string | null
}

function rangesOf(steps: readonly number[]): AmountRange[] {
  return steps.map((from, at) => {
    const to = steps[at + 1]
    return { code: `${from}-${to ?? ''}`, from: String(from), to: to === undefined ? null : String(to) }
  })
}

/** The ranges of yearly income by currency. */
export const INCOME_RANGES: Readonly<Record<string, AmountRange[]>> = Object.fromEntries(
  Object.entries(INCOME_STEPS).map(([currency, steps]) => [currency, rangesOf(steps)]),
)

/** The ranges of the expected volume a month, in EUR. */
export const MONTHLY_VOLUMES: readonly AmountRange[] = rangesOf(VOLUME_STEPS)

/** The currency in which the people of a country mostly earn. */
export function usualCurrency(country: string | null): string {
  const known: Readonly<Record<string, string>> = {
    AR: 'ARS',
    BR: 'BRL',
    CH: 'CHF',
    CL: 'CLP',
    CO: 'COP',
    EC: 'USD',
    GB: 'GBP',
    MX: 'MXN',
    PE: 'PEN',
    US: 'USD',
  }
  return (country !== null && known[country]) || 'EUR'
}

export interface Condition {
  field: EnhancedField
  values: readonly string[]
}

const WORKING = ['employed', 'self_employed', 'business_owner']

/** Fields that are asked only when another one has one of these values. */
const CONDITIONS: Partial<Record<EnhancedField, Condition>> = {
  occupation: { field: 'employment_status', values: [...WORKING, 'other'] },
  employer: { field: 'employment_status', values: ['employed', 'business_owner'] },
  sector: { field: 'employment_status', values: WORKING },
  source_details: { field: 'source_of_funds', values: ['other'] },
  purpose_details: { field: 'purpose', values: ['other'] },
  pep_details: { field: 'pep', values: ['yes'] },
}

/** A company has neither a job nor an employer; what it does and in which sector is always asked. */
const COMPANY_CONDITIONS: typeof CONDITIONS = {
  source_details: CONDITIONS.source_details!,
  purpose_details: CONDITIONS.purpose_details!,
  pep_details: CONDITIONS.pep_details!,
}

export const conditionsFor = (type: 'individual' | 'company'): typeof CONDITIONS =>
  type === 'company' ? COMPANY_CONDITIONS : CONDITIONS

/** The types of documents that prove a source of funds, the likeliest first. Any of them is taken, whatever the source. */
export const PROOF_TYPES = [
  'bank_statement',
  'payslip',
  'employment_contract',
  'tax_return',
  'tax_certificate',
  'company_accounts',
  'dividend_statement',
  'investment_statement',
  'crypto_wallet_statement',
  'sale_of_property',
  'sale_of_vehicle',
  'sale_of_company_shares',
  'inheritance_document',
  'gift_declaration',
  'loan_agreement',
  'savings_evidence',
  'invoice',
  'freelance_income_evidence',
  'pension_statement',
  'unemployment_benefit_statement',
  'source_of_funds_declaration',
  'other',
] as const

export type ProofType = (typeof PROOF_TYPES)[number]

/** Which documents best prove each source. */
export const USUAL_PROOFS: Record<(typeof CHOICES)['source_of_funds'][number], readonly ProofType[]> = {
  salary: ['payslip', 'employment_contract', 'tax_return'],
  self_employment: ['freelance_income_evidence', 'invoice', 'tax_return'],
  company_profits: ['company_accounts', 'dividend_statement', 'tax_return'],
  savings: ['savings_evidence', 'bank_statement'],
  investments: ['investment_statement', 'dividend_statement'],
  crypto: ['crypto_wallet_statement'],
  sale_of_property: ['sale_of_property'],
  sale_of_vehicle: ['sale_of_vehicle'],
  sale_of_company: ['sale_of_company_shares'],
  inheritance: ['inheritance_document'],
  gift: ['gift_declaration'],
  loan: ['loan_agreement'],
  pension: ['pension_statement'],
  benefits: ['unemployment_benefit_statement'],
  other: ['source_of_funds_declaration', 'bank_statement'],
}

/** Every country: whoever was accepted as a customer may owe taxes anywhere. */
export const TAX_COUNTRIES: readonly string[] = COUNTRY_CODES
