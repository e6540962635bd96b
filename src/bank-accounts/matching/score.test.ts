import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CustomerName } from '../same-person.ts'
import { compareNames, type NameAgreement, readPayer } from './name-agreement.ts'
import {
  AUTOMATIC_FROM,
  type CandidateFacts,
  judgeCandidates,
  MARGIN,
  SUGGESTED_FROM,
  scoreCandidate,
  WEIGHTS,
} from './score.ts'

const FACTS: CandidateFacts = {
  number: null,
  namesAnother: false,
  otherPurpose: false,
  amount: 'same',
  askedBefore: false,
  name: 'same',
  account: 'new',
  state: 'started',
  bookedBefore: false,
}

const isAutomatic = (facts: Partial<CandidateFacts>): boolean =>
  scoreCandidate({ ...FACTS, ...facts }).score >= AUTOMATIC_FROM

const keys = <T extends string>(of: Record<T, unknown>): T[] => Object.keys(of) as T[]

const someFacts: fc.Arbitrary<CandidateFacts> = fc.record({
  number: fc.option(fc.record({ found: fc.constantFrom(...keys(WEIGHTS.number)) }), { nil: null }),
  namesAnother: fc.boolean(),
  otherPurpose: fc.boolean(),
  amount: fc.constantFrom(...keys(WEIGHTS.amount)),
  askedBefore: fc.boolean(),
  name: fc.constantFrom(...keys(WEIGHTS.name)),
  account: fc.constantFrom(...keys(WEIGHTS.account)),
  state: fc.constantFrom('started', 'pending_bank', 'in_review', 'expired', 'cancelled', 'coins_sent'),
  bookedBefore: fc.boolean(),
})

test('what is sure enough without a person, and what is not', () => {
  const alone = { found: 'alone' } as const
  const mistake = { found: 'mistake', mistake: 'one digit is wrong' } as const
  // The number and one thing more.
  assert.ok(isAutomatic({ number: alone, amount: 'less' }))
  assert.ok(isAutomatic({ number: alone, name: 'other' }))
  assert.ok(isAutomatic({ number: { found: 'letters' }, name: 'relative' }))
  assert.ok(isAutomatic({ number: alone, name: 'unknown', amount: 'more' }))
  assert.ok(!isAutomatic({ number: alone, name: 'other', amount: 'more' }))
  assert.ok(!isAutomatic({ number: alone, name: 'relative', amount: 'less' }))
  // A number with a mistake is a guess until the payer is the customer.
  assert.ok(isAutomatic({ number: mistake }))
  assert.ok(isAutomatic({ number: mistake, amount: 'less' }))
  assert.ok(!isAutomatic({ number: mistake, name: 'other', amount: 'only' }))
  // Without a number.
  assert.ok(isAutomatic({}))
  assert.ok(isAutomatic({ name: 'fits', amount: 'only' }))
  assert.ok(isAutomatic({ account: 'known', name: 'unknown' }))
  assert.ok(!isAutomatic({ name: 'fits' }))
  assert.ok(!isAutomatic({ name: 'initial', amount: 'only' }))
  assert.ok(!isAutomatic({ amount: 'less' }))
  assert.ok(!isAutomatic({ state: 'expired' }))
  assert.ok(!isAutomatic({ account: 'of_others' }))
  assert.ok(!isAutomatic({ otherPurpose: true }))
  assert.ok(!isAutomatic({ namesAnother: true, amount: 'only', account: 'known' }))
  assert.ok(!isAutomatic({ bookedBefore: true, amount: 'only' }))
})

test('what is asked for once more is not said to be left to pay, and counts the same', () => {
  for (const state of ['coins_sent', 'payment_received', 'pending_bank'] as const) {
    for (const amount of ['only', 'same'] as const) {
      const first = scoreCandidate({ ...FACTS, amount, state })
      const again = scoreCandidate({ ...FACTS, amount, state, askedBefore: true })
      assert.equal(again.score, first.score)
      assert.equal(again.reasons[0], 'The amount is what was asked for, once more.')
    }
  }
  const rest = scoreCandidate({ ...FACTS, state: 'refunded', amount: 'less' })
  assert.equal(rest.reasons[0], 'The amount is less than what was asked for.')
})

