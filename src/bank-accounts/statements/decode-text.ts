import { type Place, StatementError } from './statement.ts'

/** Names that `TextDecoder` knows; `guess` is UTF-8 where the bytes are, else Windows-1252, which holds ISO-8859-1. */
export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252' | 'iso-8859-15' | 'guess'

/** No piece of text is larger, whatever pieces the bytes come in: readers work off one piece before the next. */
const MAX_PIECE_BYTES = 64 * 1024
/** Enough for any XML declaration, in UTF-16 as well. */
const HEAD_BYTES = 512

/**
 * Decodes bytes of any length piece by piece, strictly: a byte that the encoding doesn't know is refused with its
 * line and column, code `encoding`. A byte order mark decides over `encodingOf` and is not part of the text.
 */
export async function* decodeText(
  bytes: AsyncIterable<Uint8Array>,
  encodingOf: (head: Uint8Array) => TextEncoding,
): AsyncGenerator<string> {
  const decoder = new PlacedDecoder()
  let head: Buffer | null = Buffer.alloc(0)
  for await (const chunk of bytes) {
    if (head === null) {
      yield* decoder.decode(chunk)
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < HEAD_BYTES) continue
    yield* decoder.begin(head, encodingOf)
    head = null
  }
  if (head !== null) yield* decoder.begin(head, encodingOf)
  yield* decoder.finish()
}

/** The encoding that a byte order mark tells, and how long the mark is. */
export function encodingOfMark(head: Uint8Array): { encoding: TextEncoding; length: number } | null {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { encoding: 'utf-8', length: 3 }
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: 'utf-16le', length: 2 }
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: 'utf-16be', length: 2 }
  return null
}

/** Decodes whole characters only, so that what fails can be looked at again to say where. */
class PlacedDecoder {
  #encoding: TextEncoding = 'utf-8'
  #carried: Uint8Array = new Uint8Array(0)
  #place: Place = { line: 1, column: 1 }
  #sawBeyondAscii = false
  #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  *begin(head: Uint8Array, encodingOf: (head: Uint8Array) => TextEncoding): Generator<string> {
    const mark = encodingOfMark(head)
    this.#use(mark?.encoding ?? encodingOf(head))
    yield* this.decode(head.subarray(mark?.length ?? 0))
  }

  *decode(chunk: Uint8Array): Generator<string> {
    for (let at = 0; at < chunk.length; at += MAX_PIECE_BYTES) {
      const piece = chunk.subarray(at, at + MAX_PIECE_BYTES)
      const bytes = this.#carried.length === 0 ? piece : Buffer.concat([this.#carried, piece])
      const whole = wholeCharacters(bytes, this.#encoding)
      this.#carried = bytes.slice(whole)
      const text = this.#decodeWhole(bytes.subarray(0, whole))
      if (text !== '') yield text
    }
  }

  *finish(): Generator<string> {
    if (this.#carried.length === 0) return
    const text = this.#decodeWhole(this.#carried)
    if (text !== '') yield text
  }

  #use(encoding: TextEncoding): void {
    this.#encoding = encoding
    const label = encoding === 'guess' ? 'utf-8' : encoding
    this.#decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true })
  }

  #decodeWhole(bytes: Uint8Array): string {
    try {
      const text = this.#decoder.decode(bytes)
      this.#sawBeyondAscii ||= this.#encoding === 'guess' && text.length !== bytes.length
      this.#place = placeAfter(this.#place, text)
      return text
    } catch {
      const lenient = new TextDecoder(this.#decoder.encoding, { ignoreBOM: true }).decode(bytes)
      const good = lenient.slice(0, Math.max(0, lenient.indexOf('\ufffd')))
      // Nothing but ASCII so far is the same text in either encoding, so that the guess may still be made.
      if (this.#encoding === 'guess' && !this.#sawBeyondAscii && /^[\x00-\x7f]*$/.test(good)) {
        this.#use('windows-1252')
        return this.#decodeWhole(bytes)
      }
      throw new StatementError(
        'encoding',
        placeAfter(this.#place, good),
        `This is not ${nameOf(this.#encoding)}, as the file says or began. Download it again and don't open it in an ` +
          'editor in between, or save it as UTF-8.',
      )
    }
  }
}

const nameOf = (encoding: TextEncoding): string => (encoding === 'guess' ? 'UTF-8' : encoding.toUpperCase())

/** Where the text after `text` stands. Lines end as XML and editors have it: LF, CR LF, or CR alone. */
export function placeAfter(place: Place, text: string): Place {
  let { line } = place
  let begin = -1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    line += 1
    begin = at + 1
  }
  if (begin < 0) return { line, column: place.column + text.length }
  return { line, column: text.length - begin + 1 }
}

/** How many of the bytes are whole characters; at most the last three are not. */
function wholeCharacters(bytes: Uint8Array, encoding: TextEncoding): number {
  const { length } = bytes
  if (encoding === 'utf-8' || encoding === 'guess') {
    for (let back = 1; back <= Math.min(3, length); back += 1) {
      const byte = bytes[length - back]!
      if (byte < 0x80) return length
      if (byte < 0xc0) continue
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return needed > back ? length - back : length
    }
    return length
  }
  if (encoding === 'utf-16le' || encoding === 'utf-16be') {
    const even = length - (length % 2)
    if (even === 0) return 0
    const high = bytes[encoding === 'utf-16le' ? even - 1 : even - 2]!
    return high >= 0xd8 && high <= 0xdb ? even - 2 : even
  }
  return length
}
