import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { inPieces, refusalOf } from '../../../test/support/statement-reading.ts'
import { csvMappingOf } from './csv-mapping.ts'
import { detectFormat, openStatement } from './detect-format.ts'

const example = (name: string): Buffer => readFileSync(new URL(`examples/${name}`, import.meta.url))
const CAMT = example('batches-and-returns.camt053.xml')
const MAPPING = csvMappingOf({
  account: 'X1',
  currency: 'EUR',
  columns: { booked_on: 'day', amount: 'amount' },
})

const refused = (file: string | Uint8Array): Promise<string> =>
  refusalOf(async function* (bytes) {
    yield* (await openStatement(bytes)).parts
  }, file)

describe('a file is read by what it is', () => {
  for (const [name, format, parts] of [
    ['batches-and-returns.camt053.xml', 'camt.053.001.02', 10],
    ['swiss-layout.camt053.xml', 'camt.053.001.08', 6],
    ['collective.camt054.xml', 'camt.054.001.08', 5],
    ['german.mt940', 'mt940', 6],
    ['dutch.mt940', 'mt940', 5],
    ['csb43.n43', 'norma43', 8],
  ] as const) {
    test(`${name}, in pieces of every size`, async () => {
      for (const size of [1, 3, 1000]) {
        const opened = await openStatement(inPieces(example(name), size))
        assert.equal(opened.format, format)
        let count = 0
        for await (const _part of opened.parts) count += 1
        assert.equal(count, parts)
      }
    })
  }

  test('XML in UTF-16 and behind a wrapper', () => {
    const wide = Buffer.from(`\ufeff${CAMT.toString().replace('UTF-8', 'UTF-16')}`, 'utf16le')
    assert.equal(detectFormat(wide).format, 'camt.053.001.02')
    assert.equal(detectFormat(wide.subarray(2)).format, 'camt.053.001.02')
    assert.equal(detectFormat(Buffer.from(wide).swap16().subarray(2)).format, 'camt.053.001.02')
    const wrapped = CAMT.toString().replace(
      '<Document',
      '<Msg><AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"/><Document',
    )
    assert.equal(detectFormat(Buffer.from(wrapped)).format, 'camt.053.001.02')
  })

  test('anything else is CSV where a mapping was given', async () => {
    assert.equal(detectFormat(Buffer.from('day,amount\n'), MAPPING).format, 'csv')
    assert.equal(detectFormat(CAMT, MAPPING).format, 'camt.053.001.02')
  })

  test('the source is let go when the file is refused, or reading stops', async () => {
    let open = 0
    const source = async function* (text: string): AsyncGenerator<Uint8Array> {
      open += 1
      try {
        for (;;) yield Buffer.from(text)
      } finally {
        open -= 1
      }
    }
    await assert.rejects(openStatement(source('%PDF-1.7')), /This is a PDF/)
    const { parts } = await openStatement(source('day,amount\n'), MAPPING)
    await assert.rejects(async () => {
      for await (const _part of parts);
    }, /amount/)
    assert.equal(open, 0)
  })
})

describe('what is no statement says what it is', () => {
  test('other kinds of file', async () => {
    assert.match(await refused(''), /^empty at 1:1: The file is empty/)
    assert.match(await refused('PK\x03\x04'), /^format at 1:1: This is a ZIP file or a spreadsheet/)
    assert.match(await refused(Uint8Array.of(0x1f, 0x8b, 8)), /^format .*compressed/)
    assert.match(await refused(Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0)), /^format .*spreadsheet/)
    assert.match(await refused('day;amount\n'), /^format .*For a CSV say which column holds what/)
    assert.match(await refused('<html></html>'), /^format .*no message of ISO 20022/)
    for (const head of [0xf0, 0xf1]) {
      assert.match(await refused(Uint8Array.of(head, head)), /^encoding .*EBCDIC/)
    }
  })

  test('blanks without end behind what may be a first record take no time', async () => {
    const began = process.hrtime.bigint()
    assert.match(await refused(`00${' '.repeat(64_000)}X`), /^format /)
    assert.ok(process.hrtime.bigint() - began < 2_000_000_000n)
  })

  test('other messages', async () => {
    const other = (name: string): string => CAMT.toString().replace('camt.053.001.02', name)
    assert.match(await refused(other('camt.052.001.08')), /^version at 2:17: camt\.052\.001\.08 is not read/)
    assert.match(await refused(other('pain.002.001.03')), /^version at 2:17: pain\.002\.001\.03/)
    assert.match(await refused(':20:1\n:25:X\n:34F:EUR0,\n'), /^format .*MT942/)
    assert.match(await refused('{1:F01X}{2:I103X}{4:\n:20:1\n:32A:260331EUR1,\n-}'), /^format .*no statement/)
  })
})
