import { styleText } from 'node:util'
import type { Progress } from './conformance.ts'
import type { Mark, Problem, Result } from './model.ts'

type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold' | 'cyan'

/** Colours a text where colour is shown and wanted (NO_COLOR, FORCE_COLOR). */
export const paint = (colour: Colour, text: string): string =>
  styleText(colour, text, { stream: process.stdout, validateStream: true })

const SIGNS = {
  passed: (text: string) => `${paint('green', '✓')} ${text}`,
  failed: (text: string) => `${paint('red', '✗')} ${text}`,
  skipped: (text: string) => `${paint('yellow', '–')} ${text}`,
}

const MOST_PROBLEMS = 4

/** Shows each case as it ends, what is running on a terminal's last line, and the failures where they happen. */
export function createTerminal(): Progress & { summarise(results: readonly Result[]): void } {
  const live = process.stdout.isTTY === true
  const begunMs = performance.now()
  let total = 0
  let ended = 0
  const clear = (): void => void (live && process.stdout.write('\r\x1b[K'))

  return {
    begin(cases) {
      total = cases
    },
    section(name) {
      clear()
      console.log(`\n${paint('bold', name)}`)
    },
    running(title) {
      if (live) process.stdout.write(`\r\x1b[K${paint('dim', `${ended}/${total} ${title} …`)}`)
    },
    done(results) {
      clear()
      ended += 1
      for (const result of results) {
        const { outcome, title, mark, reason, durationMs } = result
        const facts = [mark, reason, durationMs >= 1000 && seconds(durationMs)].filter(Boolean).join(', ')
        console.log(`  ${SIGNS[outcome](title)} ${paint('dim', `(${facts})`)}`)
        if (outcome === 'failed') console.log(describe(result))
      }
    },
    summarise(results) {
      clear()
      console.log(`\n${paint('bold', 'Result')} after ${seconds(performance.now() - begunMs)}`)
      for (const mark of ['documented', 'chosen'] satisfies Mark[]) {
        const counted = count(results.filter((result) => result.mark === mark))
        const sign = counted.failed > 0 ? 'failed' : 'passed'
        console.log(
          `  ${SIGNS[sign](`${mark.padEnd(10)} ${counted.passed} passed, ${counted.failed} failed, ${counted.skipped} skipped`)}`,
        )
      }
      const failed = results.filter(({ outcome }) => outcome === 'failed')
      if (failed.length > 0) {
        console.log(`\nFailed: ${[...new Set(failed.map(({ id }) => id))].join(' ')}`)
      }
      for (const [reason, many] of countReasons(results)) {
        console.log(paint('yellow', `Skipped ${many}: ${reason}`))
      }
    },
  }
}

export function count(results: readonly Result[]): Record<Result['outcome'], number> {
  const counted = { passed: 0, failed: 0, skipped: 0 }
  for (const { outcome } of results) counted[outcome] += 1
  return counted
}

function countReasons(results: readonly Result[]): Map<string, number> {
  const reasons = new Map<string, number>()
  for (const { outcome, reason = 'no reason told' } of results) {
    if (outcome === 'skipped') reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  return reasons
}

function describe({ id, problems }: Result): string {
  const shown = problems.slice(0, MOST_PROBLEMS).map(describeProblem)
  const more = problems.length - shown.length
  return [paint('dim', `      ${id}`), ...shown, ...(more > 0 ? [`      and ${more} more`] : [])].join('\n')
}

function describeProblem({ where, expected, got, row, exchange }: Problem): string {
  return [
    `      ${where}${row ? paint('dim', ` with ${row}`) : ''}`,
    `        ${paint('green', `expected ${expected}`)}`,
    `        ${paint('red', `got      ${got}`)}`,
    ...(exchange
      ? [
          paint('dim', `        ${shorten(exchange.curl)}`),
          paint('dim', `        → ${exchange.answer.status} ${shorten(exchange.answer.text)}`),
        ]
      : []),
  ].join('\n')
}

const MOST_SHOWN = 1_000
const shorten = (text: string): string =>
  text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}… (${text.length} characters)` : text

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
