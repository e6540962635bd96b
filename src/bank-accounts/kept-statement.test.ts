import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { shareStatementWorld } from '../../test/support/statements.ts'
import { keepStatement } from './kept-statement.ts'

const world = await shareStatementWorld()

/** A folder of an import that was killed, so long ago. */
function leftSince(days: number, name = 'cryptopocket-statement-'): string {
  const folder = mkdtempSync(join(tmpdir(), name))
  writeFileSync(join(folder, '0'), 'sealed')
  const at = new Date(world.clock.real().getTime() - days * 86_400_000)
  utimesSync(folder, at, at)
  return folder
}

async function* bytes(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('a statement')
}

test('what a killed import left on this machine is removed a day later, and nothing else', async () => {
  const folders = { old: leftSince(2), young: leftSince(0.9), ofOthers: leftSince(2, 'statement-') }
  try {
    const kept = await keepStatement(world, bytes(), { storageKey: 'statements/one', maxBytes: 100 })
    const there = Object.entries(folders).filter(([, folder]) => existsSync(folder))
    assert.deepEqual(
      there.map(([name]) => name),
      ['young', 'ofOthers'],
    )
    assert.equal(Buffer.concat(await Array.fromAsync(kept.read())).toString(), 'a statement')
    await kept.release()
  } finally {
    for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true })
  }
})
