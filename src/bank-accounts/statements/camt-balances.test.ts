import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linesAmong, readAll, refusalOf } from '../../../test/support/statement-reading.ts'
import { readCamt } from './read-camt.ts'

const IBAN = 'ES9121000418450200051332'
const OTHER = 'ES7921000813610123456789'

const balance = (code: string, amount: string, { currency = 'EUR', subtype = '' } = {}): string =>
  `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry>${subtype && `<SubTp><Cd>${subtype}</Cd></SubTp>`}</Tp>` +
  `<Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-31</Dt></Dt></Bal>`
const pagination = (name: string, page: string | number, last: string | boolean): string =>
  `<${name}><PgNb>${page}</PgNb><LastPgInd>${last}</LastPgInd></${name}>`
const credit = (amount: string): string =>
  `<Ntry><Amt Ccy="EUR">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>` +
  '<BookgDt><Dt>2026-03-31</Dt></BookgDt></Ntry>'

const statement = (
  balances: string,
  entries = '',
  { page = '', iban = IBAN, id = 'S1', currency = '<Ccy>EUR</Ccy>' } = {},
): string =>
  `<Stmt><Id>${id}</Id>${page}<Acct><Id><IBAN>${iban}</IBAN></Id>${currency}</Acct>${balances}${entries}</Stmt>`
const message = (statements: string, page = ''): string =>
  '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>' +
  `<GrpHdr><MsgId>1</MsgId>${page}</GrpHdr>${statements}</BkToCstmrStmt></Document>`

/** `begin`s and `end`s with their balances and lines with their units, in order. */
const told = async (xml: string): Promise<string[]> =>
  (await readAll(readCamt, xml)).map((part) => {
    if (part.kind === 'begin') return `${part.complete ? 'whole' : 'part'} ${part.openingUnits}`
    return part.kind === 'line' ? String(part.units) : `end ${part.closingUnits}`
  })
const refused = (xml: string): Promise<string> => refusalOf(readCamt, xml)

const FIRST = balance('OPBD', '0') + balance('ITBD', '1')
const MIDDLE = balance('ITBD', '1') + balance('ITBD', '2')
const LAST = balance('ITBD', '2') + balance('CLBD', '3')
const pageOf = (number: number, isLast = false) => ({ page: pagination('StmtPgntn', number, isLast) })

