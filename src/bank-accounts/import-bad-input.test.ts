import assert from 'node:assert/strict'
import { createReadStream, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { statementParts, writeCamt, writeMt940, writeNorma43 } from '../../test/support/statement-writers.ts'
import { openStatementWorld, type StatementWorld } from '../../test/support/statements.ts'
import { type GivenStatement, importStatement } from './import-statement.ts'
import { openStatement } from './statements/detect-format.ts'
import { StatementError } from './statements/statement.ts'

let world: StatementWorld
let iban: string
let folder: string
before(async () => {
  world = await openStatementWorld()
  iban = await world.addAccount()
  folder = mkdtempSync(join(tmpdir(), 'bad-statements-'))
})
after(async () => {
  rmSync(folder, { recursive: true })
  await world.close()
})

const parts = () =>
  statementParts({
    account: iban,
    lines: () => Array.from({ length: 500 }, (_, n) => ({ units: BigInt(n + 1), concept: `Pago ${n}` })),
  })
const camt = (): string => [...writeCamt(parts())].join('')
const mt940 = (): string => [...writeMt940(parts())].join('')
const norma43 = (): string => [...writeNorma43(parts())].join('')

const given = (bytes: AsyncIterable<Uint8Array>, size?: number): GivenStatement => ({
  fileName: 'bad',
  bytes,
  ...(size === undefined ? {} : { size }),
  source: 'command',
  who: 'tester',
  open: (kept) => openStatement(kept),
})

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Refused with a code and a place, and no trace of it left. */
async function assertRefused(file: GivenStatement, code: RegExp, line?: number): Promise<void> {
  const before = await world.tables()
  await assert.rejects(importStatement(world, file), (error) => {
    assert.ok(error instanceof StatementError, String(error))
    assert.match(error.code, code)
    assert.ok(error.place.line >= 1 && error.place.column >= 1)
    if (line !== undefined) assert.equal(error.place.line, line, error.message)
    return true
  })
  assert.equal(await world.tables(), before)
  assert.deepEqual([...world.files.keys()], [])
}

const replaced = (text: string, from: string | RegExp, to: string): string => {
  const changed = text.replace(from, to)
  assert.notEqual(changed, text)
  return changed
}

const BOMB = `<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
`
const LAUGHS = `<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol0 "lol">
${Array.from({ length: 9 }, (_, n) => `<!ENTITY lol${n + 1} "${`&lol${n};`.repeat(10)}">`).join('\n')}]>
`
const MEGABYTES = 5_000_000
const long = 'x'.repeat(MEGABYTES)
/** The file with this put before its first entry, or into it. */
const withBefore = (text: string): Buffer => Buffer.from(replaced(camt(), '<Ntry>', `${text}<Ntry>`))
const withInside = (text: string): Buffer => Buffer.from(replaced(camt(), '<Ntry>', `<Ntry>${text}`))
const bombs: Record<string, [bytes: () => Buffer, code: RegExp, line?: number]> = {
  'a billion laughs': [
    () => Buffer.from(replaced(camt().replace(/^<\?xml.*\?>\n/, LAUGHS), 'Pago 250', '&lol9;')),
    /^doctype$/,
    11,
  ],
  'an entity that nobody declared': [() => Buffer.from(replaced(camt(), 'Pago 250', '&lol9;')), /^doctype$/],
  'the name of an element of megabytes': [() => withBefore(`<${long}/>`), /^xml$/],
  'the name of an attribute of megabytes': [() => withInside(`<Refs ${long}="1"/>`), /^xml$/],
  'an attribute of megabytes': [() => withInside(`<Refs a="${long}"/>`), /^xml$/],
  'a hundred thousand attributes': [
    () => withInside(`<Refs ${Array.from({ length: 100_000 }, (_, n) => `a${n}=""`).join(' ')}/>`),
    /^xml$/,
  ],
  'a text of megabytes': [() => withInside(`<NtryRef>${long}</NtryRef>`), /^xml$/],
  'a section without markup of megabytes': [
    () => withInside(`<NtryRef><![CDATA[${long}]]></NtryRef>`),
    /^xml$/,
  ],
  'a comment of megabytes': [() => withBefore(`<!--${long}-->`), /^xml$/],
  'a million empty elements in one': [() => withInside(`<Refs>${'<a/>'.repeat(1_000_000)}</Refs>`), /^xml$/],
  'a million empty elements in an entry': [() => withInside('<a/>'.repeat(1_000_000)), /^batch$/],
  'a hundred thousand balances': [() => withBefore('<Bal><Tp/></Bal>'.repeat(100_000)), /^batch$/],
}
const cases: typeof bombs = {
  'a camt.053 that breaks off': [() => Buffer.from(camt().slice(0, -200)), /^truncated$/],
  'a camt.053 that breaks off in the middle of its lines': [
    () => Buffer.from(camt().slice(0, camt().length / 2)),
    /^truncated$/,
  ],
  'a camt.053 with a byte that is no UTF-8': [
    () => {
      const bytes = Buffer.from(camt())
      bytes[bytes.indexOf('Pago 250')] = 0xff
      return bytes
    },
    /^encoding$/,
  ],
  'a camt.053 with another amount in one line': [
    () => Buffer.from(replaced(camt(), '>0.07<', '>0.08<')),
    /^(balance|totals)$/,
  ],
  'an XML bomb': [() => Buffer.from(camt().replace(/^<\?xml.*\?>\n/, BOMB)), /^doctype$/, 2],
  'an external entity': [
    () =>
      Buffer.from(
        camt().replace(
          /^<\?xml.*\?>\n/,
          '<?xml version="1.0"?>\n<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n',
        ),
      ),
    /^doctype$/,
    2,
  ],
  'XML without an end to its depth': [
    () => Buffer.from(replaced(camt(), '<Ntry>', '<a>'.repeat(200_000))),
    /./,
  ],
  'a camt.053 whose number of entries is wrong': [
    () =>
      Buffer.from(
        replaced(
          camt(),
          '<Ntry>',
          '<TxsSummry><TtlNtries><NbOfNtries>501</NbOfNtries></TtlNtries></TxsSummry>\n<Ntry>',
        ),
      ),
    /^totals$/,
    5,
  ],
  'a camt.053 of an account whose check digits are wrong': [
    () => Buffer.from(replaced(camt(), iban, `${iban.slice(0, 2)}00${iban.slice(4)}`)),
    /^account$/,
    4,
  ],
  'a camt.053 in another encoding than it says': [
    () => Buffer.from(replaced(camt(), 'Pago 250', 'Año 250'), 'latin1'),
    /^encoding$/,
  ],
  'an MT940 that begins in UTF-8 and goes on otherwise': [
    () => {
      const text = replaced(replaced(mt940(), 'Pago 2\r', 'Año 2\r'), 'Pago 250', 'A#o 250')
      const bytes = Buffer.from(text)
      bytes[bytes.indexOf('A#o') + 1] = 0xf1
      return bytes
    },
    /^encoding$/,
  ],
  'a Norma 43 with control characters': [
    () => Buffer.from(replaced(norma43(), 'Pago 250', 'Pago\u0007250')),
    /^encoding$/,
  ],
  'a Norma 43 in EBCDIC': [() => Buffer.from([0xf1, 0xf1, ...Array(78).fill(0x40)]), /^encoding$/, 1],
  'a Norma 43 whose number of records is wrong': [
    () => Buffer.from(replaced(norma43(), /^(889{18})\d{6}/m, '$1000001')),
    /^totals$/,
    1003,
  ],
  'a Norma 43 without an end of a line in it': [
    () => Buffer.from(norma43().replaceAll('\r\n', '')),
    /^line$/,
    1,
  ],
  'an MT940 with an amount without its comma that the balances contradict': [
    () => Buffer.from(replaced(mt940(), '0,07NTRF', '007NTRF')),
    /^balance$/,
  ],
  'an MT940 that breaks off': [() => Buffer.from(mt940().slice(0, mt940().length / 2)), /^truncated$/],
  'an MT940 whose closing balance is wrong': [
    () => Buffer.from(replaced(mt940(), /(:62F:C\d{6}EUR)\d+/, '$19')),
    /^balance$/,
  ],
  'a Norma 43 that breaks off': [
    () => Buffer.from(norma43().slice(0, norma43().length / 2)),
    /^(truncated|line|record)$/,
  ],
  'a Norma 43 whose sums are wrong': [
    () => Buffer.from(replaced(norma43(), /^(33.{23})\d/m, '$19')),
    /^(totals|balance|account|amount)$/,
  ],
  'a PDF': [() => Buffer.from('%PDF-1.7 …'), /^format$/, 1],
  'bytes without meaning': [() => Buffer.alloc(100_000, 0x80), /./],
  'an empty file': [() => Buffer.alloc(0), /^empty$/, 1],
}

for (const [name, [bytes, code, line]] of Object.entries({ ...cases, ...bombs })) {
  it(`${name} is refused, and nothing of it stays`, () => assertRefused(given(once(bytes())), code, line))
}

it('a file of 1 GB is refused unread where its size is known, and at the limit where it is not', async () => {
  const path = join(folder, 'sparse.xml')
  writeFileSync(path, camt())
  truncateSync(path, 1024 ** 3)
  const { size } = statSync(path)
  assert.equal(size, 1024 ** 3)
  let read = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      read += chunk.length
      yield chunk
    }
  }
  await assertRefused(given(counted(), size), /^too_large$/)
  assert.equal(read, 0)
  await assertRefused(given(counted()), /^too_large$/)
  assert.ok(read <= world.config.statements.maxBytes + 1_000_000, String(read))
})

it('a day that has not come, or of long ago, and an amount that nobody moves are refused with their place', async () => {
  const one = (line: { units: bigint; bookedOn?: string }) =>
    given(once(Buffer.from([...writeCamt(statementParts({ account: iban, lines: () => [line] }))].join(''))))
  const on = (days: number) =>
    new Date(world.clock.now().getTime() + days * 86_400_000).toISOString().slice(0, 10)
  await assertRefused(one({ units: 100n, bookedOn: on(2) }), /^date$/)
  await assertRefused(one({ units: 100n, bookedOn: on(-3_660) }), /^date$/)
  await assertRefused(one({ units: 1_000_000_000_001n }), /^amount$/)
  for (const line of [{ units: 1_000_000_000_000n }, { units: 7n, bookedOn: on(1) }]) {
    const dry = await importStatement(world, { ...one(line), dryRun: true })
    assert.equal(dry.lines, 1)
  }
})

it('what is right is taken after all of these', async () => {
  const file = await importStatement(world, given(once(Buffer.from(camt()))))
  assert.deepEqual([file.lines, file.added], [500, 500])
  assert.deepEqual(await world.problems(), [])
})
