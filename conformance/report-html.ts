import type { Mark, Problem, Result } from './model.ts'
import { escapeXml } from './report-junit.ts'
import { count } from './report-terminal.ts'

const STYLE = `
:root{color-scheme:light dark;--ok:#0a7d4f;--bad:#c02626;--skip:#8a6100;--line:#8884}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1.5rem 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.125rem;margin:2rem 0 .5rem}p{margin:.25rem 0}
table{border-collapse:collapse;margin:1rem 0}td,th{overflow-wrap:normal;padding:.25rem;text-align:left;border-bottom:1px solid var(--line)}
details,.row{border-bottom:1px solid var(--line);padding:.375rem 0}summary{cursor:pointer}
.passed{color:var(--ok)}.failed{color:var(--bad)}.skipped{color:var(--skip)}
.mark{font-size:.8125rem;border:1px solid var(--line);border-radius:1rem;padding:0 .5rem;margin-left:.5rem;white-space:nowrap}
.id{opacity:.7;font-size:.8125rem}pre{overflow-x:auto;padding:.75rem;border:1px solid var(--line);border-radius:.5rem;font-size:.8125rem;white-space:pre-wrap;overflow-wrap:anywhere}
body{overflow-wrap:anywhere}dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.125rem .75rem;margin:.5rem 0}dd{margin:0;overflow-wrap:anywhere;font-family:ui-monospace,monospace;font-size:.875rem}
`

const SIGNS: Record<Result['outcome'], string> = { passed: '✓', failed: '✗', skipped: '–' }
const MARKS: readonly Mark[] = ['documented', 'chosen']

/** One file with everything in it: no script, nothing fetched. Failures stand open. */
export function writeHtml(
  results: readonly Result[],
  { baseUrl, begun }: { baseUrl: string; begun: Date },
): string {
  const sections = [...new Set(results.map(({ section }) => section))]
  const failed = count(results).failed
  const verdict = failed > 0 ? `${failed} failed` : 'All that was tried holds'
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Conformance: ${escapeXml(verdict)}</title><style>${STYLE}</style></head><body><main>
<h1>Partner API conformance: <span class="${failed > 0 ? 'failed' : 'passed'}">${escapeXml(verdict)}</span></h1>
<p>${escapeXml(baseUrl)}, <time datetime="${begun.toISOString()}">${begun.toISOString()}</time></p>
<table><thead><tr><th scope="col">Mark</th><th scope="col">Passed</th><th scope="col">Failed</th><th scope="col">Skipped</th></tr></thead><tbody>
${MARKS.map((mark) => markRow(mark, results)).join('\n')}
</tbody></table>
<p>documented: fixed by the public documentation. chosen: fixed where that is silent.</p>
${sections
  .map(
    (section) =>
      `<section><h2>${escapeXml(section)}</h2>\n${results
        .filter((result) => result.section === section)
        .map(resultRow)
        .join('\n')}\n</section>`,
  )
  .join('\n')}
</main></body></html>
`
}

function markRow(mark: Mark, results: readonly Result[]): string {
  const { passed, failed, skipped } = count(results.filter((result) => result.mark === mark))
  return `<tr><th scope="row">${mark}</th><td class="passed">${passed}</td><td class="${failed > 0 ? 'failed' : ''}">${failed}</td><td>${skipped}</td></tr>`
}

function resultRow({ id, title, mark, outcome, problems, reason }: Result): string {
  const head = `<span class="${outcome}">${SIGNS[outcome]} ${escapeXml(title)}</span><span class="mark">${mark}</span> <span class="id">${escapeXml(id)}</span>`
  if (outcome === 'passed') return `<div class="row">${head}</div>`
  if (outcome === 'skipped') return `<div class="row">${head}<p>${escapeXml(reason ?? '')}</p></div>`
  return `<details open><summary>${head}</summary>${problems.map(problemBlock).join('\n')}</details>`
}

function problemBlock({ where, expected, got, row, exchange }: Problem): string {
  const rows = [['where', where], ...(row ? [['with', row]] : []), ['expected', expected], ['got', got]] as [
    string,
    string,
  ][]
  const sent = exchange
    ? `<pre>${escapeXml(exchange.curl)}</pre><pre>HTTP ${exchange.answer.status}\n${escapeXml(exchange.answer.text.slice(0, 4000))}</pre>`
    : ''
  return `<dl>${rows.map(([name, text]) => `<dt>${name}</dt><dd>${escapeXml(text)}</dd>`).join('')}</dl>${sent}`
}
