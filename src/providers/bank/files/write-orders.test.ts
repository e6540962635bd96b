import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findSchemaFaults } from '../../../../test/support/iso20022/validate.ts'
import { randomText } from '../../../kernel/ids.ts'
import { ibanOf, spanishIban } from '../iban.ts'
import { MOST_SEPA_UNITS } from './order-book.ts'
import { nextSepaDay, sepaDateOf } from './sepa-days.ts'
import { ORDER_FORMATS, type OrderFile, type OrderFormat, writeOrders } from './write-orders.ts'

const CREATED = new Date('2026-11-20T10:15:00.123Z')
const file = (format: OrderFormat, changes: Partial<OrderFile> = {}): OrderFile => ({
  format,
  messageId: '20261120-0123456789abcdefghij',
  createdAt: CREATED,
  debtor: { name: 'Ramp, S.L.', iban: spanishIban('9998', '0001', '0000000001'), bic: 'SIMBESMMXXX' },
  groups: [
    {
      executeOn: '2026-11-20',
      orders: [
        {
          endToEndId: randomText(25),
          units: 12_345n,
          name: 'Ana Pérez <& Söhne>',
          iban: ibanOf('DE', '000000000000000001'),
          concept: 'Refund abc',
        },
      ],
    },
  ],
  ...changes,
})

/** What a file says, without its schema: the texts of all elements of a name. */
const textsOf = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`, 'g'))].map(([, text]) => text!)

for (const format of ORDER_FORMATS) {
  test(`${format}: one order, as a bank reads it, valid by the schema of ISO`, async () => {
    const xml = writeOrders(file(format))
    assert.deepEqual(await findSchemaFaults(format, [xml]), [])
    assert.deepEqual(textsOf(xml, 'InstdAmt'), ['123.45'])
    assert.deepEqual(textsOf(xml, 'CtrlSum'), ['123.45', '123.45'])
    assert.deepEqual(textsOf(xml, 'NbOfTxs'), ['1', '1'])
    assert.deepEqual(textsOf(xml, 'Nm'), ['Ramp, S.L.', 'Ramp, S.L.', 'Ana Perez .+ Sohne.'])
    assert.deepEqual(textsOf(xml, 'BtchBookg'), ['false'])
    assert.deepEqual(textsOf(xml, format === 'pain.001.001.03' ? 'BIC' : 'BICFI'), ['SIMBESMMXXX'])
    assert.deepEqual(textsOf(xml, format === 'pain.001.001.03' ? 'ReqdExctnDt' : 'Dt'), ['2026-11-20'])
  })

  test(`${format}: whatever names, amounts and texts are ordered, the file is valid and its sums are right`, async () => {
    const order = fc.record({
      endToEndId: fc.string({
        unit: fc.constantFrom(...'abcXYZ019'),
        minLength: 1,
        maxLength: 35,
      }),
      units: fc.bigInt({ min: 1n, max: MOST_SEPA_UNITS }),
      name: fc.string({ unit: 'binary', maxLength: 200 }),
      iban: fc
        .bigInt({ min: 0n, max: 10n ** 18n - 1n })
        .map((n) => ibanOf('DE', String(n).padStart(18, '0'))),
      concept: fc.string({ unit: 'binary', maxLength: 300 }),
    })
    const group = fc.record({
      executeOn: fc
        .date({ min: new Date('2020-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
        .map((date) => date.toISOString().slice(0, 10)),
      orders: fc.array(order, { minLength: 1, maxLength: 8 }),
    })
    const files = fc.sample(
      fc.record({
        groups: fc.array(group, { minLength: 1, maxLength: 3 }),
        holder: fc.string({ unit: 'binary', maxLength: 200 }),
        bic: fc.constantFrom('SIMBESMMXXX', 'BBVAESMM', '', 'no bic'),
      }),
      { numRuns: 150, seed: 20_022 },
    )
    const written = files.map(({ groups, holder, bic }) => {
      const debtor = { ...file(format).debtor, name: holder, bic }
      return { groups, xml: writeOrders(file(format, { groups, debtor })) }
    })
    assert.deepEqual(
      await findSchemaFaults(
        format,
        written.map(({ xml }) => xml),
      ),
      [],
    )
    const cents = (text: string): bigint => BigInt(text.replace('.', ''))
    for (const { groups, xml } of written) {
      const all = groups.flatMap(({ orders }) => orders)
      const [total, ...ofGroups] = textsOf(xml, 'CtrlSum').map(cents)
      const sumOf = (orders: readonly { units: bigint }[]) => orders.reduce((sum, one) => sum + one.units, 0n)
      assert.equal(total, sumOf(all))
      assert.deepEqual(
        ofGroups,
        groups.map(({ orders }) => sumOf(orders)),
      )
      assert.deepEqual(
        textsOf(xml, 'NbOfTxs').map(Number),
        [all, ...groups.map(({ orders }) => orders)].map(({ length }) => length),
      )
      assert.deepEqual(
        textsOf(xml, 'InstdAmt').map(cents),
        all.map(({ units }) => units),
      )
      assert.deepEqual(
        textsOf(xml, 'EndToEndId'),
        all.map(({ endToEndId }) => endToEndId),
      )
    }
  })
}

test('the schema is not blind: a file without its sums, or with a wrong one in form, is none', async () => {
  const xml = writeOrders(file('pain.001.001.09'))
  assert.notDeepEqual(
    await findSchemaFaults('pain.001.001.09', [xml.replace(/<NbOfTxs>1<\/NbOfTxs>/, '')]),
    [],
  )
  assert.notDeepEqual(await findSchemaFaults('pain.001.001.09', [xml.replace('123.45', '1.2.3')]), [])
})

test('transfers are carried out on the days of TARGET, by the clocks of Central Europe', () => {
  assert.equal(sepaDateOf(new Date('2026-11-20T23:30:00Z')), '2026-11-21')
  for (const [day, carriedOut] of [
    ['2026-11-20', '2026-11-20'],
    ['2026-11-21', '2026-11-23'],
    ['2026-12-25', '2026-12-28'],
    ['2027-01-01', '2027-01-04'],
    ['2027-03-26', '2027-03-30'],
    ['2024-03-29', '2024-04-02'],
    ['2026-05-01', '2026-05-04'],
  ] as const) {
    assert.equal(nextSepaDay(day), carriedOut)
  }
})
