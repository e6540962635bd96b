const BYTEA = 17
/** Dimensions, whether there are nulls, the type; then of the one dimension how many, and where counting starts. */
const HEADER_BYTES = 20

/**
 * A list as the server reads it: one of bytes in the binary format, any other as text. The driver's own way writes bytes as
 * digits, twice as long, and looks at every character of every text; a statement for hundreds of rows spent more time on that than
 * on all else. What isn't plain is left to the driver.
 */
export function arrayParameter(values: readonly unknown[]): unknown {
  if (values.length > 0 && values.every((value) => value === null || Buffer.isBuffer(value))) {
    // Whose type they are nobody knows when all are null.
    return values.some((value) => value !== null) ? bytesOf(values as (Buffer | null)[]) : textOf(values)
  }
  return textOf(values) ?? values
}

function bytesOf(values: readonly (Buffer | null)[]): Buffer {
  let size = HEADER_BYTES
  for (const value of values) size += 4 + (value?.length ?? 0)
  const bytes = Buffer.allocUnsafe(size)
  bytes.writeInt32BE(1, 0)
  bytes.writeInt32BE(values.includes(null) ? 1 : 0, 4)
  bytes.writeInt32BE(BYTEA, 8)
  bytes.writeInt32BE(values.length, 12)
  bytes.writeInt32BE(1, 16)
  let at = HEADER_BYTES
  for (const value of values) {
    bytes.writeInt32BE(value === null ? -1 : value.length, at)
    at += 4
    if (value !== null) at += value.copy(bytes, at)
  }
  return bytes
}

/** Undefined where an element is none of the plain kinds. */
function textOf(values: readonly unknown[]): string | undefined {
  const texts = textOfTexts(values)
  if (texts !== undefined) return texts
  let text = '{'
  for (let at = 0; at < values.length; at += 1) {
    const element = elementOf(values[at])
    if (element === undefined) return undefined
    text += at === 0 ? element : `,${element}`
  }
  return `${text}}`
}

function elementOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.includes('"') || value.includes('\\') ? quote(value) : `"${value}"`
    case 'number':
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'undefined':
      return 'NULL'
    default:
      if (value === null) return 'NULL'
      return value instanceof Date ? timeOf(value) : undefined
  }
}

/** What JSON writes otherwise than as it is, or with one backslash before it, has another letter there. */
const OTHER_ESCAPE = /\\[^"\\]/

/**
 * A list of nothing but texts and nulls is what JSON writes but for its brackets, and the engine writes that in one go. Undefined
 * where there is anything else.
 */
function textOfTexts(values: readonly unknown[]): string | undefined {
  for (const value of values) if (typeof value !== 'string' && value !== null) return undefined
  const json = JSON.stringify(values)
  return OTHER_ESCAPE.test(json) ? undefined : `{${json.slice(1, -1)}}`
}

/** What JSON writes otherwise than as it is, or with one backslash before it. */
const UNLIKE_JSON = /[\u0000-\u001f\ud800-\udfff]/

/** JSON's quotes are the same but for these; the engine sets them several times faster than replacing does, in one piece. */
function quote(text: string): string {
  if (!UNLIKE_JSON.test(text)) return JSON.stringify(text)
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** Most times of a list are the same `now`, and writing it costs more than all else of its element. */
let lastTime = Number.NaN
let lastTimeText = ''

/** Years that need more than four digits are written otherwise by the server. */
function timeOf(date: Date): string | undefined {
  const time = date.getTime()
  if (time === lastTime) return lastTimeText
  const year = date.getUTCFullYear()
  if (!(year > 0 && year < 10_000)) return undefined
  lastTimeText = date.toISOString()
  lastTime = time
  return lastTimeText
}
