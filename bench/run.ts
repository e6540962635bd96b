import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { createPayment } from './create-payment.ts'
import { deliveries } from './deliveries.ts'
import { deposits } from './deposits.ts'
import { dispatch } from './dispatch.ts'
import { growth } from './growth.ts'
import { lists } from './lists.ts'
import { matching } from './matching.ts'
import { type Benchmark, type Figure, isMet } from './measure.ts'
import { payments } from './payments.ts'
import { quote } from './quote.ts'
import { saleLists } from './sale-lists.ts'
import { sales } from './sales.ts'
import { upload } from './upload.ts'

const BENCHMARKS: readonly Benchmark[] = [
  quote,
  createPayment,
  payments,
  sales,
  deliveries,
  dispatch,
  deposits,
  growth,
  lists,
  matching,
  saleLists,
  upload,
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean', default: false }, quiet: { type: 'boolean', default: false } },
})

if (values.help) {
  console.log('npm run bench -- [names…]   every figure beside its baseline from the same run\n')
  for (const { name, about } of BENCHMARKS) console.log(`  ${name.padEnd(18)} ${about}`)
} else {
  await runAll()
}

async function runAll(): Promise<void> {
  const chosen = BENCHMARKS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  if (chosen.length === 0) {
    console.error(`There is no such benchmark. There are: ${BENCHMARKS.map(({ name }) => name).join(', ')}.`)
    process.exitCode = 1
    return
  }
  const figures: Figure[] = []
  for (const benchmark of chosen) {
    console.log(`\n${styleText('bold', benchmark.name)}: ${benchmark.about}`)
    const found = await benchmark.run((line) => {
      if (!values.quiet) console.log(styleText('dim', `  ${line}`))
    })
    for (const figure of found) print(figure)
    figures.push(...found)
  }
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'latest.json'),
    JSON.stringify({ cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, figures }, null, 2),
  )
  const missed = figures.filter((figure) => !isMet(figure))
  console.log(
    `\n${figures.length - missed.length} of ${figures.length} figures meet what is required. All are in bench/results/latest.json.`,
  )
  if (missed.length > 0) process.exitCode = 1
}

function print(figure: Figure): void {
  const met = isMet(figure)
  const required =
    'atLeast' in figure.required ? `at least ${figure.required.atLeast}` : `at most ${figure.required.atMost}`
  console.log(
    `  ${styleText(met ? 'green' : 'red', met ? '✓' : '✗')} ${figure.what}: ${figure.measured} against ${figure.baseline}: ${styleText('bold', figure.ratio.toFixed(3))} (${required})`,
  )
}
