import { type CustomerName, isSamePerson } from '../../src/bank-accounts/same-person.ts'
import { conceptOf } from '../../src/onramp/concept.ts'
import { spanishIban } from '../../src/providers/bank/iban.ts'
import { nameWords, withoutUmlauts } from '../../src/users/identity/name-words.ts'
import { FAULTS, type Fault } from './bank-line-faults.ts'
import { inventName } from './payer-names.ts'
import { createRandom, type Random } from './random.ts'

export interface InventedCustomer {
  name: CustomerName
  /** The account that the customer pays from. */
  iban: string
}

export interface InventedPayment {
  /** Its place in the list of customers. */
  customer: number
  units: bigint
  concept: number
  state: 'started' | 'pending_bank' | 'expired'
  createdAt: Date
}

/**
 * What is right for a line: the payments, by their places in the list, and whether a person could know it by what the
 * bank says; that it is no payment; or that every payment would be a guess.
 */
export type Label = { payments: readonly number[]; known: boolean } | 'none' | 'unknowable'

export interface InventedLine {
  fault: Fault
  label: Label
  /** The bank's reference. */
  ref: string
  bookedAt: Date
  units: bigint
  counterpartyName: string
  counterpartyIban: string | null
  concept: string
  endToEndId: string | null
  transferRef: string | null
  returnCode: string | null
}

export interface InventedLines {
  seed: number
  customers: InventedCustomer[]
  payments: InventedPayment[]
  /** In the order in which they are booked. */
  lines: InventedLine[]
}

/** What the faults build with. */
export interface Inventory {
  random: Random
  /** The day's first moment. */
  bookedAt: Date
  /** Of new ones unless given. Answers the place. */
  addCustomer(name?: CustomerName): number
  /** Half of the customers have bought before. */
  anyCustomer(): number
  addPayment(given?: Partial<InventedPayment>): number
  customer(place: number): InventedCustomer
  payment(place: number): InventedPayment
  amount(): bigint
}

export type LineParts = Omit<
  InventedLine,
  'fault' | 'ref' | 'bookedAt' | 'transferRef' | 'returnCode' | 'endToEndId'
> &
  Partial<Pick<InventedLine, 'transferRef' | 'returnCode' | 'endToEndId' | 'bookedAt'>>

const DAYS = 20
const DAY_MS = 86_400_000
const ROUND = [
  5000n,
  10_000n,
  10_000n,
  15_000n,
  20_000n,
  20_000n,
  25_000n,
  30_000n,
  50_000n,
  50_000n,
  100_000n,
]
/** Payments that nobody pays, for each one that is paid. */
const NEVER_PAID = 0.15

/**
 * Lines with the faults of real life in the shares of `FAULTS`, with the customers and payments that they are about.
 * The same seed makes the same lines. Numbers run without gaps, so that a number one mistake away is another payment's.
 */
export function inventBankLines(seed: number, count: number, until: Date): InventedLines {
  const random = createRandom(seed)
  const customers: InventedCustomer[] = []
  const payments: InventedPayment[] = []
  const lines: InventedLine[] = []
  while (lines.length < count) {
    const bookedAt = new Date(
      until.getTime() - DAYS * DAY_MS + Math.floor((lines.length / count) * DAYS) * DAY_MS,
    )
    const inventory = createInventory({ seed, random, customers, payments, bookedAt })
    const fault = pickFault(random)
    for (const parts of FAULTS[fault].invent(inventory)) {
      const ref = `L${seed}-${lines.length}`
      lines.push({ endToEndId: null, transferRef: null, returnCode: null, bookedAt, ...parts, fault, ref })
    }
    if (random.chance(NEVER_PAID)) inventory.addPayment()
  }
  lines.sort((a, b) => a.bookedAt.getTime() - b.bookedAt.getTime())
  markAmbiguous({ customers, payments, lines })
  return { seed, customers, payments, lines: lines.slice(0, count) }
}

/** Without a number, two payments of the amount whose customers both could be the payer are one as good as the other. */
function markAmbiguous({ customers, payments, lines }: Omit<InventedLines, 'seed'>): void {
  const words = customers.map(({ name }) =>
    nameWords('company' in name ? name.company : `${name.given} ${name.surnames}`).map(withoutUmlauts),
  )
  const byUnits = Map.groupBy(
    payments.map((payment, place) => ({ ...payment, place })),
    ({ units }) => units,
  )
  for (const line of lines) {
    if (line.fault !== 'no_number' && line.fault !== 'same_surnames') continue
    const payer = new Set(nameWords(line.counterpartyName).map(withoutUmlauts))
    const fits = byUnits
      .get(line.units)!
      .filter(
        ({ customer }) =>
          words[customer]!.some((word) => payer.has(word)) &&
          isSamePerson(customers[customer]!.name, line.counterpartyName),
      )
    if (fits.length > 1 && typeof line.label === 'object') line.label = { ...line.label, known: false }
  }
}

function pickFault(random: Random): Fault {
  const all = Object.entries(FAULTS) as [Fault, (typeof FAULTS)[Fault]][]
  const total = all.reduce((sum, [, { share }]) => sum + share, 0)
  let left = random.next() * total
  for (const [name, { share }] of all) {
    left -= share
    if (left < 0) return name
  }
  return all[0]![0]
}

const FIRST_NUMBER = 1_100

function createInventory({
  seed,
  random,
  customers,
  payments,
  bookedAt,
}: {
  seed: number
  random: Random
  customers: InventedCustomer[]
  payments: InventedPayment[]
  bookedAt: Date
}): Inventory {
  const addCustomer = (name = inventName(random)): number => {
    const digits = String(customers.length).padStart(10, '0')
    return customers.push({ name, iban: spanishIban('0049', String(seed).padStart(4, '0'), digits) }) - 1
  }
  const anyCustomer = (): number =>
    customers.length > 0 && random.chance(0.35) ? random.below(customers.length) : addCustomer()
  const amount = (): bigint =>
    random.chance(0.45) ? random.pick(ROUND) : BigInt(2_000 + random.below(90_000))
  return {
    random,
    bookedAt,
    addCustomer,
    anyCustomer,
    amount,
    customer: (place) => customers[place]!,
    payment: (place) => payments[place]!,
    addPayment(given = {}) {
      const payment: InventedPayment = {
        customer: given.customer ?? anyCustomer(),
        units: given.units ?? amount(),
        concept: conceptOf(FIRST_NUMBER + payments.length),
        state: random.chance(0.5) ? 'started' : 'pending_bank',
        createdAt: new Date(bookedAt.getTime() - random.below(3 * DAY_MS)),
        ...given,
      }
      return payments.push(payment) - 1
    },
  }
}
