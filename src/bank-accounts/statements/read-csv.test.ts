import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  linesAmong,
  NEWEST_FIRST_MAPPING,
  readAll,
  refusalOf,
} from '../../../test/support/statement-reading.ts'
import { CsvMappingError, csvMappingOf } from './csv-mapping.ts'
import { csvReader } from './read-csv.ts'

const ACCOUNT = 'ES9121000418450200051332'
const EXAMPLE = readFileSync(new URL('examples/newest-first.csv', import.meta.url), 'utf8')
/** A column may be named in another case, or by its number. */
const MAPPING = {
  ...NEWEST_FIRST_MAPPING,
  columns: { ...NEWEST_FIRST_MAPPING.columns, value_date: 'wertstellung', amount: 3 },
}
const PLAIN = { account: ACCOUNT, currency: 'EUR', columns: { booked_on: 'day', amount: 'amount' } }

const reader = (mapping: unknown) => csvReader(csvMappingOf(mapping))
const refused = (mapping: unknown, file: string | Uint8Array): Promise<string> =>
  refusalOf(reader(mapping), file)
const problems = (mapping: unknown): readonly string[] => {
  try {
    csvMappingOf(mapping)
  } catch (error) {
    assert.ok(error instanceof CsvMappingError)
    return error.problems
  }
  return []
}
const amounts = async (mapping: object, file: string) =>
  linesAmong(await readAll(reader({ ...PLAIN, ...mapping }), file)).map(({ direction, units }) => [
    direction,
    units,
  ])

describe('what a file says', () => {
  test('rows before the table, newest first, pending ones, several columns of text, quotes, a currency sign', async () => {
    const parts = await readAll(reader(MAPPING), EXAMPLE, 50)
    assert.deepEqual(parts, [
      {
        kind: 'begin',
        place: { line: 4, column: 1 },
        account: ACCOUNT,
        currency: 'EUR',
        statementRef: null,
        fromOn: null,
        toOn: null,
        openingUnits: null,
        complete: false,
      },
      {
        kind: 'line',
        place: { line: 4, column: 1 },
        bankRef: null,
        bookedOn: '2026-03-31',
        bookedAt: null,
        valueDate: '2026-04-01',
        direction: 'credit',
        units: 115_050n,
        currency: 'EUR',
        balanceUnits: 215_050n,
        counterpartyName: 'Müller; Söhne',
        counterpartyIban: 'DE89370400440532013000',
        concept: 'Zahlung KX4T9M2P',
        endToEndId: null,
        returnCode: null,
        returnText: null,
      },
      {
        kind: 'line',
        place: { line: 7, column: 1 },
        bankRef: null,
        bookedOn: '2026-03-30',
        bookedAt: null,
        valueDate: '2026-03-30',
        direction: 'debit',
        units: 4950n,
        currency: 'EUR',
        balanceUnits: 100_000n,
        counterpartyName: 'Bar "Sol"',
        counterpartyIban: null,
        concept: 'zwei Zeilen',
        endToEndId: null,
        returnCode: null,
        returnText: null,
      },
      {
        kind: 'end',
        place: { line: 7, column: 1 },
        closingUnits: null,
        toOn: '2026-03-31',
        stated: { lines: null, creditUnits: null, debitUnits: null },
      },
    ])
  })

  test('credit and debit columns, words beside the amount, a sign the other way round', async () => {
    const columns = { booked_on: 'day', credit: 'in', debit: 'out' }
    const two = 'day,in,out\n2026-03-31,1.00,\n2026-03-31,,-2.00\n2026-03-31,0,-3\n2026-03-31,0,0\n'
    assert.deepEqual(await amounts({ columns }, two), [
      ['credit', 100n],
      ['debit', 200n],
      ['debit', 300n],
    ])
    const words = 'day,amount,w\n2026-03-31,1.00,H\n2026-03-31,-2.00,S\n'
    const directions = { credit: ['H'], debit: ['S'] }
    const withWords = { directions, columns: { ...PLAIN.columns, direction: 'w' } }
    assert.deepEqual(await amounts(withWords, words), [
      ['credit', 100n],
      ['debit', 200n],
    ])
    assert.deepEqual(await amounts({ sign: 'reversed' }, 'day,amount\n2026-03-31,5\n'), [['debit', 500n]])
  })

  test('amounts as people write them, grouped only as that is done', async () => {
    const read = async (text: string, decimal: string): Promise<bigint> => {
      const [[direction, units] = []] = await amounts(
        { decimal, delimiter: ';' },
        `day;amount\n2026-03-31;${text}\n`,
      )
      return direction === 'debit' ? -(units as bigint) : (units as bigint)
    }
    assert.equal(await read('1.234.567,8', ','), 123_456_780n)
    assert.equal(await read('1 234,50 €', ','), 123_450n)
    assert.equal(await read('1,234.50', '.'), 123_450n)
    assert.equal(await read('EUR 12', '.'), 1200n)
    assert.equal(await read('12.50-', '.'), -1250n)
    assert.equal(await read('\u221212.5', '.'), -1250n)
    for (const text of [
      '1.23',
      '1.23.456',
      '--1',
      '-1-',
      '1,5,0',
      '',
      'abc',
      '1e3',
      '0.500',
      '1.234 567',
      '5,-',
    ]) {
      await assert.rejects(read(text, ','), /Line 2, column 12: .* is no amount, such as -1\.234,56/, text)
    }
    assert.equal(await read('0,500', ','), 50n)
    assert.equal(await read('1234,500', ','), 123_450n)
    assert.equal(await read('1,235', '.'), 123_500n)
    await assert.rejects(read('1234,567', ','), /at most 2 decimals in EUR/)
  })

  test('no header, tabs, other encodings, accounts in a column', async () => {
    const mapping = {
      header: false,
      delimiter: '\t',
      encoding: 'iso-8859-15',
      date_format: 'YYMMDD',
      columns: { account: 1, currency: 2, booked_on: 3, amount: 4, concept: 5 },
    }
    const rows = [
      `${ACCOUNT}\tEUR\t260331\t1.00\tAño \xa4`,
      `${ACCOUNT}\tEUR\t260331\t1.00\t`,
      'ES7921000813610123456789\tMXN\t260331\t-1.00\t',
    ]
    const parts = await readAll(reader(mapping), Buffer.from(rows.join('\r'), 'latin1'))
    assert.deepEqual(
      parts.map((part) => (part.kind === 'begin' ? part.account : part.kind)),
      [ACCOUNT, 'line', 'line', 'end', 'ES7921000813610123456789', 'line', 'end'],
    )
    assert.equal(linesAmong(parts)[0]!.concept, 'Año €')
  })

  test('another quote, doubled inside of it, and lines before the table that end in CR', async () => {
    const mapping = { ...PLAIN, quote: "'", columns: { ...PLAIN.columns, concept: 'text' } }
    const [line] = linesAmong(
      await readAll(reader(mapping), "text,day,amount\n'O''Brien \"x\"',2026-03-31,1\n"),
    )
    assert.equal(line!.concept, 'O\'Brien "x"')
    for (const end of ['\n', '\r\n', '\r']) {
      const file = ['Bank', '', 'day,amount', '2026-03-31,1', ''].join(end)
      for (const size of [1, 1000]) {
        const parts = await readAll(reader({ ...PLAIN, skip_rows: 2 }), file, size)
        assert.deepEqual(parts[1]!.place, { line: 4, column: 1 }, JSON.stringify(end))
      }
    }
  })

  test('a table without rows is a statement without lines', async () => {
    const parts = await readAll(reader(PLAIN), 'day,amount\n')
    assert.deepEqual(
      parts.map(({ kind }) => kind),
      ['begin', 'end'],
    )
    assert.match(await refused(PLAIN, ''), /^empty /)
  })
})

