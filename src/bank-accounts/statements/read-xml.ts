import { SaxesParser, type SaxesTagNS } from 'saxes'
import { decodeText, type TextEncoding } from './decode-text.ts'
import { type Place, StatementError } from './statement.ts'

/** An element with all that it holds. Names are without prefix. */
export interface XmlElement {
  name: string
  place: Place
  text: string
  /** By name, of those without a namespace. */
  attributes: Readonly<Record<string, string>>
  children: XmlElement[]
}

/** `open` and `close` of an element that is read in parts, `element` for any other that stands directly in one. */
export type XmlPiece =
  | { kind: 'open'; name: string; namespace: string; place: Place }
  | { kind: 'close'; name: string; place: Place }
  /** `size` counts the characters of its texts, names and attributes, and some for each node. */
  | { kind: 'element'; element: XmlElement; size: number }

/** No message of ISO 20022 nests deeper than 16. */
const MAX_DEPTH = 40
/** Characters between two tags, and inside one. */
const MAX_TEXT = 64 * 1024
/** Nodes and characters of one element that is read whole. */
const MAX_ELEMENT = 256 * 1024

/**
 * Reads XML as a stream. `root`, which other elements may wrap, and elements named in `inParts` that stand in one
 * another from there are told by `open` and `close`; what stands in them is told whole, and never larger than the bounds
 * above. Elements of another namespace than the one they stand in are left out, unless they have none or the name of one
 * that is told in parts: such a one is refused (`xml`), as it may be meant. A document type, entities and processing instructions are refused
 * (`doctype`), as is what isn't well formed (`xml`), nests or grows beyond the bounds (`xml`), or ends early
 * (`truncated`).
 *
 * Yields the pieces of each stretch of the file together.
 */
export async function* readXml(
  bytes: AsyncIterable<Uint8Array>,
  root: string,
  inParts: ReadonlySet<string>,
): AsyncGenerator<XmlPiece[]> {
  const reader = new XmlReader(root, inParts)
  for await (const text of decodeText(bytes, encodingOfXml)) {
    reader.feed(text)
    const pieces = reader.take()
    if (pieces.length > 0) yield pieces
  }
  reader.finish()
  const rest = reader.take()
  if (rest.length > 0) yield rest
}

/** What an XML declaration says, read as the ASCII that every declaration is. */
export function encodingOfXml(head: Uint8Array): TextEncoding {
  if (head[0] === 0x3c && head[1] === 0x00) return 'utf-16le'
  if (head[0] === 0x00 && head[1] === 0x3c) return 'utf-16be'
  const declaration = /^<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']/.exec(
    Buffer.from(head).toString('latin1', 0, 512),
  )
  const name = declaration?.[1] ?? 'UTF-8'
  switch (name.toLowerCase().replaceAll(/[-_]/g, '')) {
    case 'utf8':
    case 'usascii':
    case 'ascii':
      return 'utf-8'
    case 'iso88591':
    case 'latin1':
    case 'windows1252':
    case 'cp1252':
      return 'windows-1252'
    case 'iso885915':
    case 'latin9':
      return 'iso-8859-15'
    default: {
      const column = (declaration?.[0].length ?? 1) - name.length
      const why = /^utf-?16/i.test(name)
        ? `The file says that it is ${name} and is not. Let the program that made it say "UTF-8".`
        : `The encoding ${JSON.stringify(name.slice(0, 40))} is not read. Save the file as UTF-8, in its first line as well.`
      throw new StatementError('encoding', { line: 1, column }, why)
    }
  }
}

/** A text is told when the tag after it has begun. */
const BEGUN = 1

/**
 * Listens to six kinds of events and no more: with a seventh listener the engine keeps the parser's fields in a hash table,
 * and all of it takes four times as long.
 */
class XmlReader {
  readonly #parser = new SaxesParser({ xmlns: true })
  readonly #root: string
  readonly #inParts: ReadonlySet<string>
  #pieces: XmlPiece[] = []
  /** How many elements wrap the root. */
  #wrappers = 0
  /** Open elements that are told in parts, outermost first. */
  #parts: { name: string; namespace: string }[] = []
  /** Open elements of the one that is read whole, outermost first. */
  #whole: XmlElement[] = []
  #wholeSize = 0
  /** How deep inside an element that is left out. */
  #leftOut = 0
  #tagPlace: Place = { line: 1, column: 1 }
  #nextPlace: Place = { line: 1, column: 1 }
  /** Where the parser stood at the last event: everything since is one text or tag, which has a bound. */
  #lastPosition = 0
  #finishing = false

