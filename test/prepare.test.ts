import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'

/** A checkout in small: our scripts, one package, a page, and stand-ins for npm and the builder that note their calls. */
const root = mkdtempSync(join(tmpdir(), 'prepare-test-'))
after(() => rmSync(root, { recursive: true, force: true }))

const LOCK = {
  packages: {
    '': {},
    'node_modules/vite': { version: '1.0.0', dev: true },
    'node_modules/elsewhere': { version: '1.0.0', optional: true, os: ['aix'] },
  },
}

const NPM = `
  import { appendFileSync, cpSync, readFileSync } from 'node:fs'
  appendFileSync('npm.calls', process.argv.slice(2).join(' ') + '\\n')
  const says = readFileSync('npm.says', 'utf8')
  if (says === 'ok') cpSync('packages', 'node_modules', { recursive: true })
  else if (says !== 'nothing') { console.error(says); process.exit(1) }`

const VITE = `
  const { appendFileSync, mkdirSync, writeFileSync, existsSync } = require('node:fs')
  appendFileSync('vite.calls', 'x')
  if (existsSync('web/broken')) { console.error('Unexpected token in page.ts'); process.exit(1) }
  mkdirSync('dist/web', { recursive: true })
  writeFileSync('dist/web/page.html', 'built')`

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

const calls = (tool: 'npm' | 'vite'): string =>
  existsSync(join(root, `${tool}.calls`)) ? readFileSync(join(root, `${tool}.calls`), 'utf8') : ''

async function prepare(env: Record<string, string> = {}): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, ['scripts/prepare.mjs'], {
    cwd: root,
    env: { PATH: process.env.PATH, npm_execpath: join(root, 'npm-cli.mjs'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
  const [code] = await once(child, 'close')
  return { code, said }
}

beforeEach(() => {
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root)
  cpSync(join(import.meta.dirname, '../scripts'), join(root, 'scripts'), { recursive: true })
  write('package-lock.json', JSON.stringify(LOCK))
  write('npm-cli.mjs', NPM)
  write('npm.says', 'ok')
  write('packages/.package-lock.json', JSON.stringify(LOCK))
  write('packages/vite/package.json', '{}')
  write('packages/vite/bin/vite.js', VITE)
  write('vite.config.ts', '')
  write('web/page.ts', "import { word } from '../src/word.ts'")
  write('src/word.ts', '')
})

describe('before a command', () => {
  test('a fresh clone gets its packages and pages, and the next time nothing happens', async () => {
    assert.equal((await prepare()).code, 0)
    assert.match(calls('npm'), /^ci --include=dev --include=optional /)
    assert.equal(calls('vite'), 'x')
    assert.deepEqual(await prepare(), { code: 0, said: '' })
    assert.equal(calls('npm').split('\n').length, 2)
    assert.equal(calls('vite'), 'x')
  })

  test('pages are built anew when they, or what they import, have changed', async () => {
    await prepare()
    write('web/page.css', 'body {}')
    await prepare()
    assert.equal(calls('vite'), 'xx')
    write('src/word.ts', 'export const word = 1')
    await prepare()
    assert.equal(calls('vite'), 'xxx')
    write('src/other.ts', 'nobody imports this')
    await prepare()
    assert.equal(calls('vite'), 'xxx')
  })

  test('packages are installed anew when the lock file wants another version', async () => {
    await prepare()
    const newer = structuredClone(LOCK)
    newer.packages['node_modules/vite'].version = '1.0.1'
    write('package-lock.json', JSON.stringify(newer))
    write('packages/.package-lock.json', JSON.stringify(newer))
    assert.equal((await prepare()).code, 0)
    assert.equal(calls('npm').split('\n').length, 3)
  })

  test('a lean installation starts when the pages are built', async () => {
    await prepare()
    rmSync(join(root, 'node_modules/vite'), { recursive: true })
    assert.deepEqual(await prepare({ npm_lifecycle_event: 'prestart' }), { code: 0, said: '' })
    await prepare({ npm_lifecycle_event: 'pretest' })
    assert.equal(calls('npm').split('\n').length, 3)
  })

  test('a preparation that was killed does not block the next', async () => {
    write('dist/prepare.lock', '4190000')
    assert.equal((await prepare()).code, 0)
    assert.equal(existsSync(join(root, 'dist/prepare.lock')), false)
  })
})

describe('when it fails it says why, how to mend it, and tries again the next time', () => {
  const cases: [title: string, change: () => void, said: RegExp][] = [
    [
      'no network',
      () => write('npm.says', 'npm error code ENOTFOUND'),
      /npm could not reach its registry\. The first start needs the network/,
    ],
    [
      'no right',
      () => write('npm.says', 'npm error code EACCES'),
      /npm may not write here\. Give this user the right/,
    ],
    [
      'another package than promised',
      () => write('npm.says', 'npm error code EINTEGRITY'),
      /not what the lock file says/,
    ],
    [
      'packages left out',
      () => write('npm.says', 'nothing'),
      /vite\n\nnpm ci ended well, but left out packages .* --include=optional/,
    ],
    [
      'no lock file',
      () => rmSync(join(root, 'package-lock.json')),
      /package-lock\.json is missing\. Restore it/,
    ],
    [
      'a mistake in a page',
      () => write('web/broken', ''),
      /Unexpected token in page\.ts\n\nThe web pages can’t be built\./,
    ],
    [
      'no builder’s settings',
      () => rmSync(join(root, 'vite.config.ts')),
      /vite\.config\.ts is missing\. .* git checkout/,
    ],
  ]
  for (const [title, change, expected] of cases) {
    test(title, async () => {
      change()
      for (const _time of [1, 2]) {
        const { code, said } = await prepare()
        assert.equal(code, 1)
        assert.match(said, expected)
        assert.doesNotMatch(said, /\n\s+at /)
      }
      assert.equal(existsSync(join(root, 'dist/web.stamp')), false)
    })
  }
})
