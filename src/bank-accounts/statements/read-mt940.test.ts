import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { linesAmong, readAll, refusalOf } from '../../../test/support/statement-reading.ts'
import type { WrittenLine } from '../../../test/support/statement-writers.ts'
import { mt940Account, readMt940 } from './read-mt940.ts'

const example = (name: string): Buffer => readFileSync(new URL(`examples/${name}.mt940`, import.meta.url))
const lines = async (file: string | Uint8Array): Promise<WrittenLine[]> =>
  linesAmong(await readAll(readMt940, file))
const refused = (file: string | Uint8Array): Promise<string> => refusalOf(readMt940, file)

const ACCOUNT = 'ES9121000418450200051332'
/** A statement of these fields between balances of 0 and `closing`. */
const statement = (fields: string, closing = '10,00'): string =>
  `:20:1\n:25:${ACCOUNT}\n:28C:7\n:60F:C260331EUR0,00\n${fields}\n:62F:C260331EUR${closing}\n-\n`
const line = async (fields: string, closing?: string): Promise<WrittenLine> =>
  (await lines(statement(fields, closing)))[0]!

describe('statements of banks', () => {
  test('a Dutch bank’s file of two statements, in blocks', async () => {
    const parts = await readAll(readMt940, example('knab'), 100)
    assert.deepEqual(
      parts.map((part) =>
        part.kind === 'begin'
          ? [part.account, part.statementRef, part.openingUnits, part.complete]
          : part.kind === 'line'
            ? [part.bankRef, part.direction, part.units, part.counterpartyIban, part.counterpartyName]
            : [part.closingUnits, part.toOn],
      ),
      [
        ['123456789', '998/1', 0n, true],
        ['B4E07XM00J000023', 'credit', 50000n, null, ''],
        [50000n, '2014-05-08'],
        ['123456789', '999/1', 305898n, true],
        ['B4G29PGCVO7Q06US', 'debit', 276000n, 'NL65INGB0123456789', 'PICQER'],
        ['B4G29PGDCK1QFV3E', 'credit', 50000n, 'NL84INGB0234561789', 'MMS ONLINE NEDERLAND B.V.'],
        [79898n, '2014-07-30'],
      ],
    )
  })

  test('German fields: words cut every 27 characters, SEPA words, returns, reversals, the year’s end', async () => {
    const [credit, debit, returned, reversed] = await lines(example('german'))
    assert.deepEqual(credit, {
      bankRef: 'POS 7',
      bookedOn: '2025-12-31',
      bookedAt: null,
      valueDate: '2025-12-31',
      direction: 'credit',
      units: 11900n,
      currency: 'EUR',
      balanceUnits: null,
      counterpartyName: 'Müller & Söhne Handelsgesellschaft mbH',
      counterpartyIban: 'DE89370400440532013000',
      concept: 'Rechnung 04711 vom 12.12.2025 KX4T9M2P Danke und Gruss',
      endToEndId: 'RE-2025-4711',
      returnCode: null,
      returnText: null,
    })
    assert.deepEqual(
      [debit!.bookedOn, debit!.valueDate, debit!.units, debit!.concept],
      ['2025-12-31', '2026-01-02', 1250n, 'Strom'],
    )
    assert.deepEqual(
      [returned!.direction, returned!.returnCode, returned!.endToEndId],
      ['credit', 'AC01', 'refund-9'],
    )
    assert.deepEqual([reversed!.direction, reversed!.units, reversed!.returnCode], ['debit', 1900n, null])
  })

  test('the same in Windows-1252', async () => {
    const [credit] = await lines(Buffer.from(example('german').toString(), 'latin1'))
    assert.equal(credit!.counterpartyName, 'Müller & Söhne Handelsgesellschaft mbH')
  })

  test('Dutch tags, and pages of one statement', async () => {
    const parts = await readAll(readMt940, example('dutch'))
    assert.deepEqual(
      parts.map(({ kind }) => kind),
      ['begin', 'line', 'line', 'line', 'end'],
    )
    const [credit, returned, fee] = linesAmong(parts)
    assert.deepEqual(
      [credit!.counterpartyName, credit!.counterpartyIban, credit!.concept, credit!.endToEndId],
      ['J. Pérez', 'ES7921000813610123456789', 'Betaling KX4T9M2P', 'E2E-1'],
    )
    assert.deepEqual(
      [returned!.counterpartyName, returned!.counterpartyIban, returned!.returnCode, returned!.endToEndId],
      ['De Vries', 'NL20INGB0001234567', 'AC04', 'refund-3'],
    )
    assert.deepEqual(
      [fee!.concept, fee!.bookedOn, fee!.valueDate],
      ['RF18539007547034', '2026-03-01', '2026-02-28'],
    )
  })
})

