import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { linesAmong, readAll, refusalOf } from '../../../test/support/statement-reading.ts'
import { statementParts, type WrittenLine, writeCamt } from '../../../test/support/statement-writers.ts'
import { CAMT_MESSAGES, readCamt } from './read-camt.ts'
import type { StatementPart } from './statement.ts'

const ACCOUNT = 'ES9121000418450200051332'
const PAYER = 'ES7921000813610123456789'
const EXAMPLE = readFileSync(new URL('examples/batches-and-returns.camt053.xml', import.meta.url), 'utf8')

const oneLine = (
  line: Partial<WrittenLine> = {},
  message: (typeof CAMT_MESSAGES)[number] = 'camt.053.001.08',
) =>
  [
    ...writeCamt(statementParts({ account: ACCOUNT, lines: () => [{ units: 15050n, ...line }] }), message),
  ].join('')
const refused = (xml: string | Uint8Array): Promise<string> => refusalOf(readCamt, xml)
const endOf = (parts: readonly StatementPart[]) => parts.find((part) => part.kind === 'end')!

describe('what a statement says', () => {
  test('an example of version 02: a batch, a return, a reversal, what is pending, balances and totals', async () => {
    const parts = await readAll(readCamt, EXAMPLE)
    const [begin] = parts
    assert.deepEqual(begin, {
      kind: 'begin',
      place: { line: 10, column: 5 },
      account: ACCOUNT,
      currency: 'EUR',
      statementRef: 'ES9121000418450200051332-2026-090',
      fromOn: '2026-03-31',
      toOn: '2026-03-31',
      openingUnits: -100_000n,
      complete: true,
    })
    const lines = linesAmong(parts)
    assert.deepEqual(
      lines.map(({ bankRef, direction, units }) => [bankRef, direction, units]),
      [
        ['BK-0001', 'credit', 15050n],
        ['BK-0002-A', 'credit', 1000n],
        ['BK-0002/2', 'credit', 2000n],
        ['BK-0002/3', 'credit', 3025n],
        ['BK-0003', 'credit', 20000n],
        [null, 'debit', 150n],
        ['BK-0005', 'debit', 5000n],
        ['BK-0006', 'credit', 10100n],
      ],
    )
    assert.deepEqual(lines[0], {
      bankRef: 'BK-0001',
      bookedOn: '2026-03-31',
      bookedAt: new Date('2026-03-31T08:15:00Z'),
      valueDate: '2026-03-31',
      direction: 'credit',
      units: 15050n,
      currency: 'EUR',
      balanceUnits: null,
      counterpartyName: 'María Peña Núñez',
      counterpartyIban: PAYER,
      concept: 'Pago KX4T9M2P RF18539007547034',
      endToEndId: null,
      returnCode: null,
      returnText: null,
    })
    assert.deepEqual(endOf(parts), {
      kind: 'end',
      place: { line: 29, column: 7 },
      closingUnits: -53_975n,
      toOn: '2026-03-31',
      stated: { lines: null, creditUnits: 51_175n, debitUnits: 5150n },
    })
  })

  test('transactions of a batch stand where they stand in the file, with what each says', async () => {
    const parts = await readAll(readCamt, EXAMPLE)
    const places = parts.flatMap((part) => (part.kind === 'line' ? [part.place.line] : []))
    assert.deepEqual(places, [46, 81, 86, 90, 97, 122, 131, 142])
    const [, first, , third] = linesAmong(parts)
    assert.equal(first!.counterpartyName, 'Only the ultimate one')
    assert.equal(first!.endToEndId, 'A-1')
    assert.equal(first!.valueDate, '2026-04-01')
    assert.equal(third!.counterpartyIban, '0417164300')
  })

  test('what comes back names whom it was sent to, and why', async () => {
    const returned = linesAmong(await readAll(readCamt, EXAMPLE))[4]!
    assert.equal(returned.counterpartyName, 'João Conceição')
    assert.equal(returned.counterpartyIban, 'PT50000201231234567890154')
    assert.equal(returned.returnCode, 'AC04')
    assert.equal(returned.returnText, 'Conta encerrada')
    assert.equal(returned.endToEndId, 'refund-17')
  })

  test('a credit that reverses a debit gives back; a debit that reverses a credit is a debit', async () => {
    const reversal = oneLine().replace('<Sts>', '<RvslInd>true</RvslInd><Sts>')
    const [line] = linesAmong(await readAll(readCamt, reversal))
    assert.deepEqual([line!.returnCode, line!.reverses], ['MS03', undefined])
    // The side is the booking's own: a debit that is a reversal takes a credit back, and names it as the credit was.
    for (const yes of ['true', '1']) {
      const told = { direction: 'debit', bankRef: 'R7', counterpartyName: 'Ana' } as const
      const taken = oneLine(told).replace('<Sts>', `<RvslInd>${yes}</RvslInd><Sts>`)
      const [back] = linesAmong(await readAll(readCamt, taken))
      assert.deepEqual(
        [back!.direction, back!.returnCode, back!.reverses, back!.counterpartyName],
        ['debit', null, ['R7'], 'Ana'],
      )
      assert.equal(linesAmong(await readAll(readCamt, oneLine(told)))[0]!.reverses, undefined)
    }
    const debit = linesAmong(await readAll(readCamt, EXAMPLE))[6]!
    assert.deepEqual([debit.direction, debit.returnCode, debit.concept], ['debit', null, 'Abono duplicado'])
  })

  for (const message of CAMT_MESSAGES) {
    test(`${message} is told by its namespace`, async () => {
      const line = { counterpartyName: 'Ana', counterpartyIban: PAYER, concept: 'KX4T9M2P', bankRef: 'R1' }
      const parts = await readAll(readCamt, oneLine(line, message))
      const [read] = linesAmong(parts)
      assert.deepEqual({ ...read!, ...line }, read)
      assert.equal(parts[0]!.kind === 'begin' && parts[0]!.complete, message.startsWith('camt.053'))
    })
  }

  test('a notification tells no balances, even where the file has some', async () => {
    const parts = await readAll(readCamt, oneLine({}, 'camt.054.001.08'))
    assert.equal(parts[0]!.kind === 'begin' && parts[0]!.openingUnits, null)
    assert.equal((endOf(parts) as { closingUnits: bigint | null }).closingUnits, null)
  })

  test('a page of a statement is not all of its days, and goes by interim balances', async () => {
    const page = oneLine()
      .replace(
        '<CreDtTm>2026-04-01T02:00:00Z</CreDtTm><FrToDt>',
        '<StmtPgntn><PgNb>2</PgNb><LastPgInd>false</LastPgInd></StmtPgntn><FrToDt>',
      )
      .replaceAll(/<Cd>(?:OPBD|CLBD)</g, '<Cd>ITBD<')
    const parts = await readAll(readCamt, page)
    assert.deepEqual(parts[0]!.kind === 'begin' && [parts[0]!.complete, parts[0]!.openingUnits], [false, 0n])
    assert.equal((endOf(parts) as { closingUnits: bigint | null }).closingUnits, 15050n)
  })

  test('a page of a message of version 02 is one as well, unless it holds the whole statement', async () => {
    const page = oneLine({}, 'camt.053.001.02').replace(
      '</GrpHdr>',
      '<MsgPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></MsgPgntn></GrpHdr>',
    )
    const complete = async (xml: string): Promise<boolean> => {
      const [begin] = await readAll(readCamt, xml)
      return begin!.kind === 'begin' && begin!.complete
    }
    assert.equal(await complete(page), true)
    assert.equal(await complete(page.replace('<Cd>CLBD<', '<Cd>ITBD<')), false)
  })

  test('several statements, a prefix, and what wraps the message', async () => {
    const two = [
      ...statementParts({ account: ACCOUNT, lines: () => [{ units: 1n }] }),
      ...statementParts({ account: PAYER, openingUnits: -5n, lines: () => [] }),
    ]
    const xml = [...writeCamt(two)].join('')
    const prefixed = xml
      .replaceAll(/<(\/?)(?=[A-Z])/g, '<$1c:')
      .replace('xmlns=', 'xmlns:c=')
      .replace(/^<\?xml.*\n/, '<env:Envelope xmlns:env="urn:x"><env:Header><Any>1</Any></env:Header>')
    const parts = await readAll(readCamt, `${prefixed}</env:Envelope>`)
    assert.deepEqual(
      parts.map((part) => (part.kind === 'begin' ? part.account : part.kind)),
      [ACCOUNT, 'line', 'end', PAYER, 'end'],
    )
  })

  test('a foreign extension is left out', async () => {
    const xml = oneLine().replace(
      '<Refs>',
      '<x:Refs xmlns:x="urn:x"><EndToEndId>no</EndToEndId></x:Refs><Refs>',
    )
    assert.equal(linesAmong(await readAll(readCamt, xml))[0]!.endToEndId, null)
  })

  test('zeros beyond the currency’s decimals are taken, any other digit is not', async () => {
    const written = (amount: string): string => oneLine().replaceAll('150.50', amount)
    assert.equal(linesAmong(await readAll(readCamt, written('150.50000')))[0]!.units, 15050n)
    assert.match(
      await refused(written('150.505')),
      /^amount at .*"150\.505" must have at most 2 decimals in EUR/,
    )
    assert.match(await refused(written('1,50')), /^amount /)
    assert.match(await refused(written('1e3')), /^amount /)
  })
})

