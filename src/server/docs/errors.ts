import type { Endpoint } from '../endpoint.ts'
import { ERROR_REMEDIES } from '../error-remedies.ts'
import { ERROR_TEXTS } from '../error-texts.ts'
import { ERRORS, type ErrorCode, TRANSPORT_ERRORS } from '../errors.ts'
import { codesOf } from '../openapi-operation.ts'
import { type DocsOptions, isForIntegrators, type Page, type Section } from './content.ts'
import { renderInline, renderMarkdown } from './markdown.ts'

const INTRO = `
A refusal is HTTP **200** with \`"status":"error"\`, unless the call asked for the true status with
\`Prefer: http-status\`. Branch on \`error\`, which never changes its meaning; \`message\` is for people and may.
\`errors\` names faulty fields; \`data\` holds what helps to go on, where the code says so.

\`\`\`json registerUser without an e-mail address
{
  "status": "error",
  "error": "fail_mandatory_field",
  "message": "Missing: email.",
  "errors": { "email": ["The email field is required."] }
}
\`\`\`
`

/** Every code of the one table: its status, when it comes, how to mend it, and which calls answer it. */
export function errorsPage({ endpoints }: DocsOptions): Page {
  const calls = callsByCode(endpoints)
  // What only the sandbox's calls answer, production does not know.
  const codes = (Object.keys(ERRORS) as ErrorCode[]).filter(
    (code) => calls.has(code) || ANY_ADDRESS.has(code),
  )
  const isTransport = (code: ErrorCode): boolean => TRANSPORT_ERRORS.has(code)
  const isOfPages = (code: ErrorCode): boolean => {
    const own = calls.get(code) ?? []
    return own.length > 0 && !own.some(isForIntegrators)
  }
  const section = (id: string, title: string, intro: string, own: ErrorCode[]): Section => ({
    id,
    title,
    html: `${renderMarkdown(intro)}${own.map((code) => renderCode(code, calls.get(code) ?? [])).join('\n')}`,
    entries: own.map((code) => ({ id: `error-${code}`, title: code })),
  })
  return {
    path: '/docs/errors',
    name: 'Errors',
    title: 'Errors',
    lead: 'Every code with its true status, when it comes, and what to do about it.',
    sections: [
      { id: 'refusals', title: 'How a refusal looks', html: renderMarkdown(INTRO) },
      section(
        'error-codes',
        'Codes',
        'The status is the one under `Prefer: http-status`; without that header the call answers 200.',
        codes.filter((code) => !isTransport(code) && !isOfPages(code)),
      ),
      section(
        'transport-errors',
        'Transport',
        'These have their own status always, with and without `Prefer: http-status`.',
        codes.filter(isTransport),
      ),
      section(
        'page-errors',
        'Pages',
        'Only the customer’s pages and the simulated providers’ pages are answered these.',
        codes.filter((code) => !isTransport(code) && isOfPages(code)),
      ),
    ],
  }
}

/** Codes of addresses that are no endpoint. */
const ANY_ADDRESS: ReadonlySet<ErrorCode> = new Set([
  'not_found',
  'method_not_supported',
  'headers_too_large',
])

function callsByCode(endpoints: readonly Endpoint[]): Map<ErrorCode, Endpoint[]> {
  const calls = new Map<ErrorCode, Endpoint[]>()
  for (const endpoint of endpoints) {
    for (const code of codesOf(endpoint)) calls.set(code, [...(calls.get(code) ?? []), endpoint])
  }
  return calls
}

/** More calls than this are not listed: the code is every call's. */
const MOST_LISTED = 12

function renderCode(code: ErrorCode, calls: readonly Endpoint[]): string {
  const shown = calls.some(isForIntegrators) ? calls.filter(isForIntegrators) : calls
  const links = shown.map(
    ({ name, path }) => `<a href="#${name}"><code>${path.replace(/^\/api\//, '')}</code></a>`,
  )
  const list =
    shown.length === 0 || ANY_ADDRESS.has(code)
      ? 'Any address.'
      : shown.length > MOST_LISTED
        ? `${shown.length} calls, each of which names it.`
        : links.join(' ')
  return `<article class="error" id="error-${code}"><h3><a href="#error-${code}"><code>${code}</code></a> <span class="status">${ERRORS[code]}</span></h3>
<dl><dt>When</dt><dd>${renderInline(ERROR_TEXTS[code])}</dd><dt>Fix</dt><dd>${renderInline(ERROR_REMEDIES[code])}</dd><dt>Calls</dt><dd>${list}</dd></dl></article>`
}