const OTHER_ACCOUNT = 'DE89370400440532013000'
/** A second statement, as far as the place of its account and on from there. */
const another = (account: string): string =>
  `:20:2\n${account}:28C:8\n:60F:C260331EUR0,00\n:61:260331C5,00NTRFX\n:62F:C260331EUR5,00\n-\n`
const accounts = async (file: string): Promise<string[]> =>
  (await readAll(readMt940, file)).flatMap((part) => (part.kind === 'begin' ? [part.account] : []))

describe('whose statement it is', () => {
  const first = statement(':61:2603310331C10,00NTRFX')

  test('the account with the BIC of its bank on a line of its own', async () => {
    const file = first + another(`:25P:${OTHER_ACCOUNT}\nCOBADEFFXXX\n`)
    assert.deepEqual(await accounts(file), [ACCOUNT, OTHER_ACCOUNT])
  })

  test('one that names no account is never of the account before', async () => {
    const nameless = /^account at 10:1: The statement names no account \(:25:\)/
    assert.match(await refused(first + another('')), nameless)
    assert.match(await refused(first.replace('\n-\n', '\n') + another('')), /^account at 9:1: /)
    const unopened = `:20:1\n:25:${ACCOUNT}\n-\n`
    assert.match(await refused(unopened + another('')), /^account at 6:1: /)
    const page = first.replace(':62F:', ':62M:') + another('').replace('60F:C260331EUR0', '60M:C260331EUR10')
    assert.match(await refused(page), nameless)
  })

  test('what stands behind a balance is no part of it', async () => {
    for (const trailer of ['-XXX', 'ABNANL2A', ':940:', ':940:\nABNANL2A\n940'])
      assert.deepEqual(
        await accounts(first.replace('\n-\n', `\n${trailer}\n`) + another(`:25:${OTHER_ACCOUNT}\n`)),
        [ACCOUNT, OTHER_ACCOUNT],
      )
  })
})

describe('texts that look like something else', () => {
  const concept = async (text: string): Promise<string> =>
    (await line(`:61:260331C10,00NTRFX\n:86:${text}`)).concept

  test('lines that begin like a field go on with the text', async () => {
    const full = 'A'.repeat(65)
    for (const text of [':26:37 Folgenr. 007', ':25:37', ':20:37', ':60F:x', ':61:12', ':62F:Haus', ':65:C'])
      assert.equal(await concept(`${full}\n${text}`), full + text)
    assert.equal(
      await concept('105?00X?20SVWZ+2026-03-31T16\n:26:37 Folgenr. 007?31DE89370400440532013000'),
      '2026-03-31T16:26:37 Folgenr. 007',
    )
  })

  test('fields behind the closing balance are read as ever, and a statement that breaks off is none', async () => {
    const whole = statement(':61:260331C10,00NTRFX\n:86:A')
    const behind = ':64:C260331EUR10,00\n:65:C260401EUR10,00\n:86:/SUM/0/1/0,00/10,00/\n-'
    const file = whole.replace('\n-\n', `\n${behind}\n`) + another(`:25:${OTHER_ACCOUNT}\n`)
    assert.deepEqual(await accounts(file), [ACCOUNT, OTHER_ACCOUNT])
    const broken = whole.slice(0, whole.indexOf(':62F:'))
    assert.match(await refused(broken + whole), /^order at 10:1: :60F:/)
    assert.match(await refused(`${broken}{1:F01X}{2:O940}{4:\n${whole}`), /^truncated /)
  })

  test('braces in a text, and blocks behind a message', async () => {
    assert.equal(await concept('A\n{4711} B\n{5:C'), 'A {4711} B {5:C')
    const blocks = '{1:F01X}{2:O940}{4:\n'
    const file =
      blocks + statement(':61:260331C10,00NTRFX').replace('\n-\n', '\n-}{5:{CHK:1}}\n{S:{COP:P}}\n')
    assert.deepEqual(await accounts(file + file), [ACCOUNT, ACCOUNT])
    assert.match(await refused('{1:F01X\n:20:1\n'), /^field at 1:1: A block of the header does not end/)
  })
})

