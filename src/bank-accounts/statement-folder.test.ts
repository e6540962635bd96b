import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, it } from 'node:test'
import { CSV_MAPPING, statementParts, writeCamt, writeCsv } from '../../test/support/statement-writers.ts'
import { openStatementWorld, type StatementWorld } from '../../test/support/statements.ts'
import { createClock } from '../kernel/clock.ts'
import type { Lane } from '../kernel/lanes.ts'
import { statementFolderLane } from './statement-folder.ts'

const STILL_MS = 15_000

let world: StatementWorld
let folder: string
let iban: string
let lane: Lane
let files = 0
/** Milliseconds by which the machine's clock was put forward. */
let waited = 0
const laneOf = (of: StatementWorld): Lane =>
  statementFolderLane({ ...of, clock: createClock(() => Date.now() + waited) })
before(async () => {
  world = await openStatementWorld()
})
after(() => world.close())
beforeEach(async () => {
  if (folder) rmSync(folder, { recursive: true })
  folder = mkdtempSync(join(tmpdir(), 'statement-folder-'))
  world.config.statements.folder = folder
  iban = await world.addAccount()
  lane = laneOf(world)
})
after(() => rmSync(folder, { recursive: true, force: true }))

const parts = () => {
  files += 1
  return statementParts({
    account: iban,
    statementRef: `S${files}`,
    lines: () => [{ units: 100n, concept: 'x' }],
  })
}
const camt = (): string => [...writeCamt(parts(), 'camt.053.001.08')].join('')
const put = (name: string, content: string): void => writeFileSync(join(folder, name), content)
const listed = (under = ''): string[] => readdirSync(join(folder, under)).sort()
const booked = async (): Promise<number> =>
  (await world.db.selectFrom('bankTransactions').select('id').where('iban', '=', iban).execute()).length

/** Looks until nothing more was moved, as often as it takes to see that files have stopped growing. */
async function settle(): Promise<void> {
  for (let still = 0; still < 2; waited += STILL_MS) still = (await lane.step()) > 0 ? 0 : still + 1
}

it('a file is imported once it has not changed for long enough, then moved', async () => {
  const text = camt()
  put('a.xml', text.slice(0, 300))
  assert.equal(await lane.step(), 0)
  waited += STILL_MS - 5_000
  // However often it is looked at meanwhile: a copy may stand still for a moment.
  assert.equal(await lane.step(), 0)
  put('a.xml', text)
  utimesSync(join(folder, 'a.xml'), 1, 1)
  waited += STILL_MS
  assert.equal(await lane.step(), 0)
  waited += STILL_MS - 5_000
  assert.equal(await lane.step(), 0)
  waited += 5_000
  assert.equal(await lane.step(), 1)
  assert.deepEqual([listed(), listed('imported'), await booked()], [['imported'], ['a.xml'], 1])
})

it('one that goes on growing while it is read stays, and is imported when it is whole', async () => {
  const text = camt()
  const write = world.providers.storage.write
  for (const [name, part] of [
    ['a.xml', text.slice(0, 500)],
    ['b.csv', 'x'],
    ['c.xml', text],
  ] as const) {
    put(name, part)
    // The copy goes on just when the file is taken.
    const storage = {
      ...world.providers.storage,
      write: async (...given: Parameters<typeof write>) => {
        put(name, `${part}${text.slice(part.length)}`)
        await write(...given)
      },
    }
    const taking = laneOf({ ...world, providers: { storage } })
    await taking.step()
    waited += STILL_MS
    await taking.step()
    assert.deepEqual(listed(), [name])
    rmSync(join(folder, name))
  }
  put('a.xml', text)
  await settle()
  assert.deepEqual([listed(), listed('imported'), await booked()], [['imported'], ['a.xml'], 1])
})

it('one that came before is moved, adds nothing, and replaces none of its name', async () => {
  const text = camt()
  for (let time = 0; time < 2; time += 1) {
    put('a.xml', text)
    await settle()
  }
  assert.deepEqual([listed('imported').length, await booked()], [2, 1])
})

it('one that is no statement is refused with the reason beside it, and the others go on', async () => {
  put('a.xml', camt().replace('</Stmt>', ''))
  put('b.xml', camt())
  await settle()
  assert.deepEqual([listed('refused'), listed('imported')], [['a.xml', 'a.xml.txt'], ['b.xml']])
  assert.match(readFileSync(join(folder, 'refused', 'a.xml.txt'), 'utf8'), /^Line \d+, column \d+: .+\n$/)
  assert.equal(await booked(), 1)
})

it('CSV is read by the mapping in the folder; without one it is refused', async () => {
  const text = [...writeCsv(parts())].join('')
  put('a.csv', text)
  await settle()
  assert.deepEqual(listed('refused'), ['a.csv', 'a.csv.txt'])
  put('mapping.json', JSON.stringify(CSV_MAPPING))
  put('a.csv', text)
  await settle()
  assert.deepEqual(
    [listed(), listed('imported'), await booked()],
    [['imported', 'mapping.json', 'refused'], ['a.csv'], 1],
  )
})

it('links lead nowhere, folders and hidden or half-written files are left alone', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'statement-outside-'))
  writeFileSync(join(outside, 'secret.xml'), camt())
  symlinkSync(join(outside, 'secret.xml'), join(folder, 'link.xml'))
  symlinkSync(outside, join(folder, 'linked-folder'))
  mkdirSync(join(folder, 'sub'))
  put('.hidden.xml', camt())
  put('b.xml.part', camt())
  await settle()
  assert.deepEqual(listed(), ['.hidden.xml', 'b.xml.part', 'refused', 'sub'])
  assert.deepEqual(listed('refused'), ['link.xml', 'link.xml.txt', 'linked-folder', 'linked-folder.txt'])
  assert.deepEqual([readdirSync(outside), await booked()], [['secret.xml'], 0])
  rmSync(outside, { recursive: true })
})

it('where it is moved to must be a folder of its own', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'statement-outside-'))
  symlinkSync(outside, join(folder, 'imported'))
  put('a.xml', camt())
  await settle()
  assert.deepEqual(readdirSync(outside), [])
  assert.ok(listed('refused').includes('imported'))
  assert.deepEqual(listed('imported'), ['a.xml'])
  rmSync(outside, { recursive: true })
})

it('a folder that cannot be read says so, again and again, until it can', async () => {
  world.config.statements.folder = join(folder, 'gone')
  await assert.rejects(async () => lane.step(), /ENOENT/)
  mkdirSync(join(folder, 'gone'))
  chmodSync(join(folder, 'gone'), 0o700)
  assert.equal(await lane.step(), 0)
})
