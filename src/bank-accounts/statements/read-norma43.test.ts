import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { linesAmong, readAll, refusalOf } from '../../../test/support/statement-reading.ts'
import { statementParts, writeNorma43 } from '../../../test/support/statement-writers.ts'
import { ibanOfAccount, ibanOfCcc } from './account-number.ts'
import { readNorma43 } from './read-norma43.ts'

const EXAMPLE = readFileSync(new URL('examples/csb43.n43', import.meta.url))
const TEXT = EXAMPLE.toString('latin1')
const refused = (file: string | Uint8Array): Promise<string> => refusalOf(readNorma43, file)

/** The example with what stands in a record's columns, from 1, replaced. */
function altered(line: number, column: number, text: string): string {
  const records = TEXT.split('\n')
  const record = records[line - 1]!
  records[line - 1] = record.slice(0, column - 1) + text + record.slice(column - 1 + text.length)
  return records.join('\n')
}

describe('what a file says', () => {
  for (const [name, file] of [
    ['ISO-8859-1', EXAMPLE],
    ['UTF-8', Buffer.from(TEXT)],
    [
      'lines that lost their trailing spaces',
      Buffer.from(TEXT.replaceAll(/ +$/gm, '').replaceAll('\n', '\r\n')),
    ],
  ] as const) {
    test(`a file of another tool, two accounts: ${name}`, async () => {
      const parts = await readAll(readNorma43, file, 33)
      assert.deepEqual(parts[0], {
        kind: 'begin',
        place: { line: 1, column: 1 },
        account: '21000418450200051332',
        currency: 'EUR',
        statementRef: null,
        fromOn: '2026-03-30',
        toOn: '2026-03-31',
        openingUnits: 125_040n,
        complete: true,
      })
      assert.deepEqual(linesAmong(parts)[0], {
        bankRef: null,
        bookedOn: '2026-03-30',
        bookedAt: null,
        valueDate: '2026-03-30',
        direction: 'credit',
        units: 15_050n,
        currency: 'EUR',
        balanceUnits: null,
        counterpartyName: '',
        counterpartyIban: null,
        concept: 'TRANSF. DE MARIA PEÑA NUÑEZ CONCEPTO KX4T9M2P',
        endToEndId: null,
        returnCode: null,
        returnText: null,
      })
      assert.deepEqual(
        linesAmong(parts).map(({ direction, units, returnCode }) => [direction, units, returnCode]),
        [
          ['credit', 15_050n, null],
          ['debit', 225n, null],
          ['credit', 9_999n, 'MS03'],
          ['credit', 100_000n, null],
        ],
      )
      assert.deepEqual(
        parts.flatMap((part) => (part.kind === 'end' ? [[part.closingUnits, part.stated]] : [])),
        [
          [149_864n, { lines: null, creditUnits: 25_049n, debitUnits: 225n }],
          [98_000n, { lines: null, creditUnits: 100_000n, debitUnits: 0n }],
        ],
      )
      const second = parts.filter((part) => part.kind === 'begin')[1]!
      assert.equal(second.openingUnits, -2_000n)
    })
  }

  test('a reference that the concept doesn’t have is added to it', async () => {
    const alone = altered(2, 65, 'ZZ-77           ')
    assert.match(linesAmong(await readAll(readNorma43, alone))[0]!.concept, /KX4T9M2P ZZ-77$/)
  })

  test('currencies without decimals have hundredths of zero', async () => {
    const pesos = statementParts({
      account: 'ES9121000418450200051332',
      currency: 'CLP',
      lines: () => [{ units: 20_000n }],
    })
    const text = [...writeNorma43(pesos)].join('')
    assert.equal(linesAmong(await readAll(readNorma43, text))[0]!.units, 20_000n)
    assert.match(
      await refused(text.replace('00000002000000', '00000002000001')),
      /^amount at 2:29: .*CLP has none/,
    )
  })
})

describe('the standard’s own table of records', () => {
  const text = readFileSync(new URL('examples/aeb-series-43.n43', import.meta.url), 'latin1')

  test('each field stands where it says, from a record 00 that the count leaves out to five records 23', async () => {
    const parts = await readAll(readNorma43, text, 81)
    const [begin, credit, debit, end] = parts
    assert.deepEqual(begin, {
      kind: 'begin',
      place: { line: 2, column: 1 },
      account: '00120345030000067890',
      currency: 'EUR',
      statementRef: null,
      fromOn: '2003-11-27',
      toOn: '2003-11-28',
      openingUnits: 250_000n,
      complete: true,
    })
    const facts = linesAmong(parts).map(({ bookedOn, valueDate, direction, units, concept }) => [
      ...[bookedOn, valueDate, direction, units, concept],
    ])
    const words =
      'TRANSFERENCIA DE MARIA DEL CARMEN PENA IBANEZ CONCEPTO 1042 TERCER REGISTRO CUARTO REGISTRO QUINTO Y ULTIMO'
    assert.deepEqual(facts, [
      ['2003-11-27', '2003-11-27', 'credit', 15_050n, `${words} 000000001042`],
      ['2003-11-28', '2003-12-01', 'debit', 1_225n, ''],
    ])
    assert.deepEqual(
      [credit?.place, debit?.place],
      [
        { line: 3, column: 1 },
        { line: 9, column: 1 },
      ],
    )
    assert.ok(end?.kind === 'end')
    assert.deepEqual([end.closingUnits, end.toOn], [263_825n, '2003-11-28'])
  })

  test('banks that count the record 00 are understood, other counts are not', async () => {
    const counted = (count: string): string => text.replace(`${'9'.repeat(18)}000009`, '9'.repeat(18) + count)
    assert.deepEqual(await readAll(readNorma43, counted('000010')), await readAll(readNorma43, text))
    for (const count of ['000008', '000011']) {
      assert.match(await refused(counted(count)), /^totals at 11:21: .* stand before it and 9 do/)
    }
    const headless = text.slice(text.indexOf('\r\n') + 2)
    assert.equal((await readAll(readNorma43, headless)).length, 4)
    assert.match(await refused(counted('000010').slice(82)), /^totals at 10:21: /)
    assert.match(await refused(text.slice(0, 82) + text), /^order at 2:1: A record 00/)
  })

  test('its worked example of check digits: account 6/789-0 of branch 345 of agency 12', () => {
    assert.equal(ibanOfCcc('00120345030000067890')?.slice(4), '00120345030000067890')
    for (const digits of ['13', '02', '04', '30'])
      assert.equal(ibanOfCcc(`00120345${digits}0000067890`), null, digits)
  })
})