describe('one movement', () => {
  test('blanks for the day of booking, and before the kind', async () => {
    const read = async (text: string) => {
      const { bookedOn, units, bankRef } = await line(`:61:${text}`)
      return [bookedOn, units, bankRef]
    }
    assert.deepEqual(await read('260331    C10,00NTRFNONREF//XY'), ['2026-03-31', 1000n, 'XY'])
    assert.deepEqual(await read('2603310331C10,00 NTRFNONREF//XY'), ['2026-03-31', 1000n, 'XY'])
  })

  test('days of booking on either side of a year’s end, and a leap day', async () => {
    assert.equal((await line(':61:2512311231C10,NTRFX')).bookedOn, '2025-12-31')
    assert.equal((await line(':61:2512310102C10,NTRFX')).bookedOn, '2026-01-02')
    assert.equal((await line(':61:2601021231C10,NTRFX')).bookedOn, '2025-12-31')
    assert.equal((await line(':61:2403010229C10,NTRFX')).bookedOn, '2024-02-29')
    assert.equal((await line(':61:260331C10,NTRFX')).bookedOn, '2026-03-31')
  })

  test('marks, with and without the letter of funds', async () => {
    const direction = async (mark: string, closing?: string) => {
      const read = await line(`:61:260331${mark}10,00NTRFX`, closing)
      return [read.direction, read.returnCode]
    }
    assert.deepEqual(await direction('C'), ['credit', null])
    assert.deepEqual(await direction('CR'), ['credit', null])
    assert.deepEqual(await direction('RD'), ['credit', 'MS03'])
    assert.deepEqual(await direction('RDR'), ['credit', 'MS03'])
    const [, taken] = await lines(statement(':61:260331C20,00NTRFA//XY2\n:61:260331RC10,00NTRFNONREF//XY2'))
    assert.deepEqual([taken!.direction, taken!.returnCode, taken!.reverses], ['debit', null, ['XY2']])
    assert.equal((await line(':61:260331RD10,00NTRFX//Y')).reverses, undefined)
    assert.match(await refused(statement(':61:260331D10,00NTRFX')), /^balance /)
    assert.match(await refused(statement(':61:260331RC10,00NTRFX')), /^balance /)
  })

  test('references: the payer’s, the bank’s, and words that are none', async () => {
    const refs = async (text: string) => {
      const read = await line(`:61:260331C10,00NTRF${text}`)
      return [read.endToEndId, read.bankRef]
    }
    assert.deepEqual(await refs('ABC 1//XY/2'), ['ABC 1', 'XY/2'])
    assert.deepEqual(await refs('NONREF'), [null, null])
    assert.deepEqual(await refs('EREF//NONREF'), [null, null])
    // A Dutch bank writes the other's account there.
    assert.deepEqual(await refs('NL91ABNA0417164300'), [null, null])
    assert.deepEqual(await refs('RF18539007547034'), ['RF18539007547034', null])
  })

  test('a movement of nothing is no line, and one without :86: is one', async () => {
    assert.equal((await lines(statement(':61:260331C0,00NTRFX\n:61:260331C10,00NTRFX'))).length, 1)
  })

  test('details in two fields: what each says is kept', async () => {
    const german = ':86:166?00SEPA?20EREF+E-7?21SVWZ+KX4T9M2P?31ES7921000813610123456789?32ANA PEREZ'
    const read = async (...fields: string[]) => {
      const { counterpartyName, concept, endToEndId } = await line(
        [':61:260331C10,00NTRFX', ...fields].join('\n'),
      )
      return [counterpartyName, concept, endToEndId]
    }
    assert.deepEqual(await read(':86:944 INCOMING', german), ['ANA PEREZ', 'KX4T9M2P', 'E-7'])
    assert.deepEqual(await read(german, ':86:BOOKED BY HAND'), [
      'ANA PEREZ',
      'KX4T9M2P BOOKED BY HAND',
      'E-7',
    ])
  })

  test('free text in lines, some of them full', async () => {
    const full = 'A'.repeat(65)
    assert.equal((await line(`:61:260331C10,00NTRFX\n:86:${full}\n-\nC`)).concept, `${full}- C`)
    assert.equal((await line(`:61:260331C10,00NTRFX\n:86:${full}\nB\n\nC D`)).concept, `${full}B C D`)
  })
})

test('accounts: IBAN with BIC before or currency behind, bank code and account, plain', () => {
  const place = { line: 1, column: 1 }
  const read = (text: string): string => mt940Account(text, place)
  assert.equal(read('NL91ABNA0417164300'), 'NL91ABNA0417164300')
  assert.equal(read('NL91ABNA0417164300EUR'), 'NL91ABNA0417164300')
  assert.equal(read('NL91ABNA0417164300 EUR'), 'NL91ABNA0417164300')
  assert.equal(read('ABNANL2A/NL91ABNA0417164300'), 'NL91ABNA0417164300')
  assert.equal(read('NL91ABNA0417164300/EUR'), 'NL91ABNA0417164300')
  assert.equal(read('MT84MALT011000012345MTLCAST001S'), 'MT84MALT011000012345MTLCAST001S')
  assert.equal(read('50880050/0194777100888EUR'), '50880050/0194777100888')
  assert.equal(read('123456789'), '123456789')
  assert.throws(() => read('NL91ABNA0417164301EUR'), /check digits/)
})

