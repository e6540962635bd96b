import { globSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { paint, seconds, withProgress } from '../scripts/progress.mjs'
import { makeTemplate } from './support/database.ts'
import { type FileResult, runFile } from './support/run-file.ts'
import { SERVER_VARIABLE, startRunServer } from './support/server.ts'

const HELP = `Runs the tests, each file in a process of its own, all on one PostgreSQL made for the run.

  npm test                       everything but the long fault runs
  npm test -- quote pricing/     the files whose path holds one of the words
  npm test -- --name 'expired'   the tests whose name matches
  npm run test:faults            the fault runs at full length

  --name <pattern>      only tests whose name matches (may be repeated)
  --concurrency <n>     files at once (2)
  --list                show the files, run nothing
  --faults              the fault runs at full length
  -h, --help            this

LOG_LEVEL=debug shows the program's log, FORCE_COLOR and NO_COLOR are respected.
One file alone, without this runner: node --test src/kernel/config.test.ts`

const root = resolve(import.meta.dirname, '..')
const FOLDERS = ['src', 'web', 'sdk', 'contracts', 'examples', 'bench', 'conformance', 'test']
/** Each file is a process that loads the whole program; what the engine made of it once is used by all, and by what they start. */
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/node')

/** The long ones first, so that the last minute isn't spent waiting for one of them with the other core idle. */
const FIRST = [
  'test/faults/',
  'test/fuzz/',
  'test/browser/',
  'test/corridors/',
  'test/properties/',
  'src/sandbox/chain/',
]
const LIMIT_MS = 5 * 60_000
const FAULTS_LIMIT_MS = 30 * 60_000

interface Options {
  filters: string[]
  namePatterns: string[]
  concurrency: number
  list: boolean
  faults: boolean
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string', multiple: true, default: [] },
      concurrency: { type: 'string', default: String(Math.min(2, cpus().length)) },
      list: { type: 'boolean', default: false },
      faults: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(HELP)
    process.exit(0)
  }
  const concurrency = Number(values.concurrency)
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new TypeError('--concurrency must be a whole number from 1.')
  return {
    filters: positionals,
    namePatterns: values.name,
    concurrency,
    list: values.list,
    faults: values.faults,
  }
}

function findFiles({ filters, faults }: Options): string[] {
  const all = globSync(faults ? 'test/faults/**/*.test.ts' : `{${FOLDERS.join(',')}}/**/*.test.ts`, {
    cwd: root,
  })
  const wanted = all
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => faults || !file.startsWith('test/faults/full/'))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  return wanted.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
}

function rank(file: string): number {
  const place = FIRST.findIndex((folder) => file.startsWith(folder))
  return place === -1 ? FIRST.length : place
}

async function runAll(files: string[], options: Options, signal: AbortSignal): Promise<FileResult[]> {
  const waiting = [...files]
  const results: FileResult[] = []
  const limitMs = options.faults ? FAULTS_LIMIT_MS : LIMIT_MS
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file && !signal.aborted; file = waiting.shift()) {
      const result = await runFile(join(root, file), { limitMs, namePatterns: options.namePatterns, signal })
      results.push(result)
      if (!signal.aborted) report(result)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, worker))
  return results
}

function report(result: FileResult): void {
  const { file, passed, failed, skipped, durationMs, failures, output } = result
  // With --name most files have no test to run.
  if (passed + failed + skipped === 0) return
  const mark = failed ? paint('31', '✗', process.stdout) : paint('32', '✓', process.stdout)
  const counts = [`${passed + failed} tests`, failed && `${failed} failed`, skipped && `${skipped} skipped`]
  const facts = `${counts.filter(Boolean).join(', ')}, ${seconds(durationMs)}`
  console.log(`${mark} ${relative(root, file)}  ${paint('2', facts, process.stdout)}`)
  for (const failure of failures) console.log(`\n${paint('31', indent(failure), process.stdout)}\n`)
  if (failed && output.trim()) console.log(`${indent(`It wrote:\n${output.trimEnd()}`)}\n`)
}

const indent = (text: string): string => text.replace(/^/gm, '    ')

function summarise(results: FileResult[], begun: number): boolean {
  const sum = (key: 'passed' | 'failed' | 'skipped'): number =>
    results.reduce((total, result) => total + result[key], 0)
  const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')]
  const broken = results.filter((result) => result.failed > 0)
  if (broken.length > 0) console.log(`\nFailed: ${broken.map(({ file }) => relative(root, file)).join(' ')}`)
  console.log(`\n${results.length} files in ${seconds(performance.now() - begun)}`)
  if (passed + failed === 0) console.log('No test ran: that is a failure.')
  console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`)
  return failed === 0 && passed > 0
}

/** Folders of runs that were killed: their servers are stopped, their files removed. */
async function removeLeftovers(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(/^cryptopocket-run-(\d+)-/.exec(name)?.[1])
    if (!pid || isAlive(pid)) continue
    const folder = join(tmpdir(), name)
    const server = await startRunServer(folder, () => {})
    await server.stop()
    for (const path of [server.folder, folder]) rmSync(path, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function main(): Promise<void> {
  const options = readOptions()
  const files = findFiles(options)
  if (options.list) return console.log(files.join('\n'))
  if (files.length === 0) {
    console.log(`No test file matches ${options.filters.join(' ') || 'at all'}. See: npm test -- --list`)
    console.log('0 passed, 0 failed')
    process.exitCode = 1
    return
  }
  if (options.faults) process.env.FAULTS = 'full'
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort())
  const begun = performance.now()
  await removeLeftovers()
  const folder = mkdtempSync(join(tmpdir(), `cryptopocket-run-${process.pid}-`))
  const server = await withProgress('Starting PostgreSQL for the tests', async () => {
    const started = await startRunServer(folder, (message) => console.log(message))
    await makeTemplate(started.url)
    return started
  })
  try {
    process.env[SERVER_VARIABLE] = server.url
    const results = await runAll(files, options, interrupt.signal)
    const good = summarise(results, begun)
    if (interrupt.signal.aborted) console.log('The run was interrupted.')
    process.exitCode = good && !interrupt.signal.aborted ? 0 : 1
  } finally {
    await server.stop()
    for (const path of [server.folder, folder]) rmSync(path, { recursive: true, force: true })
  }
}

await main()