describe('pages', () => {
  test('the only page is the whole statement, however that is written', async () => {
    const balances = balance('OPBD', '0') + balance('CLBD', '0')
    for (const [page, last] of [
      ['1', 'true'],
      ['00001', 'true'],
      ['1', '1'],
    ] as const) {
      const own = statement(balances, '', { page: pagination('StmtPgntn', page, last) })
      assert.deepEqual(await told(message(own)), ['whole 0', 'end 0'])
      const interim = statement(balance('OPBD', '0') + balance('ITBD', '0'))
      assert.deepEqual((await told(message(interim, pagination('MsgPgntn', page, last))))[0], 'whole 0')
    }
    // A page that has both balances of the statement holds all of it.
    assert.deepEqual(await told(message(statement(balances, '', pageOf(2)))), ['whole 0', 'end 0'])
    assert.deepEqual((await told(message(statement(FIRST, credit('1'), pageOf(1)))))[0], 'part 0')
  })

  test('those of one statement are one, so that lines alike on two of them stay two', async () => {
    const pages =
      statement(FIRST, credit('1'), pageOf(1)) +
      statement(MIDDLE, credit('1'), pageOf(2)) +
      statement(LAST, credit('1'), pageOf(3, true))
    assert.deepEqual(await told(message(pages)), ['part 0', '100', '100', '100', 'end 300'])
    const next = statement(balance('OPBD', '3') + balance('CLBD', '3'), '', { id: 'S2' })
    assert.deepEqual((await told(message(pages + next))).slice(-3), ['end 300', 'whole 300', 'end 300'])
  })

  test('pages of messages that one file holds are followed alike', async () => {
    const [first, second] = [1, 2].map((number) => pagination('MsgPgntn', number, number === 2))
    const xml =
      '<All>' +
      message(statement(balance('OPBD', '0') + balance('ITBD', '2'), credit('2')), first) +
      message(
        statement(LAST, credit('1')) + statement(FIRST, credit('1'), { iban: OTHER, id: 'S2' }),
        second,
      ) +
      '</All>'
    assert.deepEqual(await told(xml), ['part 0', '200', '100', 'end 300', 'part 0', '100', 'end 100'])
  })

  test('a page that is missing, out of place or told twice is noticed', async () => {
    const [one, two, three] = [
      statement(FIRST, credit('1'), pageOf(1)),
      statement(MIDDLE, credit('1'), pageOf(2)),
      statement(LAST, credit('1'), pageOf(3, true)),
    ]
    const other = statement(FIRST, credit('1'), { ...pageOf(1), iban: OTHER })
    assert.match(await refused(message(one + three)), /^truncated at .*This is page 3 .*page 2 has to follow/)
    assert.match(
      await refused(message(one + two + two)),
      /^truncated at .*This is page 2 .*page 3 has to follow/,
    )
    assert.match(await refused(message(one + other + two)), /^truncated at .*one after the other/)
    const gap = statement(LAST, credit('1'), pageOf(2, true))
    assert.match(
      await refused(message(one + gap)),
      /^balance at .*page before ended with 1\.00 EUR and this one begins with 2\.00 EUR: one is missing/,
    )
    // Where pages come in files of their own each is read, and proves no day.
    assert.deepEqual(await told(message(two)), ['part 100', '100', 'end 200'])
    assert.deepEqual(await told(message(one + other)), [
      'part 0',
      '100',
      'end 100',
      'part 0',
      '100',
      'end 100',
    ])
  })

  test('lines of all pages are held to the first and the last balance', async () => {
    const pages = statement(FIRST, credit('1'), pageOf(1)) + statement(MIDDLE, credit('5'), pageOf(2))
    assert.match(
      await refused(message(pages)),
      /^balance at .* 0\.00 EUR, credits of 6\.00 EUR .* is 2\.00 EUR/,
    )
  })
})

describe('balances', () => {
  test('all are in the currency of the statement', async () => {
    const [opening, foreign] = [balance('OPBD', '1'), balance('CLBD', '100', { currency: 'CLP' })]
    assert.match(
      await refused(message(statement(opening + foreign))),
      /^currency at .* in CLP and the statement in EUR/,
    )
    const pesos = balance('OPBD', '100', { currency: 'CLP' }) + foreign
    assert.match(await refused(message(statement(pesos))), /^currency at .* in CLP and the statement in EUR/)
    assert.deepEqual(await told(message(statement(pesos, '', { currency: '' }))), ['whole 100', 'end 100'])
  })

  test('one of a subtype stands beside the one that is meant', async () => {
    const [opening, closing] = [balance('OPBD', '1'), balance('CLBD', '1')]
    const inBase = balance('CLBD', '7', { currency: 'USD', subtype: 'BCUR' }).replace('USD', 'MXN')
    for (const both of [closing + inBase, inBase + closing, closing + closing]) {
      assert.deepEqual(await told(message(statement(opening + both))), ['whole 100', 'end 100'])
    }
    assert.deepEqual(
      await told(
        message(
          statement(opening + closing.replace('</CdOrPrtry>', '</CdOrPrtry><SubTp><Cd>BCUR</Cd></SubTp>')),
        ),
      ),
      ['whole 100', 'end 100'],
    )
    assert.match(
      await refused(message(statement(opening + closing + balance('CLBD', '2')))),
      /^repeated at .*Bal/,
    )
  })
})

test('an entry of another namespace is not left out unnoticed', async () => {
  const balances = balance('OPBD', '0') + balance('CLBD', '0')
  const stray = credit('1').replace('<Ntry>', '<Ntry xmlns="">')
  assert.match(await refused(message(statement(balances, stray))), /^xml at .*Ntry is not in the namespace/)
  assert.equal(linesAmong(await readAll(readCamt, message(statement(balances)))).length, 0)
})

test('a statement’s reference that is longer than any is refused', async () => {
  const written = statement(balance('OPBD', '0') + balance('CLBD', '0'), '', { id: 'X'.repeat(141) })
  assert.match(await refused(message(written)), /^reference at 1:\d+: Id is longer than 140/)
})