  constructor(root: string, inParts: ReadonlySet<string>) {
    this.#root = root
    this.#inParts = inParts
    const parser = this.#parser
    const refuse = (what: string) => (): void => {
      throw new StatementError(
        'doctype',
        this.#here(),
        `${what} has no place in a statement and is not read.`,
      )
    }
    parser.on('doctype', refuse('A document type (DOCTYPE)'))
    parser.on('processinginstruction', refuse('A processing instruction'))
    parser.on('opentag', (tag) => this.#open(tag))
    parser.on('closetag', (tag) => this.#close(tag))
    parser.on('text', (text) => this.#text(text, BEGUN))
    parser.on('cdata', (text) => this.#text(text))
  }

  feed(text: string): void {
    this.#parse(() => this.#parser.write(text))
    if (this.#parser.position - this.#lastPosition > MAX_TEXT + text.length) {
      throw new StatementError('xml', this.#here(), 'One text or tag is longer than any statement has.')
    }
  }

  finish(): void {
    this.#finishing = true
    this.#parse(() => this.#parser.close())
  }

  take(): XmlPiece[] {
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  #here(): Place {
    return { line: this.#parser.line, column: Math.max(1, this.#parser.column) }
  }

  /** What follows begins here, or so many characters before. */
  #mark(begun = 0): void {
    const { line, column, position } = this.#parser
    this.#lastPosition = position
    this.#nextPlace = { line, column: column + 1 - begun }
  }

  /** Throws `StatementError` for what the parser finds wrong. */
  #parse(what: () => void): void {
    try {
      what()
    } catch (error) {
      const [place, message] = /^\d+:\d+: (.*)/s.exec((error as Error).message) ?? []
      if (place === undefined || error instanceof StatementError) throw error
      this.#fail(message!)
    }
  }

  #fail(message: string): never {
    if (/entity/.test(message)) {
      throw new StatementError('doctype', this.#here(), 'Entities of its own have no place in a statement.')
    }
    if (this.#finishing) {
      throw new StatementError('truncated', this.#here(), 'The file ends in the middle. Download it again.')
    }
    throw new StatementError('xml', this.#here(), `This is no well-formed XML: ${message.slice(0, 200)}`)
  }

  #open(tag: SaxesTagNS): void {
    this.#tagPlace = this.#nextPlace
    this.#mark()
    const name = tag.local
    const parent = this.#parts.at(-1)
    if (this.#wrappers + this.#parts.length + this.#whole.length + this.#leftOut >= MAX_DEPTH) {
      throw new StatementError('xml', this.#tagPlace, 'Elements are nested deeper than in any statement.')
    }
    if (parent === undefined && name !== this.#root) {
      this.#wrappers += 1
    } else if (this.#leftOut > 0 || (parent !== undefined && tag.uri !== parent.namespace)) {
      if (this.#leftOut === 0) this.#refuseStray(tag)
      this.#leftOut += 1
    } else if (this.#whole.length > 0) {
      this.#addElement(tag)
    } else if (parent === undefined || this.#inParts.has(name)) {
      this.#parts.push({ name, namespace: tag.uri })
      this.#pieces.push({ kind: 'open', name, namespace: tag.uri, place: this.#tagPlace })
    } else {
      this.#wholeSize = 0
      this.#addElement(tag)
    }
  }

  /** What is meant to be read and isn't would be missed by nobody; but an extension (`Envlp`) may hold whatever it likes. */
  #refuseStray({ local, uri }: SaxesTagNS): void {
    if (this.#whole.at(-1)?.name === 'Envlp' || (uri !== '' && !this.#inParts.has(local))) return
    const message = `${local} is not in the namespace of its message. Let the program that made the file put it there.`
    throw new StatementError('xml', this.#tagPlace, message)
  }

  #addElement(tag: SaxesTagNS): void {
    const element: XmlElement = {
      name: tag.local,
      place: this.#tagPlace,
      text: '',
      attributes: attributesOf(tag),
      children: [],
    }
    let size = 100 + element.name.length
    for (const name in tag.attributes) size += 100 + name.length + tag.attributes[name]!.value.length
    this.#grow(size, element)
    this.#whole.at(-1)?.children.push(element)
    this.#whole.push(element)
  }

  #close(tag: SaxesTagNS): void {
    this.#mark()
    if (this.#leftOut > 0) {
      this.#leftOut -= 1
    } else if (this.#whole.length > 0) {
      const element = this.#whole.pop()!
      element.text = element.text.trim()
      if (this.#whole.length === 0) {
        this.#pieces.push({ kind: 'element', element, size: this.#wholeSize })
      }
    } else if (this.#parts.length === 0) {
      this.#wrappers -= 1
    } else {
      this.#parts.pop()
      this.#pieces.push({ kind: 'close', name: tag.local, place: this.#here() })
    }
  }

  #text(text: string, begun = 0): void {
    this.#mark(begun)
    const element = this.#whole.at(-1)
    if (element === undefined || this.#leftOut > 0) return
    this.#grow(text.length, element)
    element.text += text
  }

  #grow(by: number, within: XmlElement): void {
    this.#wholeSize += by
    if (this.#wholeSize <= MAX_ELEMENT) return
    const { name, place } = this.#whole[0] ?? within
    throw new StatementError('xml', place, `${name} holds more than any has.`)
  }
}

/** Nearly no element has any. */
const NO_ATTRIBUTES: XmlElement['attributes'] = Object.freeze({})

function attributesOf(tag: SaxesTagNS): XmlElement['attributes'] {
  let attributes: Record<string, string> | null = null
  for (const name in tag.attributes) {
    const { uri, local, value } = tag.attributes[name]!
    if (uri !== '') continue
    attributes ??= {}
    attributes[local] = value
  }
  return attributes ?? NO_ATTRIBUTES
}
