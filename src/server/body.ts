import { fail } from './errors.ts'

/** The digits of JSON numbers that JavaScript would have rounded or rewritten, by the object that holds them. */
const sources = new WeakMap<object, Map<string, string>>()

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Decodes UTF-8 strictly: bytes that aren't text are refused, never replaced. */
export function decodeUtf8(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    return fail('invalid_json', 'The body is not valid UTF-8. Send it encoded as UTF-8.')
  }
}

/**
 * Parses a JSON body, keeping each number's digits as sent (ECMAScript's JSON.parse source text access). An empty
 * body is `{}`; anything but an object is refused, and so is a name that stands twice in one object: nobody guesses
 * which of the two was meant.
 */
export function parseJsonBody(text: string): Record<string, unknown> {
  if (text.trim() === '') return {}
  if (isTooDeep(text)) fail('invalid_json', `The body is nested too deeply: at most ${DEEPEST} levels.`)
  let value: unknown
  members = 0
  try {
    value = JSON.parse(text, keepSource as (this: object, key: string, value: unknown) => unknown)
  } catch (error) {
    return fail('invalid_json', `The body is not readable JSON: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail('invalid_json', 'The body must be a JSON object.')
  }
  // Without its own holder, which the parser hands to `keepSource` as well.
  if (countColons(text) > members - 1) refuseRepeated(text)
  return value as Record<string, unknown>
}

/** No field has that many; parsing and judging would end where the engine's stack does. */
const DEEPEST = 64

function isTooDeep(text: string): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (inString) {
      if (code === BACKSLASH) at += 1
      else if (code === QUOTE) inString = false
    } else if (code === QUOTE) inString = true
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1
    if (depth > DEEPEST) return true
  }
  return false
}

/** Of the body that is being parsed: those that its objects have, of the same name the last alone. */
let members = 0

/** At least as many as the text has members; more only where a string has a colon after a quote or a space. */
function countColons(text: string): number {
  let count = 0
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    const before = text.charCodeAt(at - 1)
    if (before === QUOTE || before <= SPACE) count += 1
  }
  return count
}

const QUOTE = 0x22
const SPACE = 0x20
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** Of JSON that was read already: its strings, with the colon that makes one a name, and what objects stand in. */
const TOKENS = /"([^"\\]*(?:\\.[^"\\]*)*)"([ \t\r\n]*:)?|[{}]/g

function refuseRepeated(text: string): void {
  const open: Set<string>[] = []
  for (const [token, escaped, colon] of text.matchAll(TOKENS)) {
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (colon !== undefined) {
      const name = JSON.parse(`"${escaped}"`) as string
      const names = open.at(-1)!
      if (names.has(name)) fail('invalid_json', `The body has ${JSON.stringify(name)} twice in one object.`)
      names.add(name)
    }
  }
}

/** The fields of a form (WHATWG URL, application/x-www-form-urlencoded), whose escapes must be UTF-8 as well. */
export function readForm(text: string): [name: string, value: string][] {
  try {
    return text
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [name = '', ...value] = pair.replaceAll('+', ' ').split('=')
        return [decodeURIComponent(name), decodeURIComponent(value.join('='))]
      })
  } catch {
    return fail('invalid_json', 'The form has an escape (%xx) that is not valid UTF-8.')
  }
}

function keepSource(this: object, key: string, value: unknown, context: { source?: string }): unknown {
  if (!Array.isArray(this)) members += 1
  if (typeof value === 'number' && context.source !== undefined && context.source !== String(value)) {
    const known = sources.get(this)
    if (known) known.set(key, context.source)
    else sources.set(this, new Map([[key, context.source]]))
  }
  return value
}

/** The number in `holder[key]` as the digits that were sent. */
export function digitsOf(holder: object, key: string, value: number): string {
  return sources.get(holder)?.get(key) ?? String(value)
}

/** Whether any text within holds NUL or half a character, which no database or signature can carry. */
export function hasUnstorableText(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed()
  if (typeof value !== 'object' || value === null) return false
  for (const key of Object.keys(value)) {
    if (hasUnstorableText(key) || hasUnstorableText((value as Record<string, unknown>)[key])) return true
  }
  return false
}
