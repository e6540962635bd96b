import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { csvMappingOf } from '../../src/bank-accounts/statements/csv-mapping.ts'
import { detectFormat } from '../../src/bank-accounts/statements/detect-format.ts'
import { CAMT_MESSAGES, readCamt } from '../../src/bank-accounts/statements/read-camt.ts'
import { csvReader } from '../../src/bank-accounts/statements/read-csv.ts'
import { readMt940 } from '../../src/bank-accounts/statements/read-mt940.ts'
import { readNorma43 } from '../../src/bank-accounts/statements/read-norma43.ts'
import {
  StatementError,
  type StatementPart,
  type StatementReader,
} from '../../src/bank-accounts/statements/statement.ts'
import { spanishIban } from '../../src/providers/bank/iban.ts'
import { inPieces, linesAmong, readAll } from '../support/statement-reading.ts'
import {
  CSV_MAPPING,
  statementParts,
  type WrittenLine,
  type WrittenPart,
  writeCamt,
  writeCsv,
  writeMt940,
  writeNorma43,
} from '../support/statement-writers.ts'

/** What is written in a format is read from it as it was, whatever it is; what was cut off is missed. */

const digits = (length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...'0123456789'), { minLength: length, maxLength: length })
    .map((all) => all.join(''))
const iban = fc.tuple(digits(4), digits(4), digits(10)).map((parts) => spanishIban(...parts))
/** Words as banks pass them on: none at the ends, and no two spaces. */
const words = (characters: string, max: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...characters), { maxLength: max })
    .map((all) => all.join('').replaceAll(/\s+/g, ' ').trim())
const SIMPLE = 'abcXYZ019 .,+-()ñÁü'
const RICH = `${SIMPLE}&<>"';€😀`
const day = fc
  .integer({ min: 4_100, max: 20_000 })
  .map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10))
const near = (from: string, days: number): string =>
  new Date(Date.parse(from) + days * 86_400_000).toISOString().slice(0, 10)
const reference = fc
  .stringMatching(/^[A-Z][A-Z0-9]{2,14}$/)
  .filter((text) => !/^(EREF|KREF|MREF|MARF|PREF|REF|NONREF|NONE|NOREF)$/.test(text))

interface Kept {
  name: boolean
  refs: boolean
  returns: boolean
  text: string
  /** In characters. */
  concept: number
}

function lineOf(kept: Kept): fc.Arbitrary<Partial<WrittenLine> & Pick<WrittenLine, 'units'>> {
  const text = words(kept.text, 40)
  return fc
    .record({
      units: fc.bigInt({ min: 1n, max: 10n ** 10n }),
      direction: fc.constantFrom<'credit' | 'debit'>('credit', 'debit'),
      bookedOn: day,
      apart: fc.integer({ min: -60, max: 60 }),
      concept: words(kept.text, kept.concept),
      counterpartyName: kept.name ? text : fc.constant(''),
      counterpartyIban: kept.name ? fc.option(iban) : fc.constant(null),
      bankRef: kept.refs ? fc.option(reference) : fc.constant(null),
      endToEndId: kept.refs ? fc.option(reference) : fc.constant(null),
      returned: kept.returns ? fc.option(fc.constantFrom('AC01', 'AC04', 'MS03')) : fc.constant(null),
    })
    .map(({ apart, returned, ...line }) => ({
      ...line,
      valueDate: near(line.bookedOn, apart),
      returnCode: line.direction === 'credit' ? returned : null,
    }))
}

