import { createHash } from 'node:crypto'
import { ibanOf, spanishIban } from '../../bank/iban.ts'

/** A bank of the simulated world; none of these names is a real bank's. */
export interface SimulatedBank {
  id: string
  name: string
  country: string
}

export const BANKS: readonly SimulatedBank[] = [
  { id: 'es-norte', name: 'Banco Simulado del Norte', country: 'ES' },
  { id: 'es-levante', name: 'Caja de Prueba de Levante', country: 'ES' },
  { id: 'es-sierra', name: 'Caja Imaginaria de la Sierra', country: 'ES' },
  { id: 'es-movil', name: 'Banco Móvil de Mentira', country: 'ES' },
  { id: 'pt-tejo', name: 'Banco Fictício do Tejo', country: 'PT' },
  { id: 'pt-douro', name: 'Caixa de Ensaio do Douro', country: 'PT' },
  { id: 'de-rhein', name: 'Musterbank am Rhein', country: 'DE' },
  { id: 'de-spree', name: 'Probesparkasse an der Spree', country: 'DE' },
  { id: 'fr-loire', name: 'Banque Fictive de la Loire', country: 'FR' },
  { id: 'it-arno', name: 'Banca di Prova sull’Arno', country: 'IT' },
  { id: 'nl-maas', name: 'Voorbeeldbank aan de Maas', country: 'NL' },
  { id: 'ie-shannon', name: 'Specimen Bank of Shannon', country: 'IE' },
]

/** The login that works at every simulated bank. */
export const TEST_LOGIN = { user: 'demo', password: 'demo' } as const

export interface DebtorAccount {
  id: string
  name: string
  /** Whose account it is. */
  holder: string
  iban: string
  balanceUnits: bigint
}

/** What a customer has at any bank: enough, too little, and an account that is somebody else's. */
export function accountsOf(bank: SimulatedBank, customer: string | null): DebtorAccount[] {
  const owner = customer ?? 'Demo Customer'
  const account = (id: string, name: string, holder: string, balanceUnits: bigint): DebtorAccount => ({
    id,
    name,
    holder,
    balanceUnits,
    iban: ibanAt(bank, `${owner}/${id}`),
  })
  return [
    account('current', 'Current account', owner, 1_482_355n),
    account('savings', 'Savings account', owner, 734n),
    account('business', 'Business account', 'Comercio de Ejemplo S.L.', 2_500_000n),
  ]
}

/** The same for the same person and bank, with check digits that fit; banks outside Spain use a German-style number. */
function ibanAt(bank: SimulatedBank, whose: string): string {
  const digest = createHash('sha256').update(`${bank.id}/${whose}`).digest()
  const number = String(digest.readBigUInt64BE() % 10n ** 10n).padStart(10, '0')
  return bank.country === 'ES' ? spanishIban('9997', '0001', number) : ibanOf('DE', `00000000${number}`)
}
