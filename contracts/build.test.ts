import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ARTIFACTS, artifactPath, artifactText, CONTRACTS, compileContracts } from './build.ts'

test('the committed artifacts are what the sources compile to', () => {
  for (const artifact of compileContracts()) {
    assert.equal(
      readFileSync(artifactPath(artifact.contract), 'utf8'),
      artifactText(artifact),
      `${artifact.contract}.json is not current: run npm run contracts`,
    )
  }
})

test('each artifact has a contract', () => {
  assert.deepEqual(readdirSync(ARTIFACTS).sort(), CONTRACTS.map((name) => `${name}.json`).sort())
})
