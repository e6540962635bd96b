import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linesAmong, readAll, refusalOf } from '../../../test/support/statement-reading.ts'
import type { WrittenLine } from '../../../test/support/statement-writers.ts'
import { readMt940 } from './read-mt940.ts'

const statement = (fields: string): string =>
  `:20:1\n:25:ES9121000418450200051332\n:28C:7\n:60F:C260331EUR0,00\n${fields}\n:62F:C260331EUR10,00\n-\n`
const line = async (fields: string): Promise<WrittenLine> =>
  linesAmong(await readAll(readMt940, statement(fields)))[0]!

describe('German fields', () => {
  const read = async (...text: string[]): Promise<WrittenLine> =>
    line([':61:260331RD10,00NTRFNONREF', `:86:${text.join('\n')}`].join('\n'))

  test('SEPA words inside of a field', async () => {
    const paid = await read(
      '166?00SEPA-GUTSCHRIFT?20EREF+NOTPROVIDED SVWZ+VERTR?21',
      ':KO:NR:401113172 KX4T9M2P?32ANA MUSTER',
    )
    assert.deepEqual([paid.endToEndId, paid.concept], [null, 'VERTR:KO:NR:401113172 KX4T9M2P'])
    const returned = await read('159?00RETOURE?20EREF+refund-9 SVWZ+RETURN A?21C04 KONTO ERLOSCHEN')
    assert.deepEqual([returned.endToEndId, returned.returnCode], ['refund-9', 'AC04'])
  })

  test('words that are cut over two fields, or that follow a full one', async () => {
    const cut = await read('166?20EREF+ABCDEFGHIJKLMNOPQRS SV?21WZ+KX4T9M2P')
    assert.deepEqual([cut.endToEndId, cut.concept], ['ABCDEFGHIJKLMNOPQRS', 'KX4T9M2P'])
    const full = await read('166?20EREF+ABCDEFGHIJKLMNOPQRSTUV?21SVWZ+KX4T9M2P')
    assert.deepEqual([full.endToEndId, full.concept], ['ABCDEFGHIJKLMNOPQRSTUV', 'KX4T9M2P'])
  })

  test('what a payer wrote holds no words', async () => {
    const paid = await read('166?20EREF+E-7?21SVWZ+A EREF+refund-9?22IBAN+X KREF+B?23ABWA+Eva?32')
    assert.deepEqual(
      [paid.endToEndId, paid.concept, paid.counterpartyName, paid.counterpartyIban],
      ['E-7', 'A EREF+refund-9 IBAN+X KREF+B', 'Eva', null],
    )
  })

  test('the code alone on the first line', async () => {
    const returned = await read('159', '?00RETOURE', '?20SVWZ+RETURN AC04')
    assert.deepEqual([returned.concept, returned.returnCode], ['RETURN AC04', 'AC04'])
  })

  test('question marks in a text', async () => {
    assert.equal((await read('166?20SVWZ+Wann? Ja ?KX4T9M2P??21Ja?')).concept, 'Wann? Ja ?KX4T9M2P? Ja?')
  })
})

/** Time that grows with the square of a field's length would be minutes. */
async function isQuick<Result>(read: () => Promise<Result>): Promise<Result> {
  const began = process.hrtime.bigint()
  const result = await read()
  assert.ok(process.hrtime.bigint() - began < 5_000_000_000n)
  return result
}

describe('fields made to be slow', () => {
  const full = (text: string): string =>
    Array.from({ length: 50 }, () => text.repeat(4_000 / text.length)).join('\n')

  test('full of slashes', async () => {
    const read = await isQuick(() => line(`:61:260331C10,00NTRFX\n:86:/REMI/A\n${full('/')}B/`))
    assert.equal(read.concept.at(-1), 'B')
  })

  test('full of SEPA words', async () => {
    const read = await isQuick(() => line(`:61:260331C10,00NTRFX\n:86:166?20${full('EREF+AB ')}`))
    assert.match(read.endToEndId ?? '', /^AB AB AB/)
  })

  test('details of one movement in fields without end', async () => {
    const fields = (count: number): string => `:61:260331C10,00NTRFX${'\n:86:A'.repeat(count)}`
    assert.equal((await line(fields(60))).concept, 'A '.repeat(60).trim())
    assert.match(
      await refusalOf(readMt940, statement(fields(61))),
      /^field at 66:1: The field :86: does not end/,
    )
    const behind = ':62F:C260331EUR0,00\n:86:A\n-\n:20:2\n:25:ES9121000418450200051332\n:60F:C260331EUR0,00\n'
    assert.equal((await line(behind.repeat(61) + fields(1))).units, 1000n)
    assert.equal((await line(`${fields(40).replace('10,', '0,')}\n${fields(40)}`)).units, 1000n)
  })
})
