import { run } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

export interface FileResult {
  file: string
  passed: number
  failed: number
  skipped: number
  durationMs: number
  /** What failed, each as text to be shown. */
  failures: string[]
  /** What the file wrote, its end. */
  output: string
}

export interface RunFileOptions {
  limitMs: number
  namePatterns: string[]
  signal: AbortSignal
}

/** Runs one test file in a process of its own, ended by force when it takes too long. Leaf tests are counted. */
export async function runFile(
  file: string,
  { limitMs, namePatterns, signal }: RunFileOptions,
): Promise<FileResult> {
  const result: FileResult = {
    file,
    passed: 0,
    failed: 0,
    skipped: 0,
    durationMs: 0,
    failures: [],
    output: '',
  }
  const begun = performance.now()
  const overtime = AbortSignal.timeout(limitMs)
  const events = run({
    files: [file],
    // Sooner than the file's end, so that the test that hangs is named.
    timeout: Math.round(limitMs * 0.9),
    // A pool left open by a test that failed must not keep the run from ending.
    forceExit: true,
    testNamePatterns: namePatterns.length > 0 ? namePatterns : undefined,
    signal: AbortSignal.any([signal, overtime]),
  })
  for await (const event of events as AsyncIterable<TestEvent>) note(result, event, namePatterns.length > 0)
  result.durationMs = performance.now() - begun
  if (overtime.aborted && result.failed === 0)
    fail(result, `It was ended after ${Math.round(limitMs / 1000)} s.`)
  return result
}

function note(result: FileResult, event: TestEvent, filtered: boolean): void {
  if (event.type === 'test:stdout' || event.type === 'test:stderr') {
    result.output = `${result.output}${event.data.message}`.slice(-8000)
    return
  }
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return
  const { data } = event
  // The runner reports the file itself as a test when nothing in it was one, or when it broke before or after them.
  const isFile = data.nesting === 0 && data.name === result.file
  if (event.type === 'test:fail') {
    const error = event.data.details.error as Error & { failureType?: string; cause?: unknown }
    if (error.failureType === 'subtestsFailed') return
    if (data.skip !== undefined || data.todo !== undefined) result.skipped += 1
    else fail(result, `${isFile ? 'The file itself failed.' : fullName(data)}\n${describe(error)}`)
  } else if (isFile) {
    if (!filtered) fail(result, 'There is no test in it.')
  } else if (data.details.type !== 'suite') {
    if (data.skip !== undefined || data.todo !== undefined) result.skipped += 1
    else result.passed += 1
  }
}

/** With the suite it is in, which Node's types don't name yet. */
function fullName(data: { name: string; classname?: string }): string {
  return data.classname ? `${data.classname} › ${data.name}` : data.name
}

function fail(result: FileResult, text: string): void {
  result.failed += 1
  result.failures.push(text)
}

function describe(error: Error & { cause?: unknown }): string {
  const shown = error.cause ?? error.message
  const text = typeof shown === 'string' ? shown : inspect(shown, { depth: 6 })
  return text
    .split('\n')
    .filter((line) => !/^\s+at .*\bnode:/.test(line))
    .join('\n')
}
