import { ibanOf } from '../iban.ts'
import type { TransferOrder } from '../port.ts'

/** What becomes of a transfer out of the simulated bank. */
export interface PayeeFate {
  does: /** Refused at once. */
    | 'refuse'
    /** Nothing is done and no answer comes. */
    | 'hang'
    /** Accepted, then rejected instead of booked. */
    | 'reject'
    /** Booked, then sent back by the receiving bank. */
    | 'return'
    /** Accepted, and never heard of again. */
    | 'stay'
    | 'book'
  code: string | null
  text: string | null
  /** What the receiving bank keeps of what it sends back, in base units. */
  keptUnits: bigint
  returnAfterMs: number | null
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export const BOOKED: PayeeFate = {
  does: 'book',
  code: null,
  text: null,
  keptUnits: 0n,
  returnAfterMs: null,
}
export const NEVER_GIVEN_OUT: PayeeFate = { ...BOOKED, does: 'reject', code: 'AC01' }
/** The fault `return` of the sandbox. */
export const SENT_BACK: PayeeFate = { ...BOOKED, does: 'return', code: 'AC04', returnAfterMs: HOUR_MS }

/** A German bank code that no bank has; the numbers have check digits that fit. */
const magicIban = (number: number): string => ibanOf('DE', `99999999${String(number).padStart(10, '0')}`)

interface MagicPayee {
  /** An IBAN, or how the payee's name ends. */
  value: string
  fate: PayeeFate
  /** For people. */
  text: string
}

const refused = { ...BOOKED, does: 'refuse', code: 'AC01', text: 'Cuenta inexistente' } as const
const forbidden = { ...BOOKED, does: 'refuse', code: 'RR04' } as const
const rejected = { ...BOOKED, does: 'reject', code: 'AC06', text: 'Cuenta bloqueada' } as const
const returned = (code: string, text: string | null = null): PayeeFate => ({
  ...BOOKED,
  does: 'return',
  code,
  text,
  returnAfterMs: DAY_MS,
})
const shortened = { ...returned('AC04'), keptUnits: 500n }
const unanswered = { ...BOOKED, does: 'hang' } as const
const undecided = { ...BOOKED, does: 'stay' } as const

/** Payees that make something of a transfer go wrong. Names work for accounts in Latin America too. */
export const MAGIC_PAYEES: readonly MagicPayee[] = [
  {
    value: magicIban(1),
    fate: refused,
    text: 'The bank refuses the transfer at once: AC01, no such account.',
  },
  {
    value: magicIban(2),
    fate: forbidden,
    text: 'The bank refuses the transfer at once: RR04, rules forbid it.',
  },
  {
    value: magicIban(3),
    fate: rejected,
    text: 'The transfer is accepted, then rejected: AC06, account blocked.',
  },
  {
    value: magicIban(4),
    fate: returned('AC04', 'Cuenta cancelada'),
    text: 'The transfer is booked, and comes back after a day: AC04, account closed.',
  },
  {
    value: magicIban(5),
    fate: returned('BE04'),
    text: 'The transfer is booked, and comes back after a day: BE04, address missing.',
  },
  {
    value: magicIban(6),
    fate: returned('MD07'),
    text: 'The transfer is booked, and comes back after a day: MD07, receiver has died.',
  },
  {
    value: magicIban(7),
    fate: shortened,
    text: 'The transfer comes back after a day, less 5.00 that the receiving bank keeps.',
  },
  { value: magicIban(8), fate: unanswered, text: 'The bank does nothing and never answers.' },
  {
    value: magicIban(9),
    fate: undecided,
    text: 'The transfer stays accepted: never booked, never rejected.',
  },
  { value: '… Refused', fate: refused, text: 'The bank refuses the transfer at once: AC01.' },
  { value: '… Rejected', fate: rejected, text: 'The transfer is accepted, then rejected: AC06.' },
  {
    value: '… Returned',
    fate: returned('AC04', 'Cuenta cancelada'),
    text: 'The transfer is booked, and comes back after a day: AC04.',
  },
  { value: '… Unanswered', fate: unanswered, text: 'The bank does nothing and never answers.' },
  { value: '… Undecided', fate: undecided, text: 'The transfer stays accepted.' },
]

/** What a transfer's payee makes of it; undefined when the payee is an ordinary one. */
export function magicFate({ to, toName }: Pick<TransferOrder, 'to' | 'toName'>): PayeeFate | undefined {
  const iban = 'iban' in to ? to.iban : null
  const name = toName.toLowerCase()
  return MAGIC_PAYEES.find(
    ({ value }) => value === iban || (value.startsWith('… ') && name.endsWith(value.slice(1).toLowerCase())),
  )?.fate
}
