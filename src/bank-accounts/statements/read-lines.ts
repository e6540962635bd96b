import { decodeText, type TextEncoding } from './decode-text.ts'
import { StatementError } from './statement.ts'

export interface TextLine {
  /** From 1. */
  line: number
  text: string
}

/** No line of MT940 or Norma 43 is nearly as long. */
const MAX_LINE = 4_096
/** What editors and mainframes leave at the end of a file, and what frames a SWIFT message. */
const FRAMES = /[\x00-\x03\x1a]/g
const BINARY = /[\x00-\x08\x0b\x0c\x0e-\x1f]/

/**
 * Reads text line by line, without line ends, in the pieces that the file came in. Refuses control characters (`encoding`) and
 * lines that no statement has (`line`).
 */
export async function* readLines(
  bytes: AsyncIterable<Uint8Array>,
  encodingOf: (head: Uint8Array) => TextEncoding,
): AsyncGenerator<TextLine[]> {
  let rest = ''
  let line = 0
  const take = (text: string): TextLine => {
    line += 1
    const plain = text.replaceAll(FRAMES, '')
    const column = plain.search(BINARY) + 1
    if (column > 0) {
      throw new StatementError(
        'encoding',
        { line, column },
        'This is no text: is it the file that the bank gave?',
      )
    }
    if (plain.length > MAX_LINE) {
      throw new StatementError(
        'line',
        { line, column: MAX_LINE + 1 },
        'The line is longer than any statement has.',
      )
    }
    return { line, text: plain }
  }
  for await (const text of decodeText(bytes, encodingOf)) {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop()!
    if (lines.length > 0) yield lines.map(take)
    // The line goes on in the next piece, and is too long already.
    if (rest.length > MAX_LINE + 1) take(rest)
  }
  const last = rest.replace(/\r$/, '')
  if (last !== '') yield [take(last)]
}