describe('a mapping', () => {
  test('that fits has no problems', () => assert.deepEqual(problems(MAPPING), []))

  test('is refused with every fault at once', () => {
    assert.deepEqual(problems([]), [
      'The mapping must be a JSON object.',
      'columns must be an object: what each column of the file holds.',
    ])
    const found = problems({
      delimiter: ';;',
      datum: 1,
      columns: { amount: 'a', debit: 'b', foo: 1, concept: [] },
    })
    for (const part of [
      /^datum is no setting; there are delimiter/,
      /^delimiter must be one character/,
      /^columns\.foo is nothing that is read/,
      /^columns\.concept must be the name of a column or its number from 1, or a list of them/,
      /^columns\.booked_on is missing/,
      /^columns must have either amount, or credit and debit/,
      /^account must be told once/,
      /^currency must be told once/,
    ]) {
      assert.equal(found.filter((problem) => part.test(problem)).length, 1, String(part))
    }
    assert.equal(found.length, 8)
  })

  test('says how to mend one fault', () => {
    const one = (change: object): string => problems({ ...PLAIN, ...change }).join('|')
    assert.match(one({ date_format: 'DD/MM' }), /must hold DD, MM and YYYY or YY once each/)
    assert.match(one({ date_format: 'DD/MM/YYYYT' }), /date_format/)
    assert.match(one({ currency: 'XYZ' }), /currency must be a currency that the platform keeps/)
    assert.match(one({ header: false }), /must be numbers from 1 where header is false/)
    assert.match(one({ skip_rows: -1 }), /skip_rows must be a whole number/)
    assert.match(one({ encoding: 'ebcdic' }), /encoding must be one of guess, utf-8/)
    assert.match(one({ directions: { credit: ['H'], debit: ['S'] } }), /columns\.direction goes with/)
    const two = { booked_on: 'day', credit: 'in', debit: 'out' }
    assert.match(one({ sign: 'reversed', columns: two }), /^sign goes with amounts that have one/)
    const columns = { ...PLAIN.columns, direction: 'd' }
    const hands = { credit: ['H'], debit: ['S'] }
    assert.match(one({ sign: 'reversed', columns, directions: hands }), /^sign goes with/)
    assert.match(one({ columns, directions: { credit: ['H'], debit: ['H'] } }), /directions has "H" for both/)
  })
})