const statementOf = (kept: Kept): fc.Arbitrary<WrittenPart[]> =>
  fc
    .array(
      fc.record({
        account: iban,
        currency: fc.constantFrom('EUR', 'CLP', 'MXN'),
        on: day,
        openingUnits: fc.bigInt({ min: -(10n ** 11n), max: 10n ** 11n }),
        lines: fc.array(lineOf(kept), { maxLength: 6 }),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((all) => all.flatMap(({ lines, ...head }) => [...statementParts({ ...head, lines: () => lines })]))

/** What every format tells of a statement: its account, balances and end. */
const framesOf = (parts: readonly (WrittenPart | StatementPart)[]) =>
  parts.flatMap((part) =>
    part.kind === 'begin'
      ? [[part.account.slice(-20), part.currency, part.openingUnits]]
      : part.kind === 'end'
        ? [[part.closingUnits, part.toOn]]
        : [],
  )

function holds(
  read: StatementReader,
  write: (parts: Iterable<WrittenPart>) => Iterable<string>,
  kept: Kept,
): Promise<void> {
  const pieces = fc.integer({ min: 1, max: 500 })
  return fc.assert(
    fc.asyncProperty(statementOf(kept), pieces, async (parts, size) => {
      const file = [...write(parts)].join('')
      const back = await readAll(read, file, size)
      assert.deepEqual(framesOf(back), framesOf(parts))
      assert.deepEqual(
        linesAmong(back),
        parts.flatMap((part) => (part.kind === 'line' ? [withoutKind(part)] : [])),
      )
    }),
    { numRuns: 60 },
  )
}

const withoutKind = ({ kind: _kind, ...line }: Extract<WrittenPart, { kind: 'line' }>): WrittenLine => line

describe('what was written is read', () => {
  const all: Kept = { name: true, refs: true, returns: true, text: RICH, concept: 400 }
  for (const message of CAMT_MESSAGES.filter((name) => name.startsWith('camt.053'))) {
    test(message, () => holds(readCamt, (parts) => writeCamt(parts, message), all))
  }
  test('MT940 with tags', () =>
    holds(readMt940, (parts) => writeMt940(parts), { ...all, text: SIMPLE.replace(' ', ''), concept: 150 }))
  test('MT940 as German banks write it', () =>
    holds(readMt940, (parts) => writeMt940(parts, 'german'), {
      ...all,
      returns: false,
      text: SIMPLE.replace(' ', ''),
      concept: 300,
    }))
  test('Norma 43', () =>
    holds(readNorma43, writeNorma43, {
      ...all,
      name: false,
      refs: false,
      returns: false,
      text: SIMPLE.replace(' ', ''),
      concept: 380,
    }))

  test('CSV, whose rows tell no balances', () =>
    fc.assert(
      fc.asyncProperty(
        statementOf({ ...all, returns: false }),
        fc.integer({ min: 1, max: 500 }),
        async (parts, size) => {
          const file = [...writeCsv(parts)].join('')
          const lines = parts.flatMap((part) => (part.kind === 'line' ? [withoutKind(part)] : []))
          // Rows that stand together are of one statement, which has one currency.
          const mixed =
            lines.length > 0 &&
            new Set(parts.flatMap((part) => ('currency' in part ? [part.currency] : []))).size > 1
          // Nor may an account come back after another.
          const accounts = parts.flatMap((part) => (part.kind === 'begin' ? [part.account] : []))
          const distinct = new Set(accounts).size === accounts.length
          fc.pre(lines.length > 0 && !mixed && distinct)
          assert.deepEqual(linesAmong(await readAll(csvReader(csvMappingOf(CSV_MAPPING)), file, size)), lines)
        },
      ),
      { numRuns: 60 },
    ))
})

const EXAMPLES = [
  'batches-and-returns.camt053.xml',
  'csb43.n43',
  'collective.camt054.xml',
  'german.mt940',
  'dutch.mt940',
] as const
const example = (name: string): Buffer =>
  readFileSync(new URL(`../../src/bank-accounts/statements/examples/${name}`, import.meta.url))

describe('a damaged file is read or refused with a place, and never fails otherwise', () => {
  /** Bytes that mean something in one of the formats, put or taken anywhere. */
  const damage = fc.array(
    fc.record({
      at: fc.nat(100_000),
      removed: fc.nat(40),
      put: fc.oneof(
        fc.uint8Array({ maxLength: 4 }),
        fc
          .constantFrom(
            ':61:',
            ':86:',
            ':60M:',
            ':62F:',
            '-}',
            '{4:',
            '\n',
            '?20',
            '/REMI/',
            '33',
            '88',
            '<Ntry>',
            '</Ntry>',
            '<Stmt>',
            '</Stmt>',
            '<!--',
            ']]>',
            '&amp;',
            '<Bal>',
            '<Amt Ccy="EUR">',
            '-',
            '9999999999',
          )
          .map((text) => Buffer.from(text)),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  )
  for (const name of EXAMPLES) {
    test(name, async () => {
      const whole = example(name)
      const { read } = detectFormat(whole)
      await fc.assert(
        fc.asyncProperty(damage, async (changes) => {
          let bytes = whole
          for (const { at, removed, put } of changes) {
            const from = at % bytes.length
            bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + removed)])
          }
          try {
            const parts = await readAll(read, bytes, 333)
            for (const line of linesAmong(parts)) assert.ok(line.units > 0n)
          } catch (error) {
            assert.ok(error instanceof StatementError, String(error))
            assert.ok(error.place.line >= 1 && error.place.column >= 1)
          }
        }),
        { numRuns: 300 },
      )
    })
  }
})

describe('a file that was cut anywhere is missed', () => {
  /** How many statements were told to their end, and whether the file was refused. */
  async function readCut(
    read: StatementReader,
    bytes: Uint8Array,
  ): Promise<{ parts: StatementPart[]; refused: boolean }> {
    const parts: StatementPart[] = []
    try {
      for await (const part of read(inPieces(bytes))) parts.push(part)
      return { parts, refused: false }
    } catch (error) {
      assert.ok(error instanceof StatementError, String(error))
      return { parts, refused: true }
    }
  }

  for (const name of EXAMPLES) {
    test(name, async () => {
      const whole = example(name)
      const { read } = detectFormat(whole)
      const all = await readAll(read, whole)
      const facts = (parts: readonly StatementPart[]) => parts.map(({ place: _place, ...part }) => part)
      let refusedCuts = 0
      for (let length = 0; length < whole.length; length += 1) {
        const { parts, refused } = await readCut(read, whole.subarray(0, length))
        const told = facts(parts)
        const ends = told.filter(({ kind }) => kind === 'end').length
        // An end that was told is the one of the whole file, with every line before it.
        if (ends > 0) {
          const last = told.findLastIndex(({ kind }) => kind === 'end')
          assert.deepEqual(told.slice(0, last + 1), facts(all).slice(0, last + 1), `cut at ${length}`)
        }
        if (refused) refusedCuts += 1
        // What isn't refused ends where a statement ends, and nothing of another stands behind it.
        else assert.equal(told.at(-1)?.kind, 'end', `cut at ${length}`)
      }
      assert.ok(refusedCuts > whole.length * 0.6)
    })
  }

  test('rows of a CSV that were cut are refused or are the first of the whole', async () => {
    const mapping = csvMappingOf({
      account: 'ES9121000418450200051332',
      currency: 'EUR',
      encoding: 'utf-8',
      columns: { booked_on: 'day', amount: 'amount', concept: 'text', balance: 'balance' },
    })
    const file = Buffer.from(
      'day,amount,balance,text\n2026-03-30,10.00,110.00,"Ana, ""one"""\n2026-03-31,-5.50,104.50,Ñ two\n',
    )
    const all = linesAmong(await readAll(csvReader(mapping), file))
    for (let length = 0; length < file.length; length += 1) {
      const { parts } = await readCut(csvReader(mapping), file.subarray(0, length))
      const lines = linesAmong(parts)
      for (const [index, line] of lines.entries()) {
        const { concept, ...rest } = line
        const { concept: whole, ...others } = all[index]!
        assert.deepEqual(rest, others)
        assert.ok(whole.startsWith(concept))
      }
    }
  })
})
