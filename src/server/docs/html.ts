/** Text made safe for HTML, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

export type Language = 'json' | 'sh' | 'text' | 'js' | 'python' | 'php'

/** A block of code, with JSON's parts coloured. `label` stands above it. */
export function codeBlock(code: string, language: Language, label: string): string {
  const escaped = escapeHtml(code)
  const body = language === 'json' ? colourJson(escaped) : escaped
  return `<figure class="code" data-language="${language}"><figcaption>${escapeHtml(label)}</figcaption><pre tabindex="0"><code>${body}</code></pre></figure>`
}

const QUOTED = '&quot;(?:[^&\\\\]|\\\\.|&(?!quot;))*&quot;'
const JSON_PART = new RegExp(`(${QUOTED})(\\s*:)?|\\b(?:true|false|null)\\b|-?\\b\\d[\\d.eE+-]*`, 'g')

function colourJson(escaped: string): string {
  return escaped.replace(JSON_PART, (part, quoted?: string, colon?: string) => {
    if (quoted === undefined) return `<span class="n">${part}</span>`
    return colon ? `<span class="k">${quoted}</span>${colon}` : `<span class="s">${quoted}</span>`
  })
}

export const json = (value: unknown): string => JSON.stringify(value, null, 2)
