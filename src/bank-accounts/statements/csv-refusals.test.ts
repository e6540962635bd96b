import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linesAmong, readAll, refusalOf } from '../../../test/support/statement-reading.ts'
import { csvMappingOf } from './csv-mapping.ts'
import { csvReader } from './read-csv.ts'

const ACCOUNT = 'ES9121000418450200051332'
const PLAIN = { account: ACCOUNT, currency: 'EUR', columns: { booked_on: 'day', amount: 'amount' } }

const reader = (mapping: unknown) => csvReader(csvMappingOf(mapping))
const refused = (mapping: unknown, file: string | Uint8Array): Promise<string> =>
  refusalOf(reader(mapping), file)
const amounts = async (mapping: object, file: string) =>
  linesAmong(await readAll(reader({ ...PLAIN, ...mapping }), file)).map(({ direction, units }) => [
    direction,
    units,
  ])

describe('what is refused', () => {
  test('columns that aren’t there, or twice', async () => {
    const message = await refused(PLAIN, 'date,amount\n')
    assert.equal(message, 'column at 1:1: There is no column "day". The row has 2: "date", "amount".')
    assert.match(await refused(PLAIN, 'day,day,amount\n'), /^column at 1:1: Two columns are called "day"/)
    const third = { ...PLAIN, columns: { ...PLAIN.columns, concept: 3 } }
    assert.match(await refused(third, 'day,amount\n'), /^column at 1:1: There is no column 3/)
  })

  test('rows that are cut, open quotes, endless rows, quotes in the middle', async () => {
    assert.match(
      await refused(PLAIN, 'day,amount\n2026-03-31\n'),
      /^row at 2:1: The row has 1 columns and the first has 2/,
    )
    assert.match(
      await refused(PLAIN, 'day,amount\n"2026-03-31,1\n'),
      /^truncated at \d:1: A " is never closed/,
    )
    assert.match(await refused(PLAIN, `day,amount\n"${'x'.repeat(200_000)}`), /^csv at 2:1: A row is longer/)
    assert.match(await refused(PLAIN, 'day,amount\n2026-03-31,1"2\n'), /^csv at 2:1: This is no CSV/)
  })

  test('days and amounts, with their columns, behind quotes and line ends', async () => {
    const mapping = { ...PLAIN, columns: { ...PLAIN.columns, concept: 'text' } }
    assert.match(
      await refused(mapping, 'text,day,amount\n"a,\nb",2026-3-31,1\n'),
      /^date at 3:4: "2026-3-31" is no day as YYYY-MM-DD/,
    )
    assert.match(
      await refused(mapping, 'text,day,amount\n"a""",2026-02-30,1\n'),
      /^date at 2:7: There is no day/,
    )
    assert.match(await refused(mapping, 'text,day,amount\n"a",2026-03-31,1.005\n'), /^amount at 2:16: /)
  })

  test('places behind line ends of every kind inside quotes', async () => {
    const mapping = { ...PLAIN, columns: { ...PLAIN.columns, concept: 'text' } }
    for (const end of ['\n', '\r\n', '\r']) {
      const rows = [
        'text,day,amount',
        '"a,',
        'b",2026-03-31,1',
        '',
        '"c',
        'd",2026-03-31,1',
        '"e',
        'f",2026-3-31,1',
      ]
      const file = `${rows.join(end)}${end}`
      assert.equal((await refused(mapping, file)).slice(0, 12), 'date at 8:4:', JSON.stringify(end))
      const open = `${file.replace('-3-', '-03-')}${end}"g,2026-03-31,1${end}`
      assert.match(await refused(mapping, open), /^truncated at 10:1: /, JSON.stringify(end))
    }
  })

  test('characters that no text has, with their place', async () => {
    const mapping = { ...PLAIN, columns: { ...PLAIN.columns, concept: 'text' } }
    for (const end of ['\n', '\r\n', '\r']) {
      const file = ['text,day,amount', 'a\u0000b,2026-03-31,1', ''].join(end)
      assert.match(await refused(mapping, file), /^encoding at 2:2: This is no text/)
    }
  })

  test('both a credit and a debit, an unknown word, an account or currency that can’t be', async () => {
    const both = { ...PLAIN, columns: { booked_on: 'day', credit: 'in', debit: 'out' } }
    assert.match(await refused(both, 'day,in,out\n2026-03-31,1,1\n'), /^row at 2:14: The row has both/)
    const words = {
      ...PLAIN,
      directions: { credit: ['H'], debit: ['S'] },
      columns: { ...PLAIN.columns, direction: 'w' },
    }
    assert.match(
      await refused(words, 'day,amount,w\n2026-03-31,1,X\n'),
      /^row at 2:14: "X" is none of the words in directions: H, S/,
    )
    const columns = { ...PLAIN.columns, account: 'a', currency: 'c' }
    const told = { columns }
    assert.match(
      await refused(told, 'a,c,day,amount\nES9121000418450200051333,EUR,2026-03-31,1\n'),
      /^account at 2:1: /,
    )
    assert.match(
      await refused(told, `a,c,day,amount\n${ACCOUNT},eur,2026-03-31,1\n`),
      /^currency at 2:26: "eur"/,
    )
  })

  test('an amount of another currency, or with a word that is no sign', async () => {
    const one = (text: string, change: object = {}): Promise<string> =>
      refused({ ...PLAIN, ...change }, `day,amount\n2026-03-31,${text}\n`)
    for (const text of ['100.00 USD', 'USD 100.00', '$100.00', '\u00a3100.00', '100.00 US$', '-$1']) {
      assert.match(await one(text), /^currency at 2:12: .* is in another currency than EUR/, text)
    }
    assert.match(await one('\u20ac100.00', { currency: 'MXN' }), /^currency at 2:12: /)
    for (const text of ['100.00 DBT', '100.00 DEB', '100.00 Dr', '(100.00)']) {
      assert.match(await one(text), /^amount at 2:12: .* is no amount/, text)
    }
    for (const text of ['$1000.00', '-$1000.00', '$ 1000 MXN', '1000mxn']) {
      const [line] = await amounts({ currency: 'MXN' }, `day,amount\n2026-03-31,${text}\n`)
      assert.deepEqual(line, [text.startsWith('-') ? 'debit' : 'credit', 100_000n], text)
    }
    const columns = { ...PLAIN.columns, balance: 'b' }
    assert.match(
      await refused({ ...PLAIN, columns }, 'day,amount,b\n2026-03-31,1,5 USD\n'),
      /^currency at 2:14: /,
    )
  })

  test('thousands that may be taken for decimals', async () => {
    const one = (text: string, change: object): Promise<string> =>
      refused({ ...PLAIN, delimiter: ';', ...change }, `day;amount\n2026-03-31;${text}\n`)
    assert.match(
      await one('20.000', { currency: 'CLP' }),
      /^amount at 2:12: "20\.000" may be a thousand and more: .*"decimal": ","/,
    )
    assert.match(await one('12.500', {}), /^amount at 2:12: .*"decimal": ","/)
    assert.match(await one('1,000', { decimal: ',' }), /^amount at 2:12: .*"decimal": "\."/)
    assert.match(
      await one('1234.000', { currency: 'CLP' }),
      /^amount at 2:12: .* has decimals, and CLP has none/,
    )
    const pesos = 'day;amount\n2026-03-31;20.00\n2026-03-31;$20\n'
    assert.deepEqual(await amounts({ currency: 'CLP', delimiter: ';' }, pesos), [
      ['credit', 20n],
      ['credit', 20n],
    ])
  })

  test('a sign that contradicts its column or its word, and a row without an amount', async () => {
    const two = { ...PLAIN, columns: { booked_on: 'day', credit: 'in', debit: 'out' } }
    assert.match(
      await refused(two, 'day,in,out\n2026-03-31,-100.00,\n'),
      /^row at 2:12: The credit "-100\.00" has a minus/,
    )
    assert.match(
      await refused(two, 'day,in,out\n2026-03-31,,1\n2026-03-31,,0\n2026-03-31,,-1\n'),
      /^row at 4:13: The debit "-1" has a minus, and those before it have none/,
    )
    assert.match(await refused(two, 'day,in,out\n2026-03-31,,\n'), /^row at 2:12: The row has neither/)
    const words = {
      ...PLAIN,
      directions: { credit: ['H'], debit: ['S'] },
      columns: { ...PLAIN.columns, direction: 'w' },
    }
    assert.match(await refused(words, 'day,amount,w\n2026-03-31,-1,H\n'), /^row at 2:12: The credit "-1"/)
    assert.match(
      await refused(words, 'day,amount,w\n2026-03-31,-1,S\n2026-03-31,1,S\n'),
      /^row at 3:12: The debit "1" has no minus/,
    )
  })

  test('an account that comes back, however it is written', async () => {
    const mapping = { ...PLAIN, account: undefined, columns: { ...PLAIN.columns, account: 'a' } }
    const file = (third: string): string =>
      ['a,day,amount', ACCOUNT, 'ES7921000813610123456789', third]
        .map((account, at) => (at === 0 ? account : `${account},2026-03-31,1`))
        .join('\n')
        .concat('\n')
    for (const account of [ACCOUNT, ACCOUNT.slice(4)]) {
      assert.match(await refused(mapping, file(account)), /^order at 4:1: .* sort the file by account/)
    }
    const together = file('ES7921000813610123456789')
    assert.equal(linesAmong(await readAll(reader(mapping), together)).length, 3)
  })

  test('rows that are all left out, or one for the case of its word', async () => {
    const columns = { ...PLAIN.columns, concept: 'text' }
    const mapping = { ...PLAIN, columns, only: { column: 'state', values: ['Booked'] } }
    const file = (...words: string[]): string =>
      `day,amount,text,state\n${words.map((word) => `2026-03-31,1,a,${word}\n`).join('')}`
    assert.match(
      await refused(mapping, file('pending', 'open')),
      /^row at 2:16: "pending" is none of the words in only, nor is that of any other row: Booked/,
    )
    assert.match(
      await refused(mapping, file('Booked', 'BOOKED')),
      /^row at 3:16: "BOOKED" is one of the words/,
    )
    assert.equal(linesAmong(await readAll(reader(mapping), file('pending', 'Booked'))).length, 1)
    assert.equal((await readAll(reader(mapping), file())).length, 2)
  })

  test('a last row that may end inside of its amount', async () => {
    const german = { ...PLAIN, decimal: ',', delimiter: ';' }
    const file = 'day;amount\n2026-03-31;1,00\n2026-03-31;12,50'
    for (const cut of [1, 2, 3]) {
      assert.match(
        await refused(german, file.slice(0, -cut)),
        /^truncated at 3:1: The file ends in the amount/,
      )
    }
    for (const whole of [file, `${file} EUR`, `${file.slice(0, -3)}\n`, `${file.slice(0, -5)}"12"`]) {
      assert.equal(linesAmong(await readAll(reader(german), whole)).length, 2)
    }
    const after = file.replace('1,00', '1,00-')
    assert.match(await refused(german, after), /^truncated at 3:1: /)
    assert.equal(linesAmong(await readAll(reader(german), `${after}-`)).length, 2)
    assert.match(
      await refused({ ...german, currency: 'CLP' }, 'day;amount\n2026-03-31;12'),
      /^truncated at 2:1: /,
    )
  })

  test('an amount of blanks, in no more time than it has characters', async () => {
    const began = performance.now()
    await refused(PLAIN, `day,amount\n2026-03-31,1${' '.repeat(60_000)}1\n`)
    assert.ok(performance.now() - began < 1_500)
  })

  test('balances that don’t follow from one another in either order', async () => {
    const mapping = { ...PLAIN, columns: { ...PLAIN.columns, balance: 'b' } }
    const rows = (...balances: string[]): string =>
      `day,amount,b\n${balances.map((balance) => `2026-03-31,1,${balance}\n`).join('')}`
    await readAll(reader(mapping), rows('1', '2', '3'))
    await readAll(reader(mapping), rows('3', '2', '1'))
    assert.match(
      await refused(mapping, rows('1', '2', '4')),
      /^balance at 4:1: The balance after this line is 4\.00 EUR/,
    )
    assert.match(await refused(mapping, rows('3', '2', '3')), /^balance at 4:1: /)
    assert.match(await refused(mapping, rows('1', '1')), /^balance at 3:1: /)
  })

  test('another encoding than the mapping says', async () => {
    const latin = Buffer.from('day,amount,ñ\n', 'latin1')
    assert.match(
      await refused({ ...PLAIN, encoding: 'utf-8' }, latin),
      /^encoding at 1:12: This is not UTF-8/,
    )
  })
})
