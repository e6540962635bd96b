import { codeBlock, escapeHtml, type Language } from './html.ts'

/**
 * The little Markdown that our own texts use: paragraphs, `###` headings, lists, numbered lists, tables, fenced
 * code (its info is the language and then a label), `code`, **bold** and [links](#there). Everything else is text;
 * no HTML passes. A heading can be linked to by its `anchorOf`.
 */
export function renderMarkdown(markdown: string): string {
  const html: string[] = []
  const lines = markdown.trim().split('\n')
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]!
    const kind = kindOf(line)
    let end = at + 1
    if (kind === 'fence') {
      while (end < lines.length && !lines[end]!.startsWith('```')) end += 1
      html.push(renderFence(line.slice(3), lines.slice(at + 1, end)))
      end += 1
    } else {
      while (end < lines.length && continues(kind, lines[end]!)) end += 1
      html.push(renderBlock(kind, lines.slice(at, end)))
    }
    at = end
  }
  return html.join('\n')
}

type Kind = 'blank' | 'fence' | 'heading' | 'list' | 'numbers' | 'table' | 'text'

function kindOf(line: string): Kind {
  if (line.trim() === '') return 'blank'
  if (line.startsWith('```')) return 'fence'
  if (line.startsWith('### ')) return 'heading'
  if (line.startsWith('- ')) return 'list'
  if (/^\d+\. /.test(line)) return 'numbers'
  return line.startsWith('|') ? 'table' : 'text'
}

/** A list item may go on, indented, on the next line. */
function continues(kind: Kind, line: string): boolean {
  const next = kindOf(line)
  if (kind === 'heading' || kind === 'blank') return false
  return (
    next === kind || ((kind === 'list' || kind === 'numbers') && next === 'text' && line.startsWith('  '))
  )
}

function renderBlock(kind: Kind, lines: readonly string[]): string {
  switch (kind) {
    case 'heading':
      return renderHeading(lines[0]!.slice(4))
    case 'list':
      return `<ul>${renderItems(lines, /^- /)}</ul>`
    case 'numbers':
      return `<ol>${renderItems(lines, /^\d+\. /)}</ol>`
    case 'table':
      return renderTable(lines)
    case 'text':
      return `<p>${renderInline(lines.join('\n'))}</p>`
    default:
      return ''
  }
}

function renderHeading(text: string): string {
  const anchor = anchorOf(text)
  return `<h3 id="${anchor}"><a href="#${anchor}">${renderInline(text)}</a></h3>`
}

/** By what a heading is linked to: `Is it ours?` is `is-it-ours`. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[`’']/g, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
}

function renderItems(lines: readonly string[], mark: RegExp): string {
  const items: string[] = []
  for (const line of lines) {
    if (mark.test(line)) items.push(line.replace(mark, ''))
    else items[items.length - 1] += ` ${line.trim()}`
  }
  return items.map((item) => `<li>${renderInline(item)}</li>`).join('')
}

function renderTable([head, , ...rows]: readonly string[]): string {
  const cells = (line: string): string[] =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => renderInline(cell.trim()))
  const titles = cells(head!).map((cell) => `<th scope="col">${cell}</th>`)
  const body = rows.map(
    (row) =>
      `<tr>${cells(row)
        .map((cell) => `<td>${cell}</td>`)
        .join('')}</tr>`,
  )
  return `<div class="scroll" tabindex="0"><table><thead><tr>${titles.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}

function renderFence(info: string, lines: readonly string[]): string {
  const [language = 'text', ...label] = info.trim().split(' ')
  return codeBlock(lines.join('\n'), language as Language, label.join(' ') || 'Example')
}

/** Code first: what stands in it is no Markdown. */
export function renderInline(text: string): string {
  return text
    .split(/(`[^`]+`)/)
    .map((part) =>
      part.startsWith('`') && part.length > 2
        ? `<code>${withBreaks(escapeHtml(part.slice(1, -1)))}</code>`
        : spans(part),
    )
    .join('')
}

function spans(text: string): string {
  return escapeHtml(text)
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replace(/\[([^\]]+)\]\((#[\w-]+|\/[\w./-]*|https:\/\/[^\s)]+)\)/g, '<a href="$2">$1</a>')
}

/** A long name or address ends its line where its parts meet rather than in the middle of a word. */
const withBreaks = (html: string): string =>
  html
    .replaceAll(/[_+]/g, '$&<wbr>')
    .replaceAll('@', '<wbr>@')
    .replaceAll(/\b0x[0-9a-fA-F]{40}\b/g, (address) => address.replaceAll(/.{14}(?!$)/g, '$&<wbr>'))