describe('encodings', () => {
  const concept = 'Año Núñez €'
  const xml = oneLine({ concept })
  const declared = (name: string): string => xml.replace('UTF-8', name)
  const read = async (bytes: Uint8Array): Promise<string> =>
    linesAmong(await readAll(readCamt, bytes, 7))[0]!.concept

  test('UTF-8 with and without its mark, UTF-16 of both kinds, ISO-8859-15, Windows-1252', async () => {
    assert.equal(await read(Buffer.from(xml)), concept)
    assert.equal(await read(Buffer.from(`\ufeff${xml}`)), concept)
    const wide = Buffer.from(`\ufeff${declared('UTF-16')}`, 'utf16le')
    assert.equal(await read(wide), concept)
    assert.equal(await read(Buffer.from(wide).swap16()), concept)
    assert.equal(await read(wide.subarray(2)), concept)
    const bytes = (name: string, euro: number): Buffer =>
      Buffer.from(declared(name).replace('€', String.fromCharCode(euro)), 'latin1')
    assert.equal(await read(bytes('ISO-8859-15', 0xa4)), concept)
    assert.equal(await read(bytes('windows-1252', 0x80)), concept)
    assert.equal(await read(bytes('ISO-8859-1', 0x80)), concept)
  })

  test('another encoding than the file says is refused where it shows', async () => {
    const latin = Buffer.from(xml.replace('€', ''), 'latin1')
    const line = xml.split('\n').findIndex((text) => text.includes('Año')) + 1
    const column = xml.split('\n')[line - 1]!.indexOf('ñ') + 1
    assert.match(await refused(latin), new RegExp(`^encoding at ${line}:${column}: This is not UTF-8`))
    assert.match(await refused(declared('UTF-16')), /^encoding at 1:31: The file says that it is UTF-16/)
    assert.match(await refused(declared('KOI8-R')), /^encoding at 1:31: The encoding "KOI8-R" is not read/)
  })
})

