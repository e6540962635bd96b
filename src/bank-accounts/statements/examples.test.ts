import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import {
  linesAmong,
  NEWEST_FIRST_MAPPING,
  readAll,
  refusalOf,
} from '../../../test/support/statement-reading.ts'
import {
  CSV_MAPPING,
  type WrittenLine,
  type WrittenPart,
  writeCamt,
  writeCsv,
  writeMt940,
  writeNorma43,
} from '../../../test/support/statement-writers.ts'
import { csvMappingOf } from './csv-mapping.ts'
import { detectFormat } from './detect-format.ts'
import { type CamtMessage, readCamt } from './read-camt.ts'
import { csvReader } from './read-csv.ts'
import { readMt940 } from './read-mt940.ts'
import type { StatementPart } from './statement.ts'

const FOLDER = new URL('examples/', import.meta.url)
const bytesOf = (name: string): Buffer => readFileSync(new URL(name, FOLDER))

const ACCOUNT = 'ES9121000418450200051332'
const BY_HAND = csvMappingOf(NEWEST_FIRST_MAPPING)

const BY_PYTHON = csvMappingOf({
  delimiter: ';',
  date_format: 'DD/MM/YYYY',
  decimal: ',',
  account: ACCOUNT,
  currency: 'EUR',
  columns: {
    booked_on: 'Fecha',
    value_date: 'Fecha valor',
    amount: 'Importe',
    balance: 'Saldo',
    concept: ['Concepto', 'Observaciones'],
  },
})

const REPORT = 'iso20022-report.camt053.xml'

/** As it would be if its maker had kept to SWIFT, or if its account were in a currency that the platform keeps. */
function mended(name: string): Buffer {
  const text = bytesOf(name).toString('latin1')
  if (name !== REPORT) return bytesOf(name)
  return Buffer.from(text.replaceAll('"SEK"', '"EUR"'), 'latin1')
}

/** Written the Dutch way, a text with words between slashes would be read as these words. */
const GERMAN_WAY = ['german.mt940', 'knab.mt940']

/** A file of the same parts in the format that they were read from. */
function written(name: string, format: string, parts: readonly WrittenPart[]): string {
  if (format.startsWith('camt')) return [...writeCamt(parts, format as CamtMessage)].join('')
  if (format === 'mt940')
    return [...writeMt940(parts, GERMAN_WAY.includes(name) ? 'german' : 'tags')].join('')
  return [...(format === 'csv' ? writeCsv(parts) : writeNorma43(parts))].join('')
}

/** What stays of parts whoever writes them: where they stood and what the file said of its own sums does not. */
function meaningOf(parts: readonly StatementPart[]): unknown[] {
  return parts.map((part) => {
    if (part.kind === 'begin') return [part.account, part.openingUnits, part.complete]
    if (part.kind === 'end') return part.closingUnits
    const { place: _place, batch: _batch, ...line } = part
    return line
  })
}

describe('examples', () => {
  const names = readdirSync(FOLDER).filter((name) => name !== 'README.md')

  for (const name of names) {
    test(`${name} is read, written and read again as the same`, async () => {
      const file = mended(name)
      const { format, read } = detectFormat(file, name === 'newest-first.csv' ? BY_HAND : BY_PYTHON)
      const parts = await readAll(read, file)
      assert.ok(linesAmong(parts).length > 0)
      const again = written(name, format, parts)
      const reader =
        format === 'csv' ? csvReader(csvMappingOf(CSV_MAPPING)) : detectFormat(Buffer.from(again)).read
      assert.deepEqual(meaningOf(await readAll(reader, again)), meaningOf(parts))
    })
  }

  test('each is told of in the README, with where it comes from', () => {
    const told = bytesOf('README.md').toString()
    for (const name of names) assert.ok(told.includes(`\`${name}\``), name)
  })
})

