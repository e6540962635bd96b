import type { Endpoint } from '../endpoint.ts'
import type { NamedSchemas } from '../openapi-schema.ts'
import { anchorOf, renderMarkdown } from './markdown.ts'

/** What the pages are written from. */
export interface DocsOptions {
  endpoints: readonly Endpoint[]
  named: NamedSchemas
  publicUrl: string
  version: string
  sandbox: boolean
  /** Addresses of the style sheet and the script. */
  assets: { style: string; script: string }
}

/** A part of a page under a heading of its own. */
export interface Section {
  id: string
  title: string
  html: string
  /** What stands below it in the contents. */
  entries?: readonly { id: string; title: string }[]
}

export interface Page {
  path: string
  /** In the navigation. */
  name: string
  title: string
  /** One or two sentences on what the page is for, in our Markdown. */
  lead: string
  sections: readonly Section[]
}

/** A text as sections: each begins with a heading `## `, by which it is linked to. */
export function sectionsOf(markdown: string): Section[] {
  return markdown
    .trim()
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n')
      const title = part.slice(0, end)
      return { id: anchorOf(title), title, html: renderMarkdown(part.slice(end + 1)) }
    })
}

/** Whether an integrator's program calls it, or the customer's pages and the providers alone. */
export const isForIntegrators = ({ audience }: Endpoint): boolean =>
  audience === 'token' || audience === 'none'
