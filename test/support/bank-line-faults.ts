import { isSamePerson } from '../../src/bank-accounts/same-person.ts'
import { spanishIban } from '../../src/providers/bank/iban.ts'
import type { Inventory, LineParts } from './bank-lines-generator.ts'
import { inventName, inventRelative, writeAsBank } from './payer-names.ts'
import type { Random } from './random.ts'

interface FaultKind {
  /** Of a hundred transfers, about how many. */
  share: number
  about: string
  invent(inventory: Inventory): LineParts[]
}

/** A transfer by the customer, as it should be, for a new payment. */
function pay(from: Inventory, place = from.addPayment(), changes: Partial<LineParts> = {}): LineParts {
  const { customer, units, concept } = from.payment(place)
  const { name, iban } = from.customer(customer)
  return {
    label: { payments: [place], known: true },
    units,
    counterpartyName: writeAsBank(from.random, name),
    counterpartyIban: from.random.chance(0.92) ? iban : null,
    concept: String(concept),
    ...changes,
  }
}

const numberOf = (from: Inventory, place: number): string => String(from.payment(place).concept)

const NOTHING_SAID = [
  '',
  'Transferencia',
  'TRANSFERENCIA INMEDIATA',
  'pago',
  'Cripto',
  'compra',
  'Überweisung',
  'N/A',
  'Para mi',
]

const inSentence = ({ pick }: Random, number: string): string =>
  pick([
    `Pago pedido ${number} gracias`,
    `TRANSFERENCIA A FAVOR DE CRYPTO CONCEPTO: ${number}`,
    `mi compra ref.${number}`,
    `Kauf Krypto, Auftrag ${number}, Danke!`,
    `compra USDC ${number} de ${pick([3, 12, 28])}/${pick([1, 6, 11])}`,
    `Pagamento da encomenda nº ${number}`,
  ])

const inOtherShape = ({ pick }: Random, number: string): string =>
  pick([
    number.padStart(12, '0'),
    number.padStart(18, '0'),
    number.replace(/^(\d{3})(\d{3})/, '$1 $2 '),
    number.replace(/^(\d{2})(\d{3})/, '$1.$2.'),
    [...number].join(' '),
    `  ${number}  `,
    number.replace(/^(\d{4})/, '$1-'),
  ])

const withLetters = (number: string): string | undefined =>
  /[01]/.test(number) ? number.replace('0', 'O').replace('1', 'I') : undefined

const strangerText = ({ pick, below }: Random): string => {
  const digits = (count: number): string => String(10 ** (count - 1) + below(9 * 10 ** (count - 1)))
  return pick([
    `Factura ${digits(6)}`,
    `FRA. 2026/${digits(7)}`,
    `Tel. 6${digits(8)}`,
    `Nomina ${digits(2)} 2026`,
    `Alquiler ref ${digits(8)}`,
    `Rechnung Nr. ${digits(7)}`,
    `Expediente ${digits(5)}-${digits(3)}`,
    digits(7),
    `Cliente ${digits(6)} recibo ${digits(6)}`,
  ])
}

const at = (random: Random, number: string): number => random.below(number.length)

function wrongDigit(random: Random, number: string): string {
  const place = at(random, number)
  const digit = String((Number(number[place]) + 1 + random.below(9)) % 10)
  return number.slice(0, place) + digit + number.slice(place + 1)
}

function swapped(random: Random, number: string): string {
  const places = [...number].flatMap((digit, place) =>
    place + 1 < number.length && digit !== number[place + 1] ? [place] : [],
  )
  const place = random.pick(places)
  return number.slice(0, place) + number[place + 1] + number[place] + number.slice(place + 2)
}

function without(random: Random, number: string): string {
  const place = at(random, number)
  return number.slice(0, place) + number.slice(place + 1)
}

function doubled(random: Random, number: string): string {
  const place = at(random, number)
  return number.slice(0, place) + number[place] + number.slice(place)
}

