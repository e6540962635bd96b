import type { DocsOptions, Page } from './content.ts'
import { conventionsPage } from './conventions.ts'
import { errorsPage } from './errors.ts'
import { guidePage } from './guide.ts'
import { renderPage } from './page.ts'
import { innerPage, referencePage } from './reference.ts'
import { sandboxPage } from './sandbox.ts'
import { webhooksPage } from './webhooks.ts'

/** The whole documentation: each page's address with its HTML. A page needs no script; with one, code can be copied by a press. */
export function renderSite(options: DocsOptions): Map<string, string> {
  const pages = pagesOf(options)
  const rendered = pages.map((page) => ({ page, html: renderPage(page, pages, options) }))
  const homes = new Map<string, string>()
  for (const { page, html } of rendered) {
    for (const id of idsOf(html)) if (!homes.has(id)) homes.set(id, page.path)
  }
  return new Map(rendered.map(({ page, html }) => [page.path, leadAcross(html, homes)]))
}

/** The addresses of the pages, in the order of the navigation. */
export function pathsOfSite(options: DocsOptions): string[] {
  return pagesOf(options).map(({ path }) => path)
}

function pagesOf(options: DocsOptions): Page[] {
  return [
    guidePage(options),
    ...(options.sandbox ? [sandboxPage(options)] : []),
    referencePage(options),
    webhooksPage(options),
    errorsPage(options),
    conventionsPage(),
    innerPage(options),
  ]
}

/** Texts link to a place by its name alone, wherever it stands; one on another page gets that page's address. */
function leadAcross(html: string, homes: ReadonlyMap<string, string>): string {
  const own = new Set(idsOf(html))
  return html.replaceAll(/href="#([^"]+)"/g, (link, id: string) => {
    const home = own.has(id) ? undefined : homes.get(id)
    return home === undefined ? link : `href="${home}#${id}"`
  })
}

const idsOf = (html: string): string[] => [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!)
