import type { NumberRule } from './number-rules.ts'
import * as rules from './number-rules.ts'

export type Person = 'individual' | 'company'

/** A kind of paper that a country gives, with the value the API documents for it. */
export interface IdentificationType {
  type: string
  rule: NumberRule
  /** Whether there is a picture on the other side. */
  needsBack: boolean
  /** Whether it carries a last day of validity that the customer must give. */
  expires: boolean
  /** A number that passes the rule. */
  example: string
}

const type = (
  name: string,
  rule: NumberRule,
  example: string,
  options: { needsBack?: boolean; expires?: boolean } = {},
): IdentificationType => ({ type: name, rule, example, needsBack: true, expires: true, ...options })

const ONE_SIDE = { needsBack: false }
const NO_EXPIRY = { expires: false }
const COMPANY = { needsBack: false, expires: false }

const BY_COUNTRY: Readonly<Record<string, Record<Person, readonly IdentificationType[]>>> = {
  ES: {
    individual: [
      type('GOVERNMENT_ID', rules.ES_DNI, '12345678Z'),
      type('PERMANENT_RESIDENCE_PERMIT', rules.ES_NIE, 'X1234567L'),
      type('PASSPORT', rules.PASSPORT, 'PAA123456', ONE_SIDE),
    ],
    company: [type('CIF', rules.ES_CIF, 'A58818501', COMPANY)],
  },
  CL: {
    individual: [type('RUT', rules.CL_RUT, '12.345.678-5')],
    company: [type('RUT', rules.CL_RUT, '76.086.428-5', COMPANY)],
  },
  MX: {
    individual: [type('CURP', rules.MX_CURP, 'BOXW310820HNERXN09', NO_EXPIRY)],
    company: [type('RFC', rules.MX_RFC_COMPANY, 'MAB9307148T4', COMPANY)],
  },
  CO: {
    individual: [
      type('CED_CIU', rules.CO_CEDULA, '1.020.304.050', NO_EXPIRY),
      type('CED_EXT', rules.CO_FOREIGNER, '442113'),
      type('TI', rules.CO_TARJETA_IDENTIDAD, '1020304050', NO_EXPIRY),
      type('NUIP', rules.CO_NUIP, '1020304050', NO_EXPIRY),
      type('TE', rules.CO_FOREIGNER, '354201'),
      type('PPT', rules.CO_PPT, '4123456'),
      type('PASS', rules.PASSPORT, 'AR123456', ONE_SIDE),
      type('PEP', rules.CO_PEP, '900123410101990'),
      type('RC', rules.CO_REGISTRO_CIVIL, '1020304050', { needsBack: false, expires: false }),
    ],
    company: [type('NIT', rules.CO_NIT, '860.034.594-1', COMPANY)],
  },
  PE: {
    individual: [type('DNI', rules.PE_DNI, '10117410'), type('CE', rules.PE_CARNE_EXTRANJERIA, '001766062')],
    company: [type('RUC', rules.PE_RUC, '20512333797', COMPANY)],
  },
  AR: {
    individual: [
      type('DNI', rules.AR_DNI, '20.123.456'),
      // The CUIL is a number, not a paper; its holder photographs the DNI.
      type('CUIT', rules.AR_CUIL, '20-05536168-2'),
    ],
    company: [type('CUIT', rules.AR_CUIT_COMPANY, '30-50001091-2', COMPANY)],
  },
}

const ELSEWHERE: Record<Person, readonly IdentificationType[]> = {
  individual: [
    type('PASSPORT', rules.PASSPORT, 'XN1234567', ONE_SIDE),
    type('GOVERNMENT_ID', rules.ANY_DOCUMENT, 'AB1234567'),
  ],
  company: [type('COMPANY_REGISTRATION', rules.ANY_DOCUMENT, 'HRB123456', COMPANY)],
}

/** The papers that a country's people or companies can give. */
export function listIdentificationTypes(country: string, person: Person): readonly IdentificationType[] {
  return (BY_COUNTRY[country] ?? ELSEWHERE)[person]
}

/** By its documented value, exactly: `government_id` is none. */
export function findIdentificationType(
  country: string,
  person: Person,
  name: string,
): IdentificationType | undefined {
  return listIdentificationTypes(country, person).find((candidate) => candidate.type === name)
}

export type IdentificationProblem = 'type_not_of_country' | 'wrong_format' | 'wrong_check_digit'

export type CheckedIdentification =
  | {
      ok: true
      type: string
      /** As the country writes it. */
      number: string
      /** Where the number carries one. */
      birthDate: string | undefined
    }
  | { ok: false; problem: IdentificationProblem }

/**
 * Checks a number by its country's rule. Spaces, dots, hyphens, slashes and lower case are forgiven. What it proves
 * is that the number can exist, not that it was given to this person.
 */
export function checkIdentification(given: {
  country: string
  person: Person
  type: string
  number: string
}): CheckedIdentification {
  const found = findIdentificationType(given.country, given.person, given.type)
  if (!found) return { ok: false, problem: 'type_not_of_country' }
  const compact = compactNumber(given.number)
  const { shape, passes, write, birthDate } = found.rule
  if (compact.length > LONGEST_NUMBER || !shape.test(compact)) return { ok: false, problem: 'wrong_format' }
  if (passes && !passes(compact)) return { ok: false, problem: 'wrong_check_digit' }
  return { ok: true, type: found.type, number: write?.(compact) ?? compact, birthDate: birthDate?.(compact) }
}

/** No paper has a longer one; whoever sends pages of text gets no regular expression to chew on. */
const LONGEST_NUMBER = 40

/** Upper case, without what people put between the digits; wide and similar forms of characters made plain. */
export function compactNumber(text: string): string {
  return text
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s./\u2010-\u2015\u2212-]/g, '')
}