function withMistake(from: Inventory, mistake: (random: Random, number: string) => string): LineParts[] {
  const place = from.addPayment()
  const text = mistake(from.random, numberOf(from, place))
  return [pay(from, place, { concept: from.random.chance(0.8) ? text : `Pago ${text}` })]
}

const stranger = (from: Inventory): Pick<LineParts, 'counterpartyName' | 'counterpartyIban'> => ({
  counterpartyName: writeAsBank(from.random, inventName(from.random)),
  counterpartyIban: spanishIban('2077', '0024', String(from.random.below(10 ** 9)).padStart(10, '0')),
})

/** Every fault with its share of a hundred transfers. The documentation's table is this one. */
export const FAULTS = {
  none: { share: 59, about: 'number, amount and payer are right', invent: (from) => [pay(from)] },
  sentence: {
    share: 8,
    about: 'the number inside a sentence',
    invent(from) {
      const place = from.addPayment()
      return [pay(from, place, { concept: inSentence(from.random, numberOf(from, place)) })]
    },
  },
  shape: {
    share: 3.5,
    about: 'leading zeros, spaces, dots, hyphens',
    invent(from) {
      const place = from.addPayment()
      return [pay(from, place, { concept: inOtherShape(from.random, numberOf(from, place)) })]
    },
  },
  letters: {
    share: 0.7,
    about: 'O for 0, I for 1',
    invent(from) {
      const place = from.addPayment()
      const text = withLetters(numberOf(from, place))
      return [pay(from, place, text ? { concept: text } : {})]
    },
  },
  other_field: {
    share: 2,
    about: "the number in the transfer's id, or behind the payer's name",
    invent(from) {
      const place = from.addPayment()
      const number = numberOf(from, place)
      const right = pay(from, place, { concept: from.random.pick(NOTHING_SAID) })
      if (from.random.chance(0.6)) return [{ ...right, endToEndId: number }]
      return [{ ...right, counterpartyName: `${right.counterpartyName.slice(0, 25)} ${number}` }]
    },
  },
  wrong_digit: { share: 2, about: 'one digit is wrong', invent: (from) => withMistake(from, wrongDigit) },
  swapped: {
    share: 2,
    about: 'two neighbouring digits are swapped',
    invent: (from) => withMistake(from, swapped),
  },
  missing: { share: 0.7, about: 'a digit is missing', invent: (from) => withMistake(from, without) },
  doubled: { share: 0.8, about: 'a digit is typed twice', invent: (from) => withMistake(from, doubled) },
  no_number: {
    share: 4,
    about: 'no number at all, right amount, the customer pays',
    invent(from) {
      const place = from.addPayment()
      return [pay(from, place, { concept: from.random.pick(NOTHING_SAID) })]
    },
  },
  wrong_amount: {
    share: 3,
    about: 'right number, too much or too little',
    invent(from) {
      const place = from.addPayment()
      const { units } = from.payment(place)
      const by = BigInt(1 + from.random.below(Number(units / 10n)))
      return [pay(from, place, { units: from.random.chance(0.6) ? units - by : units + by })]
    },
  },
  third_party: {
    share: 3,
    about: "right number and amount from somebody else's account",
    invent(from) {
      const place = from.addPayment()
      const { name } = from.customer(from.payment(place).customer)
      const payer = from.random.chance(0.5) ? inventRelative(from.random, name) : inventName(from.random)
      const { counterpartyIban } = stranger(from)
      return [pay(from, place, { counterpartyName: writeAsBank(from.random, payer), counterpartyIban })]
    },
  },
  in_two_parts: {
    share: 0.8,
    about: 'two transfers for one payment, each with its number',
    invent(from) {
      const place = from.addPayment()
      const { units } = from.payment(place)
      const first = 1n + BigInt(from.random.below(Number(units) - 1))
      return [pay(from, place, { units: first }), pay(from, place, { units: units - first })]
    },
  },
  two_orders: {
    share: 1,
    about: 'one transfer for two payments, with both numbers',
    invent(from) {
      const customer = from.anyCustomer()
      const both = [from.addPayment({ customer }), from.addPayment({ customer })]
      const units = both.reduce((sum, place) => sum + from.payment(place).units, 0n)
      const concept = both
        .map((place) => numberOf(from, place))
        .join(from.random.pick([' y ', ' + ', ', ', ' / ', ' und ']))
      return [pay(from, both[0], { units, concept, label: { payments: both, known: true } })]
    },
  },
  twice: {
    share: 0.8,
    about: 'the same transfer a second time, some days later',
    invent(from) {
      const first = pay(from)
      return [
        first,
        { ...first, bookedAt: new Date(from.bookedAt.getTime() + 86_400_000 * (1 + from.random.below(3))) },
      ]
    },
  },
  mixed: {
    share: 1,
    about: 'two faults at once: a mistake in the number, and a wrong amount or words around it',
    invent(from) {
      const place = from.addPayment()
      const mistake = from.random.pick([wrongDigit, swapped, doubled, without])
      const text = mistake(from.random, numberOf(from, place))
      const { units } = from.payment(place)
      if (from.random.chance(0.5))
        return [pay(from, place, { concept: text, units: units - units / 20n - 1n })]
      return [pay(from, place, { concept: inSentence(from.random, text) })]
    },
  },
  late: {
    share: 1,
    about: 'right number of a payment that has expired',
    invent: (from) => [pay(from, from.addPayment({ state: 'expired' }))],
  },
  no_payer: {
    share: 0.8,
    about: 'right number, the bank tells no payer',
    invent: (from) => [pay(from, undefined, { counterpartyName: '', counterpartyIban: null })],
  },
  same_surnames: {
    share: 0.5,
    about: 'no number; a brother or sister has an open payment of the same amount',
    invent(from) {
      const place = from.addPayment()
      const { units, customer } = from.payment(place)
      const relative = from.addCustomer(inventRelative(from.random, from.customer(customer).name))
      from.addPayment({ customer: relative, units })
      return [pay(from, place, { concept: from.random.pick(NOTHING_SAID) })]
    },
  },
  two_alike: {
    share: 0.4,
    about: 'no number, and the customer has two open payments of the amount',
    invent(from) {
      const place = from.addPayment()
      const { customer, units } = from.payment(place)
      from.addPayment({ customer, units })
      return [pay(from, place, { concept: from.random.pick(NOTHING_SAID), label: 'unknowable' })]
    },
  },
  copied_number: {
    share: 0.3,
    about: "somebody else's number; payer and amount are those of another open payment",
    invent(from) {
      const [mine, theirs] = [
        from.addPayment({ customer: from.addCustomer() }),
        from.addPayment({ customer: from.addCustomer() }),
      ]
      const line = pay(from, mine)
      const { name } = from.customer(from.payment(theirs).customer)
      const sameUnits = from.payment(mine).units === from.payment(theirs).units
      if (sameUnits || isSamePerson(name, line.counterpartyName)) return [line]
      return [pay(from, mine, { concept: numberOf(from, theirs), label: 'unknowable' })]
    },
  },
  returned: {
    share: 0.7,
    about: 'a transfer of ours that comes back',
    invent(from) {
      const place = from.addPayment()
      const base = pay(from, place, { label: 'none' })
      return [
        from.random.pick([
          { ...base, concept: 'Refund 7hGf93kdLq02mNbV5xZcTr8pW', transferRef: `T${place}` },
          { ...base, concept: 'Refund 7hGf93kdLq02mNbV5xZcTr8pW', returnCode: 'AC04' },
          { ...base, concept: 'DEVOLUCIÓN TRANSFERENCIA EMITIDA' },
          { ...base, concept: 'Rückläufer Konto erloschen' },
        ]),
      ]
    },
  },
  stranger: {
    share: 4,
    about: 'nobody of ours: invoices, rents, with numbers in them',
    invent: (from) => [
      { ...stranger(from), label: 'none', units: from.amount(), concept: strangerText(from.random) },
    ],
  },
} as const satisfies Record<string, FaultKind>

export type Fault = keyof typeof FAULTS
