import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { configurationPage } from '../../scripts/write-configuration.ts'
import { eventually, startTestApp, type TestApp } from '../support/app.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

describe('the documentation says what is', () => {
  it('docs/configuration.md is the table that the program reads (node scripts/write-configuration.ts writes it)', () => {
    assert.equal(read('docs/configuration.md'), configurationPage())
  })

  it('every link between the pages leads somewhere', () => {
    const pages = [
      'README.md',
      ...readdirSync(join(ROOT, 'docs'))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `docs/${name}`),
    ]
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
        .map((match) => match[1] as string)
        .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
        .map((target) => `${page} → ${target}`),
    )
    assert.deepEqual(broken, [])
  })

  it('every npm command of the README exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = [...read('README.md').matchAll(/npm (?:run )?([\w:]+)/g)].map((match) => match[1] as string)
    assert.deepEqual(
      named.filter((name) => !(name in scripts) && !['run', 'registry', 'and'].includes(name)),
      [],
    )
  })
})

describe('the six calls of the README, pasted', () => {
  let test: TestApp
  before(async () => {
    test = await startTestApp()
  })
  after(() => test.stop())

  it('end with coins in the wallet', async () => {
    const blocks = [...read('README.md').matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] as string)
    const calls = blocks.filter((block) => block.includes('curl') || block.startsWith('API='))
    assert.equal(calls.length, 7)
    const [watch] = calls.splice(-1) as [string]
    const script = calls.join('\n').replaceAll('http://127.0.0.1:8080', test.url)
    const output = await bash(`${script}\necho "last:$TOKEN:$PAYMENT"`)
    const [, token, payment] = /last:([^:\s]+):(\w+)/.exec(output) ?? []
    assert.ok(token && payment, output)
    await eventually('the last call to say coins_sent', async () => {
      const answer = await bash(
        `API=${test.url}/api TOKEN=${token} PAYMENT=${payment}\n${watch.replace(/sleep \d+; /, '')}`,
      )
      return /"status":"coins_sent"/.test(answer) && /"txid":"0x[0-9a-f]{64}"/.test(answer)
    })
  })
})

function bash(script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('bash', ['-c', script], (error, stdout, stderr) =>
      error ? reject(new Error(stdout + stderr)) : resolve(stdout),
    )
  })
}
