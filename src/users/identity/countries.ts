/** Every country of ISO 3166-1 by its alpha-2 code. */
const CODES =
  'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ ' +
  'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR ' +
  'GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO ' +
  'JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR ' +
  'MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO ' +
  'RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV ' +
  'TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW'

export const COUNTRY_CODES: readonly string[] = CODES.split(' ')

const KNOWN: ReadonlySet<string> = new Set(COUNTRY_CODES)

/**
 * Where the platform takes no customers: the FATF's high-risk jurisdictions subject to a call for action (IR, KP,
 * MM), countries under comprehensive sanctions (CU, SY), and those to whose residents Regulations (EU) 833/2014
 * article 5b and (EC) 765/2006 article 1u forbid crypto-asset services (RU, BY). Their papers are accepted from
 * people who live elsewhere.
 */
const NO_RESIDENTS: ReadonlySet<string> = new Set(['BY', 'CU', 'IR', 'KP', 'MM', 'RU', 'SY'])

/** Upper case without spaces around it, or `undefined` when there is no such country. */
export function parseCountry(text: string): string | undefined {
  const code = text.trim().toUpperCase()
  return KNOWN.has(code) ? code : undefined
}

/** Whether a customer may live there. `accepted` are the integration's own countries; empty: all of the platform's. */
export function isResidenceSupported(country: string, accepted: readonly string[]): boolean {
  if (!KNOWN.has(country) || NO_RESIDENTS.has(country)) return false
  return accepted.length === 0 || accepted.includes(country)
}