describe('what is refused', () => {
  const xml = oneLine({ concept: 'x' })

  test('document types, entities and processing instructions', async () => {
    const withType = (type: string): string => xml.replace('\n', `\n${type}\n`)
    assert.match(await refused(withType('<!DOCTYPE Document SYSTEM "file:///etc/passwd">')), /^doctype at 2:/)
    const laughs = '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    assert.match(await refused(withType(laughs)), /^doctype at 2:/)
    assert.match(await refused(withType('<?xml-stylesheet href="x"?>')), /^doctype at 2:/)
    assert.match(await refused(xml.replace('>x<', '>&b;<')), /^doctype at 5:/)
  })

  test('bombs: depth, long texts, endless elements', async () => {
    assert.match(await refused(xml.replace('<Refs>', `${'<a>'.repeat(60)}`)), /^xml at .*nested deeper/)
    assert.match(
      await refused(xml.replace('>x<', `>${'x'.repeat(300_000)}<`)),
      /^xml at .*(longer|more) than any/,
    )
    assert.match(
      await refused(xml.replace('<Refs>', `<Refs>${'<a/>'.repeat(10_000)}`)),
      /^xml at .*more than any/,
    )
    assert.match(
      await refused(xml.replace('<Refs>', `<!--${'x'.repeat(300_000)}--><Refs>`)),
      /^xml at .*longer/,
    )
    assert.match(
      await refused(xml.replace('<Refs>', `<Refs a="${'x'.repeat(300_000)}">`)),
      /^xml at .*longer/,
    )
  })

  test('more in one entry than any has', async () => {
    const transactions = '<TxDtls/>'.repeat(10_000)
    assert.match(
      await refused(xml.replace('<TxDtls>', () => `${transactions}<TxDtls>`)),
      /^batch at 5:\d+: More than 10000 transactions in one entry/,
    )
    assert.match(
      await refused(xml.replace('<Ntry>', `<Ntry>${'<a/>'.repeat(20_000)}`)),
      /^batch at 5:\d+: This is more than an entry/,
    )
  })

  test('what is no XML, no message, or another message', async () => {
    assert.match(await refused(xml.replace('</Refs>', '')), /^xml at 5:\d+: This is no well-formed XML/)
    assert.match(
      await refused(xml.replace('053.001.08', '053.001.04')),
      /^version at 2:1: "camt.053.001.04" is not read/,
    )
    assert.match(await refused('<a/>'), /^empty /)
    assert.match(await refused(''), /^truncated /)
  })

  test('misplaced, missing and unknown things', async () => {
    const end = '</Stmt>'
    assert.match(await refused(xml.replace(end, `<Bal/>${end}`)), /^order at 6:1: Bal/)
    assert.match(await refused(xml.replace(end, `<Stmt></Stmt>${end}`)), /^order at 6:1: Stmt/)
    assert.match(
      await refused(xml.replace(/<Acct>.*<\/Acct>/, '')),
      /^account at 4:1: The statement names no account/,
    )
    assert.match(
      await refused(xml.replaceAll(/<CdtDbtInd>CRDT</g, '<CdtDbtInd>C<')),
      /^missing .*CRDT or DBIT/,
    )
    assert.match(await refused(xml.replace('<Cd>BOOK</Cd>', '<Cd>DONE</Cd>')), /^status at 5:.*BOOK, PDNG/)
    assert.match(
      await refused(xml.replace(/<BookgDt>.*<\/ValDt>/, '<BookgDt><Dt>2026-02-30</Dt></BookgDt>')),
      /^date at 5:/,
    )
    assert.match(await refused(xml.replaceAll('"EUR"', '"SEK"')), /^currency at 4:.*"SEK" is no currency/)
    assert.match(
      await refused(xml.replace('<Ntry><Amt Ccy="EUR">', '<Ntry><Amt Ccy="MXN">')),
      /^currency at 5:1: This entry is in MXN/,
    )
  })

  test('what may stand once and stands twice, in an entry, a balance, a head or the totals', async () => {
    const twice = async (written: RegExp, text = EXAMPLE): Promise<string> => {
      const found = written.exec(text)![0]
      return (await refused(text.replace(written, () => `${found}\n${found}`))).replace(
        /^(\w+) at .*: (\w+) .*$/,
        '$1 $2',
      )
    }
    const from = xml.indexOf('<Ntry>')
    for (const name of ['Amt', 'CdtDbtInd', 'Sts', 'BookgDt', 'ValDt']) {
      const doubled = xml
        .slice(from)
        .replace(new RegExp(`<${name}\\b.*?</${name}>`), (found) => found + found)
      assert.match(
        await refused(xml.slice(0, from) + doubled),
        new RegExp(`^repeated at 5:\\d+: ${name} stands here twice`),
      )
    }
    const amounts = await refused(
      xml.replace(/<Amt Ccy="EUR">150.50<\/Amt><CdtDbtInd>CRDT<\/CdtDbtInd><Sts>/, (found) =>
        found.replace('<CdtDbtInd>', '<Amt Ccy="EUR">1.00</Amt><CdtDbtInd>'),
      ),
    )
    assert.match(amounts, /^repeated at 5:34: Amt stands here twice/)
    assert.equal(await twice(/<Acct>[\s\S]*?<\/Acct>/), 'repeated Acct')
    assert.equal(await twice(/<FrToDt>[\s\S]*?<\/FrToDt>/), 'repeated FrToDt')
    assert.equal(await twice(/<TxsSummry>[\s\S]*?<\/TxsSummry>/), 'repeated TxsSummry')
    assert.equal(await twice(/<TtlNtries>[\s\S]*?<\/TtlNtries>/), 'repeated TtlNtries')
    assert.equal(await twice(/<IBAN>ES91[^<]*<\/IBAN>/), 'repeated IBAN')
    const [opening, closing] = EXAMPLE.match(/<Bal>[\s\S]*?<\/Bal>/g)!
    for (const balance of [opening!, closing!]) {
      const other = balance.replace(/(<Amt [^>]*>)/, '$19')
      assert.match(
        await refused(EXAMPLE.replace(balance, () => balance + other)),
        /^repeated at \d+:13: Bal stands here twice/,
      )
    }
    const both = xml.replace('<BookgDt>', '<BookgDt><DtTm>2026-03-31T10:00:00Z</DtTm>')
    assert.match(await refused(both), /^repeated at 5:\d+: DtTm stands here twice/)
  })

  test('a head that goes on after an entry', async () => {
    const head = /<Acct>.*<\/Acct>/.exec(xml)![0]
    assert.match(
      await refused(xml.replace('</Stmt>', `${head}</Stmt>`)),
      /^order at 6:1: Acct does not stand/,
    )
  })

  test('an account whose check digits don’t fit', async () => {
    const wrong = xml.replaceAll(ACCOUNT, 'ES9121000418450200051333')
    assert.match(
      await refused(wrong),
      /^account at 4:\d+: The account ES9121000418450200051333 has check digits/,
    )
  })

  test('lines that don’t make the closing balance', async () => {
    const message = await refused(
      EXAMPLE.replace('<Amt Ccy="EUR">1.5<', '<Amt Ccy="EUR">1.6<').replace(
        /<TxsSummry>[\s\S]*<\/TxsSummry>/,
        '',
      ),
    )
    assert.match(
      message,
      /^balance at \d+:7: The opening balance -1000\.00 EUR, .* make -539\.85 EUR, .* is -539\.75 EUR/,
    )
  })

  test('stated counts and sums that aren’t so', async () => {
    assert.match(
      await refused(EXAMPLE.replace('<NbOfNtries>6', '<NbOfNtries>8')),
      /^totals at 42:.* holds 8 entries and has 6/,
    )
    assert.match(
      await refused(EXAMPLE.replace('<Sum>51.50', '<Sum>51.51')),
      /^totals at 44:.* 51\.51 EUR; they make 51\.50 EUR/,
    )
    // A bank may count what is pending as well.
    await readAll(readCamt, EXAMPLE.replace('<NbOfNtries>6', '<NbOfNtries>7'))
  })
})
