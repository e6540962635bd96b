import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, it } from 'node:test'

/** What is a rule is a test: these hold for every file that git knows or will know. */
const ROOT = join(import.meta.dirname, '..')
const FILES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)))
const CODE = FILES.filter((file) => /\.(ts|tsx|mjs)$/.test(file))
const SOURCE = CODE.filter((file) => file.startsWith('src/') && !isTest(file))
const text = new Map(CODE.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]))
const read = (file: string): string => text.get(file) ?? ''

/** Tests, and the suites and fixtures that only tests use. */
function isTest(file: string): boolean {
  return /\.test\.tsx?$|contract-suite\.ts$|fixture\.ts$|fixtures?\//.test(file) || file.startsWith('test/')
}

function importsOf(file: string): { target: string; typeOnly: boolean }[] {
  const found: { target: string; typeOnly: boolean }[] = []
  for (const match of read(file).matchAll(
    /(?:^|\n)\s*(?:import|export)\s+(type\s)?[^'"\n;]*?(?:\n[^'"]*?)?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/g,
  )) {
    const target = match[2] ?? match[3]
    if (target)
      found.push({ target: normalize(join(dirname(file), target)), typeOnly: match[1] !== undefined })
  }
  return found
}

/** Comments and texts say what they like; only code is judged. */
function codeOf(file: string): string {
  return read(file)
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(^|[^:'"`])\/\/[^\n]*/g, '$1')
}

function offenders(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    codeOf(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  )
}

describe('the tree is tidy', () => {
  it('reads the code at all', () => assert.ok(SOURCE.length > 50))

  it('money imports nothing from outside of it', () => {
    const money = SOURCE.filter((file) => file.startsWith('src/money/'))
    assert.deepEqual(
      money.flatMap((file) =>
        importsOf(file)
          .filter(({ target }) => !target.startsWith('src/money/'))
          .map(({ target }) => `${file} → ${target}`),
      ),
      [],
    )
  })

  it('dependencies point one way', () => {
    const forbidden: [from: RegExp, to: RegExp][] = [
      [/^src\/kernel\//, /^src\/(?!kernel\/)/],
      [/^src\/(pricing|ledger)\//, /^src\/(server|users|onramp|webhooks|hosted|bank-accounts|cli|app)/],
      [/^src\/providers\//, /^src\/(users|onramp|hosted|bank-accounts|cli|webhooks)\//],
      [/^src\/(?!cli\/)/, /^src\/cli\//],
      [/^src\//, /^(test|bench|web)\//],
    ]
    const wrong = SOURCE.flatMap((file) =>
      importsOf(file)
        .filter(
          ({ target, typeOnly }) =>
            !typeOnly && forbidden.some(([from, to]) => from.test(file) && to.test(target)),
        )
        .map(({ target }) => `${file} → ${target}`),
    )
    assert.deepEqual(wrong, [])
  })

  it('the conformance kit is a black box: nothing but its own files and what Node.js brings', () => {
    const kit = CODE.filter((file) => file.startsWith('conformance/'))
    assert.ok(kit.length > 10)
    assert.deepEqual(
      kit.flatMap((file) => {
        const strangers = [...codeOf(file).matchAll(/\bfrom\s+'([^']+)'|\bimport\(?\s*'([^']+)'/g)]
          .map((found) => found[1] ?? found[2] ?? '')
          .filter((name) => !name.startsWith('node:'))
          .filter(
            (name) =>
              !normalize(join(dirname(file), name)).startsWith('conformance/') || !name.startsWith('./'),
          )
        return strangers.map((name) => `${file} → ${name}`)
      }),
      [],
    )
  })

  it('simulated and vendor providers are chosen by the composition root alone', () => {
    // The sandbox's page of the documentation shows the simulated providers' test values.
    const allowed =
      /^src\/(app|app-providers)\.ts$|^src\/(sandbox|providers|cli)\/|^src\/server\/docs\/sandbox\.ts$/
    const wrong = SOURCE.filter((file) => !allowed.test(file)).flatMap((file) =>
      importsOf(file)
        .filter(
          ({ target, typeOnly }) =>
            !typeOnly && /^src\/providers\/.*(simulated|coinbase|kraken|local-mnemonic|folder)/.test(target),
        )
        .map(({ target }) => `${file} → ${target}`),
    )
    assert.deepEqual(wrong, [])
  })

  it('the machine’s clock is read in one file', () => {
    const judged = SOURCE.filter(
      // The documentation's examples are the integrator's program, not ours.
      (file) => file !== 'src/kernel/clock.ts' && !/^src\/(cli|server\/docs)\//.test(file),
    )
    assert.deepEqual(offenders(judged, /\bDate\.now\b|\bnew Date\(\)/), [])
  })

  it('no amount is a float', () => {
    const judged = SOURCE.filter((file) =>
      /^src\/(money|pricing|ledger|onramp|effects|bank-accounts)\//.test(file),
    )
    assert.deepEqual(offenders(judged, /parseFloat|toFixed|parseUnits|Math\.round\(.*[uU]nits/), [])
  })

  it('nothing waits for the network inside a transaction', () => {
    const wrong = SOURCE.flatMap((file) =>
      [
        ...codeOf(file).matchAll(
          /\.transaction\(\)(?:\.setIsolationLevel\([^)]*\))?\.execute\(async \((\w+)\) => \{([\s\S]*?)\n {2,6}\}\)/g,
        ),
      ]
        .filter(([, , body]) => /await [\w.]*(providers?\.|fetch\(|provider\.|rpc\.)/.test(body ?? ''))
        .map((match) => `${file}: ${match[0].slice(0, 80)}`),
    )
    assert.deepEqual(wrong, [])
  })

  it('tests run: none is skipped, none alone, none to do', () => {
    assert.deepEqual(
      offenders(
        CODE.filter(isTest),
        /\b(it|test|describe)\.(skip|only|todo)\b|\{\s*(skip|only|todo):\s*true/,
      ),
      [],
    )
  })

  it('no file is dead', () => {
    const roots =
      /^(src\/cli\/(main|start|demo)\.ts|test\/|bench\/|conformance\/run\.ts|scripts\/|contracts\/|web\/|vite\.config|examples\/|sdk\/)/
    const used = new Set(CODE.flatMap((file) => importsOf(file).map(({ target }) => target)))
    assert.deepEqual(
      CODE.filter((file) => !isTest(file) && !roots.test(file) && !used.has(file)),
      [],
    )
  })

  it('says nothing of unfinished work', () => {
    const word = new RegExp(
      [
        'TO' + 'DO',
        'FIX' + 'ME',

        'HA' + 'CK',
        'not imple' + 'mented',
        'for no' + 'w\\b',
      ].join('|'),
    )
    const wrong = CODE.filter((file) => file !== 'test/tidy.test.ts').flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, index) => (word.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    )
    assert.deepEqual(wrong, [])
  })

  it('gives every dependency its reason, and pins it', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const reasons = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8')
    const all = {
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    } as Record<string, string>
    assert.deepEqual(
      Object.keys(all).filter((name) => !reasons.includes(`\`${name}\``)),
      [],
    )
    assert.deepEqual(
      Object.entries(all).filter(([, version]) => !/^\d/.test(version)),
      [],
    )
  })

  it('files fit a sitting', () => {
    const long = CODE.filter((file) => !isTest(file) && !file.includes('/messages/')).filter(
      (file) => read(file).split('\n').length > 420,
    )
    assert.deepEqual(
      long,
      ['src/db/schema.ts', 'src/hosted/wire.ts'].filter((file) => long.includes(file)),
    )
  })
})
