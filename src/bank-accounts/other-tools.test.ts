import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { beforeEach, describe, test } from 'node:test'
import { shareStatementWorld } from '../../test/support/statements.ts'
import { importStatement } from './import-statement.ts'
import { listDoubts } from './line-doubts.ts'
import { openStatement } from './statements/detect-format.ts'

const world = await shareStatementWorld()
let iban: string
beforeEach(async () => {
  iban = await world.addAccount()
})

const OURS = 'ES9121000418450200051332'

/** An example as it would be of the test's account, without what it tells of others. */
const exampleOf = (name: string): string =>
  readFileSync(new URL(`statements/examples/${name}`, import.meta.url), 'utf8')
    .replaceAll(/<(Stmt|Ntfctn)>.*?<\/\1>\s*/gs, (one) => (one.includes(`<IBAN>${OURS}</IBAN>`) ? one : ''))
    .replaceAll(OURS, iban)

async function importText(text: string): Promise<{ lines: number; added: number }> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text)
  }
  const { lines, added } = await importStatement(world, {
    fileName: 'example.xml',
    bytes: bytes(),
    source: 'command',
    who: 'tester',
    open: openStatement,
  })
  assert.deepEqual(await world.problems(), [])
  assert.deepEqual(
    (await listDoubts(world)).filter((one) => one.iban === iban),
    [],
  )
  return { lines, added }
}

describe('what another tool wrote is imported', () => {
  for (const [first, second] of [
    ['ebics-test-server.camt053.xml', 'ebics-test-server.camt054.xml'],
    ['ebics-test-server.camt054.xml', 'ebics-test-server.camt053.xml'],
  ] as const) {
    test(`${first}, after which ${second} adds nothing`, async () => {
      assert.deepEqual(await importText(exampleOf(first)), { lines: 4, added: 4 })
      assert.deepEqual(await importText(exampleOf(second)), { lines: 4, added: 0 })
    })
  }

  test('statement after statement, each of which counts its references from one', async () => {
    const first = exampleOf('revolut-converter.camt053.xml')
    assert.deepEqual(await importText(first), { lines: 5, added: 5 })
    const next = first
      .replaceAll(/2026-11-(\d\d)/g, (_, day: string) => `2026-11-${Number(day) + 3}`)
      .replaceAll('261116-261118', '261119-261121')
      .replace('1000.00', '1145.04')
      .replace(/1145\.04(?!.*1145\.04)/s, '1290.08')
    assert.deepEqual(await importText(next), { lines: 5, added: 5 })
  })
})
