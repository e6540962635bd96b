import { validate as validateCuit } from 'stdnum/lib/cjs/ar/cuit.js'
import { validate as validateRut } from 'stdnum/lib/cjs/cl/rut.js'
import { validate as validateNit } from 'stdnum/lib/cjs/co/nit.js'
import { validate as validateCif } from 'stdnum/lib/cjs/es/cif.js'
import { validate as validateDni } from 'stdnum/lib/cjs/es/dni.js'
import { validate as validateNie } from 'stdnum/lib/cjs/es/nie.js'
import { validate as validateCurp } from 'stdnum/lib/cjs/mx/curp.js'
import { validate as validateRfc } from 'stdnum/lib/cjs/mx/rfc.js'
import { validate as validateCui } from 'stdnum/lib/cjs/pe/cui.js'
import { validate as validateRuc } from 'stdnum/lib/cjs/pe/ruc.js'

/**
 * How one kind of identification number is checked. `shape` is tried on the number in upper case without spaces,
 * dots, hyphens and slashes; `passes` then computes what the number proves about itself (check digits, dates).
 */
export interface NumberRule {
  shape: RegExp
  passes?: (compact: string) => boolean
  /** As the country writes it; as given without separators unless told. */
  write?: (compact: string) => string
  /** The birth date that the number carries, `YYYY-MM-DD`. */
  birthDate?: (compact: string) => string
}

type StdnumValidate = (value: string) => { isValid: boolean }
const by = (validate: StdnumValidate) => (compact: string) => validate(compact).isValid

/** `123456789` → `123.456.789` */
const thousands = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, '.')

/** Spain, Real Decreto 1553/2005: eight digits and a letter, the number modulo 23. */
export const ES_DNI: NumberRule = { shape: /^\d{8}[A-Z]$/, passes: by(validateDni) }

/** Spain, Real Decreto 557/2011: X, Y or Z, seven digits, and the letter of the DNI. */
export const ES_NIE: NumberRule = { shape: /^[XYZ]\d{7}[A-Z]$/, passes: by(validateNie) }

/** Spain, Orden EHA/451/2008: the kind of entity, seven digits, a check digit or letter. */
export const ES_CIF: NumberRule = { shape: /^[ABCDEFGHJNPQRSUVW]\d{7}[0-9A-J]$/, passes: by(validateCif) }

/** Chile, Servicio de Registro Civil: modulo 11, K for ten. Zeros in front are not part of the number. */
export const CL_RUT: NumberRule = {
  shape: /^0*[1-9]\d{6,7}[0-9K]$/,
  passes: (compact) => validateRut(compact.replace(/^0+/, '')).isValid,
  write: (compact) => `${thousands(compact.replace(/^0+/, '').slice(0, -1))}-${compact.slice(-1)}`,
}

