import type { DocsOptions, Page, Section } from './content.ts'
import { escapeHtml } from './html.ts'
import { renderInline } from './markdown.ts'

/** One page with the navigation between all of them. */
export function renderPage(page: Page, pages: readonly Page[], options: DocsOptions): string {
  const { version, sandbox, assets } = options
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(page.title)} · CryptoPocket API</title>
<meta name="description" content="${escapeHtml(page.lead.replaceAll(/[`*]|\]\([^)]*\)|\[/g, ''))}">
<link rel="stylesheet" href="${assets.style}">
<script src="${assets.script}" type="module"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top"><a class="brand" href="/docs">CryptoPocket API</a><span class="small version">${escapeHtml(version)}</span>${
    sandbox ? '<span class="badge">Sandbox</span>' : ''
  }<a class="json" href="/openapi.json">openapi.json</a></header>
<details class="menu"><summary>Contents</summary>${navigation(page, pages, 'Contents, small screens')}</details>
<div class="frame">
<aside>${navigation(page, pages, 'Contents')}</aside>
<main id="content" tabindex="-1">
<div class="intro"><h1>${escapeHtml(page.title)}</h1>
<p class="lead">${renderInline(page.lead)}</p></div>
${page.sections.map(renderSection).join('\n')}
${neighbours(page, pages)}
</main>
</div>
</body>
</html>
`
}

function renderSection({ id, title, html }: Section): string {
  return `<section class="chapter" id="${id}"><h2><a href="#${id}">${escapeHtml(title)}</a></h2>\n${html}\n</section>`
}

/** All pages; below the one that is open, what stands on it. */
function navigation(page: Page, pages: readonly Page[], label: string): string {
  const items = pages.map((one) => {
    const open = one === page
    const link = `<a class="page" href="${one.path}"${open ? ' aria-current="page"' : ''}>${escapeHtml(one.name)}</a>`
    return `<li>${link}${open ? contents(one) : ''}</li>`
  })
  return `<nav aria-label="${label}"><ul>${items.join('')}</ul></nav>`
}

function contents({ sections }: Page): string {
  const link = ({ id, title }: { id: string; title: string }): string =>
    `<a href="#${id}">${escapeHtml(title)}</a>`
  const items = sections.map((section) => {
    const entries = (section.entries ?? []).map((entry) => `<li>${link(entry)}</li>`).join('')
    return `<li>${link(section)}${entries ? `<ul>${entries}</ul>` : ''}</li>`
  })
  return `<ul class="contents">${items.join('')}</ul>`
}

function neighbours(page: Page, pages: readonly Page[]): string {
  const at = pages.indexOf(page)
  const link = (to: Page | undefined, rel: 'prev' | 'next', word: string): string =>
    to
      ? `<a rel="${rel}" href="${to.path}"><span class="small">${word}</span> ${escapeHtml(to.title)}</a>`
      : '<span></span>'
  return `<nav class="neighbours" aria-label="Next pages">${link(pages[at - 1], 'prev', 'Before')}${link(pages[at + 1], 'next', 'Next')}</nav>`
}
