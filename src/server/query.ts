import { parse } from 'node:querystring'

/** Stands for what no text is read from: half a character, which the fields' judge refuses by the field's name. */
const UNREADABLE = '\ud800'

/** A query string's fields; a field given twice is a list. A value whose escapes are not UTF-8 is never replaced. */
export function parseQuery(text: string): Record<string, unknown> {
  return parse(text, '&', '=', { maxKeys: 0, decodeURIComponent: decode })
}

function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return UNREADABLE
  }
}