/** Mexico, RENAPO's instruction for the CURP (Diario Oficial de la Federación, 18 October 2021). */
export const MX_CURP: NumberRule = {
  shape: /^[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d$/,
  passes: by(validateCurp),
  birthDate: (compact) => {
    // The 17th character tells the century: a digit for the 1900s, a letter since 2000.
    const century = /\d/.test(compact[16] ?? '') ? '19' : '20'
    return `${century}${compact.slice(4, 6)}-${compact.slice(6, 8)}-${compact.slice(8, 10)}`
  },
}

/** Mexico, SAT: the twelve characters of a company (`persona moral`). */
export const MX_RFC_COMPANY: NumberRule = {
  shape: /^[A-ZÑ&]{3}\d{6}[0-9A-Z]{2}[0-9A]$/,
  passes: by(validateRfc),
}

/**
 * Colombia, Registraduría: up to eight digits from the old series, ten since the NUIP (which begins at
 * 1,000,000,000, Resolución 3007 de 2004). There is no check digit.
 */
export const CO_CEDULA: NumberRule = { shape: /^([1-9]\d{3,7}|1\d{9})$/, write: thousands }

/** Colombia, Migración Colombia (cédula and tarjeta de extranjería): the holder's historial number, no check digit. */
export const CO_FOREIGNER: NumberRule = { shape: /^[1-9]\d{3,7}$/ }

/** Colombia, Registraduría: a NUIP, or the older eleven digits that begin with the birth date (YYMMDD). */
export const CO_TARJETA_IDENTIDAD: NumberRule = {
  shape: /^(1\d{9}|\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{5})$/,
}

/** Colombia, Registraduría: ten digits from 1,000,000,000, or the ten characters with a letter given 2000 to 2004. */
export const CO_NUIP: NumberRule = { shape: /^(1\d{9}|[A-Z]\d[A-Z]\d{7}|[A-Z]{2}[A-Z0-9]\d{7})$/ }

/** Colombia, Decreto 1260 de 1970: the NUIP of the birth, or the civil register's serial (eight to eleven characters). */
export const CO_REGISTRO_CIVIL: NumberRule = { shape: /^(?=(?:.*\d){6})[A-Z0-9]{8,11}$/ }

/** Colombia, Resolución 971 de 2021 (Permiso por Protección Temporal): digits, which some write after "PPT". */
export const CO_PPT: NumberRule = {
  shape: /^(PPT)?\d{5,11}$/,
  write: (compact) => compact.replace(/^PPT/, ''),
}

/** Colombia, Resolución 5797 de 2017 (Permiso Especial de Permanencia): fifteen digits, which some write after "PEP". */
export const CO_PEP: NumberRule = { shape: /^(PEP)?\d{15}$/, write: (compact) => compact.replace(/^PEP/, '') }

/** Colombia, DIAN, Orden Administrativa 4 de 1989: modulo 11 with prime weights. */
export const CO_NIT: NumberRule = {
  shape: /^[1-9]\d{7,10}$/,
  passes: by(validateNit),
  write: (compact) => `${thousands(compact.slice(0, -1))}-${compact.slice(-1)}`,
}

/**
 * Peru, RENIEC: eight digits, and the check character printed behind them when it is given: a digit, or on papers
 * issued before August 2007 a letter.
 */
export const PE_DNI: NumberRule = {
  shape: /^\d{8}[0-9A-K]?$/,
  passes: (compact) =>
    /[A-K]$/.test(compact) ? compact.endsWith(peruvianLetter(compact)) : validateCui(compact).isValid,
  write: (compact) => compact.slice(0, 8),
}

/** The letter form of the check character; the library knows the digits alone. */
function peruvianLetter(compact: string): string {
  const weights = [3, 2, 7, 6, 5, 4, 3, 2]
  const sum = weights.reduce((total, weight, index) => total + weight * Number(compact[index]), 0)
  return 'KJIHGFEDCBA'[sum % 11] as string
}

/** Peru, Migraciones: nine digits; SUNAT's catalogue 06 allows twelve characters for older cards. */
export const PE_CARNE_EXTRANJERIA: NumberRule = { shape: /^(?=(?:.*\d){6})[A-Z0-9]{9,12}$/ }

/** Peru, SUNAT: modulo 11; 20 is a company, the rest are persons with a business. */
export const PE_RUC: NumberRule = { shape: /^(10|15|16|17|20)\d{9}$/, passes: by(validateRuc) }

/** Argentina, RENAPER: seven or eight digits, no check digit. */
export const AR_DNI: NumberRule = { shape: /^[1-9]\d{6,7}$/, write: thousands }

const writeCuit = (compact: string): string =>
  `${compact.slice(0, 2)}-${compact.slice(2, 10)}-${compact.slice(10)}`

/** Argentina, ANSES: the CUIL of a person, modulo 11. */
export const AR_CUIL: NumberRule = {
  shape: /^2[034567]\d{9}$/,
  // The library doesn't know 25 and 26, which are given where 20, 23, 24 and 27 are taken already.
  passes: (compact) => (/^2[56]/.test(compact) ? hasCuitDigit(compact) : validateCuit(compact).isValid),
  write: writeCuit,
}

function hasCuitDigit(compact: string): boolean {
  const weights = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]
  const sum = weights.reduce((total, weight, index) => total + weight * Number(compact[index]), 0)
  // A remainder of 1 would need the digit 10: such a number is never given.
  return sum % 11 !== 1 && String((11 - (sum % 11)) % 11) === compact[10]
}

/** Argentina, ARCA (formerly AFIP): the CUIT of a company, modulo 11. */
export const AR_CUIT_COMPANY: NumberRule = {
  shape: /^(30|33|34|50|51|55)\d{9}$/,
  passes: by(validateCuit),
  write: writeCuit,
}

/** ICAO Doc 9303, part 4: at most nine letters and digits. The check digit stands in the MRZ alone. */
export const PASSPORT: NumberRule = { shape: /^(?=.*\d)[A-Z0-9]{5,9}$/ }

/** Papers of countries whose own rule isn't known here. */
export const ANY_DOCUMENT: NumberRule = { shape: /^(?=(?:.*\d){3})[A-Z0-9]{4,20}$/ }