test('what speaks against a payment never raises its score', () => {
  fc.assert(
    fc.property(someFacts, (facts) => {
      const { score } = scoreCandidate(facts)
      const worse = (change: Partial<CandidateFacts>): boolean =>
        scoreCandidate({ ...facts, ...change }).score <= score
      assert.ok(score >= 0 && score <= 100)
      return (
        worse({ namesAnother: true }) &&
        worse({ otherPurpose: true }) &&
        worse({ bookedBefore: true }) &&
        worse({ name: 'other' })
      )
    }),
  )
})

test('of two that are near each other neither is matched, whatever their order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 100 }), { maxLength: 6 }), (scores) => {
      const all = scores.map((score, candidate) => ({ score, candidate, reasons: [] }))
      const [best = 0, next = 0] = scores.toSorted((a, b) => b - a)
      const one = judgeCandidates(all)
      const other = judgeCandidates(all.toReversed())
      const sure = best >= AUTOMATIC_FROM && (next < SUGGESTED_FROM || best - next >= MARGIN)
      assert.equal(one.do === 'match', sure)
      assert.equal(other.do, one.do)
      assert.notEqual(judgeCandidates(all, 'A person looks.').do, 'match')
      if (one.do === 'match') assert.equal(one.best.score, best)
    }),
  )
})

const letters = fc.constantFrom(
  'María',
  'José',
  'Ángela',
  'Müller',
  'García',
  'Núñez',
  'Groß',
  'Peña',
  'Zoë',
  'López',
  'João',
)
const people = fc
  .tuple(letters, letters, letters)
  .map(([given, one, two]) => ({ given, surnames: `${one} ${two}` }))

test('accents, capitals, order and spaces change nothing about a name', () => {
  fc.assert(
    fc.property(people, people, (customer, payer) => {
      const [given, surnames] = [payer.given, payer.surnames]
      const ways = [
        `${given} ${surnames}`,
        `  ${given}   ${surnames} `,
        `${surnames} ${given}`,
        `${surnames}, ${given}`.toUpperCase(),
        `${given} ${surnames}`.replaceAll('ß', 'ss').normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase(),
      ]
      const found = new Set<NameAgreement>(ways.map((way) => compareNames(customer, readPayer(way))))
      assert.equal(found.size, 1, `${JSON.stringify(customer)}: ${ways[0]} is ${[...found]}`)
    }),
  )
})

test('how names stand to each other', () => {
  const ana: CustomerName = { given: 'Ana María', surnames: 'Pérez García' }
  const cases: [CustomerName | null, string, NameAgreement][] = [
    [ana, 'PEREZ GARCIA ANA MARIA', 'same'],
    [ana, 'Ana Pérez García', 'fits'],
    [ana, 'A. Perez Garcia', 'initial'],
    [ana, 'Luis Perez Garcia', 'relative'],
    [ana, 'Hans Weber', 'other'],
    [ana, '  ', 'unknown'],
    [null, 'Ana Pérez García', 'unknown'],
    [{ company: 'Talleres Núñez, S.L.' }, 'TALLERES NUNEZ SL', 'same'],
    [{ company: 'Talleres Núñez, S.L.' }, 'TALLERES RUIZ SL', 'relative'],
  ]
  for (const [customer, payer, agreement] of cases)
    assert.equal(compareNames(customer, readPayer(payer)), agreement, payer)
})

test('the documentation has the weights that the program has', () => {
  const text = readFileSync(new URL('../../../docs/matching.md', import.meta.url), 'utf8')
  const told = new Map(
    [...text.matchAll(/^\| `([a-zA-Z_.]+)` \|[^|]*\| *([+−]?\d+) *\|/gm)].map(([, name, points]) => [
      name,
      Number(points!.replace('−', '-')),
    ]),
  )
  const all: [string, number | Record<string, number>][] = Object.entries(WEIGHTS)
  const real = all.flatMap(([name, value]): [string, number][] =>
    typeof value === 'number'
      ? [[name, value]]
      : Object.entries(value).map(([one, points]) => [`${name}.${one}`, points]),
  )
  assert.deepEqual(Object.fromEntries(told), {
    ...Object.fromEntries(real),
    AUTOMATIC_FROM,
    SUGGESTED_FROM,
    MARGIN,
  })
})
