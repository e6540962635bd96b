import { writeFileSync } from 'node:fs'
import { NoAnswer } from './client.ts'
import { runConformance } from './conformance.ts'
import { choose, loadSections } from './load.ts'
import type { Result } from './model.ts'
import { BadOption, checkReports, HELP, type Options, readOptions } from './options.ts'
import { writeHtml } from './report-html.ts'
import { writeJunit } from './report-junit.ts'
import { createTerminal, paint } from './report-terminal.ts'

async function main(options: Options): Promise<boolean> {
  if (options.help) {
    console.log(HELP)
    return true
  }
  const sections = choose(loadSections(), options.only)
  if (options.list) {
    for (const { section, cases } of sections) {
      console.log(`\n${paint('bold', section)}`)
      for (const { id, title } of cases) console.log(`  ${id.padEnd(44)} ${title}`)
    }
    return true
  }
  if (sections.length === 0) {
    console.error(`No case has any of the words ${options.only.join(', ')}. See --list.`)
    return false
  }
  checkReports(options)
  const begun = new Date()
  console.log(`The partner API contract against ${paint('bold', options.baseUrl)}`)
  const { results, broken } = await tryAll(options)
  const written = writeReports(options, results, begun)
  if (broken) throw broken
  // A run in which nothing was tried proves nothing.
  return (
    written &&
    results.some(({ outcome }) => outcome === 'passed') &&
    results.every(({ outcome }) => outcome !== 'failed')
  )
}

/** All results up to the end, or up to what ended the run too early, which is one more that failed. */
async function tryAll(options: Options): Promise<{ results: Result[]; broken?: Error }> {
  const terminal = createTerminal()
  const results: Result[] = []
  const done = (told: readonly Result[]): void => {
    results.push(...told)
    terminal.done(told)
  }
  const begunMs = performance.now()
  try {
    await runConformance(options, { ...terminal, done })
  } catch (error) {
    const ended = error as Error
    terminal.section('The run')
    done([endedEarly(ended, performance.now() - begunMs)])
    terminal.summarise(results)
    const isExpected = ended instanceof NoAnswer || ended instanceof BadOption
    return isExpected ? { results } : { results, broken: ended }
  }
  terminal.summarise(results)
  return { results }
}

function endedEarly({ message }: Error, durationMs: number): Result {
  return {
    section: 'The run',
    id: 'run.complete',
    title: 'the run comes to its end',
    mark: 'documented',
    outcome: 'failed',
    problems: [{ where: 'run', expected: 'a server to try the contract on', got: message }],
    durationMs,
  }
}

/** Writes what was asked for; false when one of the reports could not be written. */
function writeReports({ junit, html, baseUrl }: Options, results: readonly Result[], begun: Date): boolean {
  const about = { baseUrl, begun }
  const reports: [file: string | undefined, text: string][] = [
    [junit, writeJunit(results, about)],
    [html, writeHtml(results, about)],
  ]
  let written = true
  for (const [file, text] of reports) {
    if (file === undefined) continue
    try {
      writeFileSync(file, text)
      console.log(`Written: ${file}`)
    } catch (error) {
      written = false
      console.error(paint('red', `Not written: ${(error as Error).message}`))
    }
  }
  return written
}

try {
  process.exitCode = (await main(readOptions(process.argv.slice(2), process.env))) ? 0 : 1
} catch (error) {
  if (!(error instanceof BadOption)) throw error
  console.error(`${paint('red', error.message)}\nSee --help.`)
  process.exitCode = 1
}