describe('what another tool wrote', () => {
  test('the example of ISO 20022’s report is refused for its currency, and read in another', async () => {
    const text = bytesOf(REPORT).toString()
    assert.match(await refusalOf(readCamt, text), /^currency at 43:9: "SEK" is no currency/)
    const parts = await readAll(readCamt, mended(REPORT))
    assert.deepEqual(
      linesAmong(parts).map((line) => [
        line.direction,
        line.units,
        line.bookedAt?.toISOString(),
        line.bankRef,
        line.endToEndId,
        line.counterpartyName,
        line.batch?.refs,
        line.batch?.transfers,
      ]),
      [
        [
          'credit',
          10_567_850n,
          '2010-10-18T12:15:00.000Z',
          'AAAASESS-FP-CN_98765/01',
          'MUELL/FINP/RA12345',
          'MUELLER',
          undefined,
          undefined,
        ],
        [
          'debit',
          20_000_000n,
          '2010-10-18T09:15:00.000Z',
          'AAAASESS-FP-ACCR-01',
          null,
          '',
          ['entry:AAAASESS-FP-ACCR-01', 'batch:FINP-0055/001'],
          20,
        ],
        [
          'credit',
          3_000_000n,
          '2010-10-18T14:15:00.000Z',
          'AAAASESS-FP-CONF-FX',
          'AAAASS1085FINPSS',
          '',
          undefined,
          undefined,
        ],
      ],
    )
    assert.equal(parts.find((part) => part.kind === 'end')?.closingUnits, 43_567_850n)
  })

  test('a CSV for spreadsheets: its mark, quotes in quotes, a text of two lines, grouped thousands', async () => {
    const lines = linesAmong(await readAll(csvReader(BY_PYTHON), bytesOf('python-excel.csv'), 5))
    assert.deepEqual(
      lines.map(({ bookedOn, valueDate, direction, units, concept }) => [
        bookedOn,
        valueDate,
        direction,
        units,
        concept,
      ]),
      [
        ['2026-03-27', '2026-03-27', 'credit', 15_050n, 'Transferencia de "ACME"; S.L. KX4T9M2P'],
        ['2026-03-30', '2026-03-31', 'credit', 123_456n, 'María Peña Núñez Primera línea segunda línea'],
        ['2026-03-31', '2026-03-31', 'debit', 225n, 'Comisión'],
      ],
    )
  })

  test('blocks after a message, words between slashes that nobody knows, a party without a tag of its name', async () => {
    const [credit, debit, last] = linesAmong(await readAll(readMt940, mended('trailers.mt940')))
    assert.match(credit!.concept, /^XXXXXXXXXXX OUR REF: 03MT181012182288 YOUR REF: 181012671/)
    assert.match(credit!.counterpartyName, /^X+ X+ BANKEN AB \(PUBL\) \(FORMER: SXB A$/)
    assert.deepEqual([debit!.direction, debit!.counterpartyName], ['debit', ''])
    assert.equal(last!.counterpartyIban, 'NL84INGB0234561789')
  })
})

describe('what banks of other countries write', () => {
  const linesOf = async (name: string): Promise<WrittenLine[]> => {
    const file = bytesOf(name)
    return linesAmong(await readAll(detectFormat(file).read, file))
  }

  test('Switzerland: several balances of one kind, other currencies beside, batches told and not told', async () => {
    const lines = await linesOf('swiss-layout.camt053.xml')
    assert.deepEqual(
      lines.map((line) => [line.direction, line.units, line.bankRef, line.counterpartyName, line.concept]),
      [
        ['credit', 47_440n, 'ZG0900000001', 'Zoë Müller', 'KX4T9M2P'],
        ['credit', 8_000n, 'ZG0900000002-1', 'Jean Dupont', 'RF18539007547034 Merci, PA7LQ2WX'],
        ['credit', 885n, 'ZG0900000002-2', 'Une Banque SA', 'Gutschrift Sammler'],
        ['debit', 31_969n, 'ZG0900000003', '', 'e-banking Sammelauftrag'],
      ],
    )
  })

  test('a notification in ISO-8859-1 with a prefix: a sum of orders, and one that came back', async () => {
    const lines = await linesOf('collective.camt054.xml')
    assert.deepEqual(
      lines.map((line) => [
        line.direction,
        line.units,
        line.endToEndId,
        line.counterpartyName,
        line.returnCode,
      ]),
      [
        ['debit', 310n, 'AUFTRAG-1', 'Bücher & Co', null],
        ['debit', 320n, 'AUFTRAG-2', 'André Zürcher', null],
        ['credit', 2_000n, 'refund-21', 'Bücher & Co', 'AC04'],
      ],
    )
    assert.equal(lines[0]!.concept, 'Block 1 Block 2 RF18539007547034 Zusatz')
  })
})
