import { writeFileSync } from 'node:fs'
import { NoAnswer } from './client.ts'
import { runConformance } from './conformance.ts'
import { choose, loadSections } from './load.ts'
import { BadOption, HELP, type Options, readOptions } from './options.ts'
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
  const begun = new Date()
  const terminal = createTerminal()
  console.log(`The partner API contract against ${paint('bold', options.baseUrl)}`)
  const results = await runConformance(options, terminal)
  const about = { baseUrl: options.baseUrl, begun }
  if (options.junit) writeFileSync(options.junit, writeJunit(results, about))
  if (options.html) writeFileSync(options.html, writeHtml(results, about))
  terminal.summarise(results)
  for (const file of [options.junit, options.html]) if (file) console.log(`Written: ${file}`)
  // A run in which nothing was tried proves nothing.
  return (
    results.some(({ outcome }) => outcome === 'passed') &&
    results.every(({ outcome }) => outcome !== 'failed')
  )
}

try {
  process.exitCode = (await main(readOptions(process.argv.slice(2), process.env))) ? 0 : 1
} catch (error) {
  if (!(error instanceof BadOption) && !(error instanceof NoAnswer)) throw error
  console.error(`${paint('red', error.message)}${error instanceof BadOption ? '\nSee --help.' : ''}`)
  process.exitCode = 1
}