test('a CCC is the IBAN with Spain’s check digits, if its own fit', () => {
  assert.equal(ibanOfCcc('21000418450200051332'), 'ES9121000418450200051332')
  assert.equal(ibanOfCcc('2100 0418 45 0200051332'), 'ES9121000418450200051332')
  assert.equal(ibanOfCcc('21000418440200051332'), null)
  assert.equal(ibanOfCcc('2100041845020005133'), null)
  assert.equal(ibanOfAccount('21000418450200051332'), 'ES9121000418450200051332')
  assert.equal(ibanOfAccount('nl91 ABNA 0417 1643 00'), 'NL91ABNA0417164300')
  assert.equal(ibanOfAccount('37040044/532013000'), 'DE89370400440532013000')
  assert.equal(ibanOfAccount('123456789'), null)
})

describe('what is refused', () => {
  test('counts and sums of the record 33, and the number of records', async () => {
    assert.match(
      await refused(altered(8, 21, '00002')),
      /^totals at 8:21: The record says 2 debits and there are 1/,
    )
    assert.match(await refused(altered(8, 40, '00003')), /^totals at 8:40: /)
    assert.match(
      await refused(altered(8, 39, '6')),
      /^totals at 8:1: .*debits make 2\.26 EUR; they make 2\.25 EUR/,
    )
    assert.match(await refused(altered(8, 73, '5')), /^balance at 8:1: .*1498\.65 EUR/)
    assert.match(await refused(altered(13, 26, '3')), /^totals at 13:21: .*13 stand before it and 12 do/)
  })

  test('another account, currency or sign', async () => {
    assert.match(await refused(altered(8, 20, '1')), /^account at 8:3: /)
    assert.match(await refused(altered(8, 74, '152')), /^currency at 8:74: /)
    assert.match(await refused(altered(1, 48, '840')), /^currency at 1:48: "840" is no currency/)
    assert.match(await refused(altered(2, 28, '3')), /^record at 2:28: "3" must be 1/)
    assert.match(await refused(altered(1, 33, ' ')), /^record at 1:33: /)
  })

  test('days, digits and records that don’t exist', async () => {
    assert.match(await refused(altered(2, 11, '260231')), /^date at 2:11: /)
    assert.match(await refused(altered(2, 17, '2603 1')), /^date at 2:17: /)
    assert.match(await refused(altered(2, 35, 'O')), /^record at 2:29: .*must be 14 digits/)
    assert.match(await refused(altered(2, 1, '27')), /^record at 2:1: "27" is no record/)
    const records = TEXT.split('\n')
    records[1] = `${records[1]}x`
    assert.match(
      await refused(records.join('\n')),
      /^record at 2:81: A record has 80 columns and this has 81/,
    )
  })

  test('records out of order, missing, or after the end', async () => {
    const records = TEXT.trimEnd().split('\n')
    const without = (line: number): string => records.filter((_, index) => index !== line - 1).join('\n')
    assert.match(await refused(without(1)), /^order at 1:1: A record 22/)
    assert.match(await refused(without(2)), /^order at 2:1: A record 23/)
    assert.match(await refused(without(8)), /^order at 8:1: A record 11/)
    assert.match(await refused(without(12)), /^truncated at 12:1: .*no record 33/)
    assert.match(await refused(without(13)), /^truncated at 12:1: The file has no record 88/)
    assert.match(await refused([...records, records[12]].join('\n')), /^order at 14:1: Nothing stands after/)
    const words = records.slice(0, 3).concat(Array(5).fill(records[2]!), records.slice(3))
    assert.match(await refused(words.join('\n')), /^record at 8:1: .*at most five/)
  })

  test('EBCDIC, and no file at all', async () => {
    for (const head of [0xf0, 0xf1]) {
      const file = Uint8Array.of(head, head, 0xf2)
      assert.match(await refused(file), /^encoding at 1:1: The file is in EBCDIC/)
    }
    assert.match(await refused(''), /^truncated /)
  })
})