describe('what is refused', () => {
  test('lines that don’t make the closing balance', async () => {
    assert.match(await refused(statement(':61:260331C9,99NTRFX')), /^balance at 6:1: .* make 9\.99 EUR/)
  })

  test('pages that are missing, of another account, or don’t follow from one another', async () => {
    const [first = '', second = ''] = example('dutch')
      .toString()
      .split(/(?=\{1:)/)
    assert.match(await refused(first), /^truncated at 11:\d+: .*page that is not in this file/)
    assert.match(await refused(first + first), /^truncated at 16:1: The page before goes on/)
    assert.match(
      await refused(first + second.replace(':60M:C260331EUR650,50', ':60M:C260331EUR650,51')),
      /^balance at 16:1: .*650\.50 EUR.*650\.51 EUR/,
    )
    assert.match(
      await refused(first + second.replace('NL91ABNA0417164300', 'DE89370400440532013000')),
      /^truncated at 14:1/,
    )
    const alone = (await readAll(readMt940, second))[0]!
    assert.equal(alone.kind === 'begin' && alone.complete, false)
  })

  test('a balance without a comma, a movement without one that the balances contradict, and what is too long', async () => {
    assert.match(await refused(statement(':61:2603310331CR1000NTRFX')), /^balance at 6:/)
    assert.match(
      await refused(statement('', '1000')),
      /^amount at 6:16: The amount "1000" has no comma, as in 1000,00/,
    )
    assert.match(
      await refused(statement(':61:260331C1234567890123,45NTRFX')),
      /^amount at 5:12: .* longer than 15 characters/,
    )
    for (const amount of ['10,', '10']) assert.equal((await line(`:61:260331C${amount}NTRFX`)).units, 1000n)
  })

  test('a second account, opening or closing balance inside a statement', async () => {
    const again = (field: string): Promise<string> => refused(statement(`:61:260331C10,NTRFX\n${field}`))
    assert.match(await again(`:25:${ACCOUNT}`), /^order at 6:1: :25: does not stand/)
    assert.match(await again(':60F:C260331EUR0,00'), /^order at 6:1: :60F: does not stand/)
    assert.match(await again(':62F:C260331EUR10,00'), /^order at 7:1: :62F: does not stand/)
  })

  test('files that end early', async () => {
    const whole = statement(':61:260331C10,00NTRFX')
    assert.match(await refused(whole.slice(0, whole.indexOf(':62F:'))), /^truncated /)
    assert.match(await refused(`${whole}:20:2\n`), /^truncated /)
    assert.match(await refused('{1:F01X}{2:O940}{4:\n'), /^truncated /)
    assert.match(await refused(''), /^empty /)
  })

  test('fields that can’t be read, with their columns', async () => {
    assert.match(
      await refused(statement(':61:26X331C10,00NTRFX')),
      /^field at 5:1: "26X331C10,00NTRFX" is no movement/,
    )
    assert.match(await refused(statement(':61:261301C10,00NTRFX')), /^date at 5:5: /)
    assert.match(await refused(statement(':61:2603310230C10,00NTRFX')), /^date at 5:11: /)
    assert.match(
      await refused(statement(':61:2603310331C10,005NTRFX')),
      /^amount at 5:16: .*at most 2 decimals/,
    )
    assert.match(
      await refused(statement('').replaceAll('EUR', 'PLN')),
      /^currency at 4:13: "PLN" is no currency/,
    )
    assert.match(await refused(statement('').replace(':60F:C', ':60F:X')), /^field at 4:1: .* is no balance/)
    assert.match(
      await refused(statement('').replace(':62F:C260331EUR', ':62F:C260331CLP').replace('10,00', '10,')),
      /^currency at 6:1/,
    )
    assert.match(await refused(':61:260331C10,00NTRFX\n'), /^order at 1:1: :61: does not stand/)
    assert.match(
      await refused(statement('').replace(/:25:.*\n/, '')),
      /^account at 3:1: The statement names no account \(:25:\)/,
    )
  })

  test('what is no text, endless lines and fields', async () => {
    const text = statement(':61:260331C10,00NTRFX\n:86:Ñ')
    assert.match(await refused(text.replace('Ñ', '\x07')), /^encoding at 6:5: This is no text/)
    assert.match(await refused(text.replace('Ñ', 'x'.repeat(200_000))), /^line at 6:/)
    assert.match(await refused(text.replace('Ñ', 'x\n'.repeat(100))), /^field at /)
    // Cut inside a character of UTF-8 while another stands before.
    const broken = Buffer.from(text.replace('Ñ', 'ÑÑ'))
    broken[broken.lastIndexOf(0x91)] = 0x20
    assert.match(await refused(broken), /^encoding at 6:6: This is not UTF-8/)
  })
})
