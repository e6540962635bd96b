import type { TSchema } from 'typebox'
import type { Endpoint } from '../endpoint.ts'
import { ERROR_TEXTS } from '../error-texts.ts'
import { ERRORS, type ErrorCode, TRANSPORT_ERRORS } from '../errors.ts'
import { defineOpenApi, type NamedSchemas } from '../openapi-schema.ts'
import { SECTIONS } from '../sections.ts'
import { renderEndpoint } from './endpoint-section.ts'
import { fieldsOf, renderFields } from './fields.ts'
import { buyFlow, CONVENTIONS, IDEMPOTENCY, LISTS, RATES } from './guide.ts'
import { escapeHtml } from './html.ts'
import { renderInline, renderMarkdown } from './markdown.ts'
import { sandboxText } from './sandbox.ts'
import { webhooksText } from './webhooks.ts'

export interface DocsOptions {
  endpoints: readonly Endpoint[]
  named: NamedSchemas
  publicUrl: string
  version: string
  sandbox: boolean
  /** Addresses of the style sheet and the script. */
  assets: { style: string; script: string }
}

interface Chapter {
  id: string
  title: string
  html: string
  /** What stands below it in the navigation. */
  entries?: readonly { id: string; title: string }[]
}

/** The whole documentation as one page. It needs no script; with one, code can be copied by a press. */
export function renderDocs(options: DocsOptions): string {
  const chapters = chaptersOf(options)
  const { publicUrl, version, sandbox, assets } = options
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>CryptoPocket API</title>
<meta name="description" content="Guide and reference of the CryptoPocket API: buy crypto with euros.">
<link rel="stylesheet" href="${assets.style}">
<script src="${assets.script}" type="module"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top"><a class="brand" href="#top">CryptoPocket API</a><span class="small version">${escapeHtml(version)}</span>${
    sandbox ? '<span class="badge">Sandbox</span>' : ''
  }<a class="json" href="/openapi.json">openapi.json</a></header>
<details class="menu"><summary>Contents</summary>${navigation(chapters, 'Contents, small screens')}</details>
<div class="frame">
<aside>${navigation(chapters, 'Contents')}</aside>
<main id="content" tabindex="-1">
<section class="intro" id="top"><h1>CryptoPocket API</h1>
<p class="lead">Let your customers buy crypto with euros. You register them and create a payment; our pages verify them and take the money; the coins go to their wallet.</p>
<p>Base address: <code>${escapeHtml(publicUrl)}/api</code></p></section>
${chapters.map(renderChapter).join('\n')}
</main>
</div>
</body>
</html>
`
}

function chaptersOf(options: DocsOptions): Chapter[] {
  const { publicUrl, sandbox } = options
  const api = `${publicUrl}/api`
  const guides: Chapter[] = [
    { id: 'guide', title: 'Buy-Flow guide', html: renderMarkdown(buyFlow(api, sandbox)) },
    { id: 'conventions', title: 'Conventions', html: renderMarkdown(CONVENTIONS) },
    { id: 'idempotency', title: 'Idempotency', html: renderMarkdown(IDEMPOTENCY) },
    { id: 'lists', title: 'Lists', html: renderMarkdown(LISTS) },
    { id: 'rates', title: 'Rate limits', html: renderMarkdown(RATES) },
  ]
  const isForIntegrators = (chapter: Chapter): boolean =>
    chapter.id !== 'api-hosted' && chapter.id !== 'api-providers'
  const reference = referenceChapters(options)
  return [
    ...guides,
    ...reference.filter(isForIntegrators),
    { id: 'receiving', title: 'Receiving webhooks', html: renderMarkdown(webhooksText(sandbox)) },
    ...(sandbox
      ? [{ id: 'sandbox', title: 'Using the sandbox', html: renderMarkdown(sandboxText(api)) }]
      : []),
    objectsChapter(options.named),
    errorsChapter(options.endpoints),
    ...reference.filter((chapter) => !isForIntegrators(chapter)),
  ]
}

function referenceChapters({ endpoints, named, publicUrl }: DocsOptions): Chapter[] {
  return SECTIONS.flatMap(({ section, name, description }) => {
    const own = endpoints.filter((endpoint) => endpoint.section === section)
    if (own.length === 0) return []
    const articles = own.map((endpoint) => renderEndpoint(endpoint, { baseUrl: publicUrl, named }))
    return {
      id: `api-${section}`,
      title: name,
      html: `<p>${renderInline(description)}</p>\n${articles.join('\n')}`,
      entries: own.map((endpoint) => ({ id: endpoint.name, title: endpoint.path.replace(/^\/api\//, '') })),
    }
  })
}

function objectsChapter(named: ReadonlyMap<TSchema, string>): Chapter {
  const objects = [...named].map(([schema, name]) => {
    const fields = renderFields(fieldsOf(defineOpenApi(schema, named)), { requests: false })
    return `<article id="object-${name}"><h3>${name}</h3>${fields}</article>`
  })
  return {
    id: 'objects',
    title: 'Objects',
    html: objects.join('\n'),
    entries: [...named.values()].map((name) => ({ id: `object-${name}`, title: name })),
  }
}

/** Every code that an endpoint on this page can answer, with the true status. */
function errorsChapter(endpoints: readonly Endpoint[]): Chapter {
  const forIntegrators = endpoints.filter(({ audience }) => audience === 'token' || audience === 'none')
  const ofPages = new Set(
    endpoints.filter((endpoint) => !forIntegrators.includes(endpoint)).flatMap(({ errors }) => errors),
  )
  for (const code of forIntegrators.flatMap(({ errors }) => errors)) ofPages.delete(code)
  const rows = (Object.keys(ERRORS) as ErrorCode[]).map((code) => {
    const pages = ofPages.has(code) ? ' <span class="small">Pages only.</span>' : ''
    const always = TRANSPORT_ERRORS.has(code) ? ' always' : ''
    return `<tr id="error-${code}"><td><code>${code}</code></td><td>${ERRORS[code]}${always}</td><td>${renderInline(ERROR_TEXTS[code])}${pages}</td></tr>`
  })
  const intro =
    'The status is the true one, answered under `Prefer: http-status`; without that header a refusal answers 200, but for those marked “always”.'
  return {
    id: 'errors',
    title: 'Errors',
    html: `<p>${renderInline(intro)}</p>
<div class="scroll" tabindex="0"><table class="errors"><thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Means</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`,
  }
}

function renderChapter({ id, title, html }: Chapter): string {
  return `<section class="chapter" id="${id}"><h2><a href="#${id}">${escapeHtml(title)}</a></h2>\n${html}\n</section>`
}

function navigation(chapters: readonly Chapter[], label: string): string {
  const link = ({ id, title }: { id: string; title: string }): string =>
    `<a href="#${id}">${escapeHtml(title)}</a>`
  const items = chapters.map((chapter) => {
    const entries = (chapter.entries ?? []).map((entry) => `<li>${link(entry)}</li>`).join('')
    return `<li>${link(chapter)}${entries ? `<ul>${entries}</ul>` : ''}</li>`
  })
  return `<nav aria-label="${label}"><ul>${items.join('')}</ul></nav>`
}
