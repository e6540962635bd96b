import type { Problem, Result } from './model.ts'

/** JUnit XML: a suite for each section, a test for each case and mark. */
export function writeJunit(results: readonly Result[], { begun }: { begun: Date }): string {
  const sections = [...new Set(results.map(({ section }) => section))]
  const suites = sections.map((section) => {
    const own = results.filter((result) => result.section === section)
    return [
      `  <testsuite name="${escapeXml(section)}" ${counts(own)} timestamp="${begun.toISOString()}">`,
      ...own.map(testCase),
      '  </testsuite>',
    ].join('\n')
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="conformance" ${counts(results)}>\n${suites.join('\n')}\n</testsuites>\n`
}

function counts(results: readonly Result[]): string {
  const of = (outcome: Result['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length
  const seconds = results.reduce((total, { durationMs }) => total + durationMs, 0) / 1000
  return `tests="${results.length}" failures="${of('failed')}" errors="0" skipped="${of('skipped')}" time="${seconds.toFixed(3)}"`
}

function testCase({ section, id, title, mark, outcome, problems, reason, durationMs }: Result): string {
  const open = `    <testcase classname="${escapeXml(`${section}.${mark}`)}" name="${escapeXml(`${id}: ${title}`)}" time="${(durationMs / 1000).toFixed(3)}"`
  if (outcome === 'passed') return `${open}/>`
  if (outcome === 'skipped') return `${open}><skipped message="${escapeXml(reason ?? '')}"/></testcase>`
  const [first] = problems
  const message = first ? `${first.where}: expected ${first.expected}, got ${first.got}` : 'failed'
  return `${open}><failure message="${escapeXml(message)}">${escapeXml(problems.map(describe).join('\n\n'))}</failure></testcase>`
}

const describe = ({ where, expected, got, row, exchange }: Problem): string =>
  [
    `${where}${row ? ` with ${row}` : ''}`,
    `expected ${expected}`,
    `got      ${got}`,
    ...(exchange
      ? [exchange.curl, `→ ${exchange.answer.status} ${exchange.answer.text.slice(0, 2000)}`]
      : []),
  ].join('\n')

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Also leaves out the characters that XML can't carry at all. */
export const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '�')
    .replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] as string)
