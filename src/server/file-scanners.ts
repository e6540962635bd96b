import type { Hash } from 'node:crypto'
import type { FileDecoder } from '../kernel/encoded-file.ts'
import { fieldNamed } from './form.ts'

/** Shorter texts stay where they are: addresses, and files that cost nothing. */
export const LONG_BYTES = 4096

/** One long text that is being decoded as it comes. */
export interface LongText {
  decoder: FileDecoder
  hash: Hash
}

/** Where a scanner puts what it finds. */
export interface ScanState {
  isFileField(name: string): boolean
  /** Adds to the body without its files. */
  keep(bytes: Buffer | number): void
  beginFile(): LongText
  /** Ends a file and answers its mark. */
  endFile(file: LongText): string
}

/** Takes the body as it arrives. */
export interface Scanner {
  write(chunk: Buffer): void
  end(): void
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const AMPERSAND = 0x26
const EQUALS = 0x3d
const PERCENT = 0x25
const PLUS = 0x2b

/** Longer ones are no file field's. */
const LONGEST_NAME = 64

/**
 * Finds the strings of file fields in JSON. It only tells strings and names apart; whether the rest is JSON at all
 * is for the parser to say.
 */
export function createJsonScanner(state: ScanState): Scanner {
  /** The last whole string, which a colon makes the name of what follows. */
  let lastString = ''
  let name: string | undefined
  /** The name that holds for all of a list, by the lists and objects that are open; of an object there is none. */
  const open: (string | undefined)[] = []
  /** Within a string: its first bytes as sent; of a file's string all of them, while it is short. */
  let held: number[] | undefined
  let isFile = false
  let escaped = false
  let file: FileText | undefined

  function outside(byte: number): void {
    state.keep(byte)
    if (byte === QUOTE) {
      held = []
      isFile = name !== undefined && state.isFileField(name)
      escaped = false
    } else if (byte === COLON) name = lastString
    else if (byte === COMMA) name = open.at(-1)
    else if (byte === OPEN_BRACKET) open.push(name)
    else if (byte === OPEN_BRACE) {
      open.push(undefined)
      name = undefined
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) open.pop()
  }

  function inside(byte: number, before: number[]): void {
    if (byte === QUOTE && !escaped) {
      lastString = isFile ? '' : String.fromCharCode(...before)
      if (isFile) state.keep(Buffer.from(before))
      state.keep(byte)
      held = undefined
      return
    }
    escaped = byte === BACKSLASH && !escaped
    if (!isFile) state.keep(byte)
    if (isFile || before.length <= LONGEST_NAME) before.push(byte)
    if (isFile && before.length >= LONG_BYTES) {
      file = createFileText(state, JSON_STRING)
      file.write(Buffer.from(before))
      held = undefined
    }
  }

  return {
    write(chunk) {
      for (let at = 0; at < chunk.length; at += 1) {
        if (file) {
          const end = file.write(chunk.subarray(at))
          if (end < 0) return
          at += end
          state.keep(Buffer.from(file.end()))
          state.keep(QUOTE)
          file = undefined
          lastString = ''
        } else if (held) inside(chunk[at] as number, held)
        else outside(chunk[at] as number)
      }
    },
    // A string without an end leaves JSON without one, which the parser refuses.
    end: () => {},
  }
}

/** Finds the values of file fields in a form. */
export function createFormScanner(state: ScanState): Scanner {
  /** The bytes of a name, or of a file's value while it is short. */
  let held: number[] = []
  let part: 'name' | 'value' | 'file' = 'name'
  let file: FileText | undefined

  function step(byte: number): void {
    if (byte === AMPERSAND) {
      if (part === 'file') state.keep(Buffer.from(held))
      state.keep(byte)
      held = []
      part = 'name'
      return
    }
    if (part !== 'file') state.keep(byte)
    if (part === 'name' && byte === EQUALS) {
      part = state.isFileField(fieldNamed(String.fromCharCode(...held))) ? 'file' : 'value'
      held = []
    } else if (part === 'file' || (part === 'name' && held.length <= LONGEST_NAME)) {
      held.push(byte)
    }
    if (part === 'file' && held.length >= LONG_BYTES) {
      file = createFileText(state, FORM_VALUE)
      file.write(Buffer.from(held))
      held = []
    }
  }

  function endFile(ended: FileText): void {
    state.keep(Buffer.from(encodeURIComponent(ended.end())))
    file = undefined
    part = 'value'
  }

  return {
    write(chunk) {
      for (let at = 0; at < chunk.length; at += 1) {
        if (file) {
          const end = file.write(chunk.subarray(at))
          if (end < 0) return
          at += end
          endFile(file)
        }
        step(chunk[at] as number)
      }
    },
    end() {
      if (file) endFile(file)
      else if (part === 'file') state.keep(Buffer.from(held))
    },
  }
}

/** How a text is written where it stands. */
interface Writing {
  /** The byte that ends it. */
  end: number
  /** The byte that begins an escape. */
  escape: number
  /** What an escape stands for; undefined while more of it must come. */
  read(sequence: string): Buffer | undefined
  /** A byte that stands for one no file's text has. */
  foreign?: number
}

/** Stands for any character that no file's text has. */
const FOREIGN = Buffer.from('?')

const ascii = (hex: string): Buffer => {
  const code = /^[0-9a-fA-F]+$/.test(hex) ? Number.parseInt(hex, 16) : 0x80
  return code < 0x80 ? Buffer.from([code]) : FOREIGN
}

/** Some encoders write every `/` as `\/`. */
const SHORT_ESCAPES: Readonly<Record<string, string>> = { '/': '/', n: '\n', r: '\r', t: '\t' }

const JSON_STRING: Writing = {
  end: QUOTE,
  escape: BACKSLASH,
  read(sequence) {
    if (sequence[0] !== 'u') return Buffer.from(SHORT_ESCAPES[sequence] ?? FOREIGN)
    return sequence.length < 5 ? undefined : ascii(sequence.slice(1))
  },
}

const FORM_VALUE: Writing = {
  end: AMPERSAND,
  escape: PERCENT,
  read: (sequence) => (sequence.length < 2 ? undefined : ascii(sequence)),
  // A space.
  foreign: PLUS,
}

interface FileText {
  /** Takes bytes up to the text's end; answers where the byte is that ends it, -1 when it has not come. */
  write(bytes: Buffer): number
  /** The mark that stands in its place. */
  end(): string
}

/** A file's text freed of its escapes and decoded. */
function createFileText(state: ScanState, writing: Writing): FileText {
  const target = state.beginFile()
  /** What has come of an escape. */
  let sequence: string | undefined

  function add(bytes: Buffer): void {
    if (bytes.length === 0) return
    target.hash.update(bytes)
    target.decoder.write(bytes)
  }

  function addPlain(bytes: Buffer): void {
    add(writing.foreign !== undefined && bytes.includes(writing.foreign) ? FOREIGN : bytes)
  }

  return {
    write(bytes) {
      let at = 0
      while (at < bytes.length) {
        if (sequence !== undefined) {
          sequence += String.fromCharCode(bytes[at] as number)
          at += 1
          const read = writing.read(sequence)
          if (!read) continue
          add(read)
          sequence = undefined
          continue
        }
        const rest = bytes.subarray(at)
        const end = rest.indexOf(writing.end)
        const plain = end < 0 ? rest : rest.subarray(0, end)
        const escapeAt = plain.indexOf(writing.escape)
        if (escapeAt < 0) {
          addPlain(plain)
          return end < 0 ? -1 : at + end
        }
        addPlain(plain.subarray(0, escapeAt))
        sequence = ''
        at += escapeAt + 1
      }
      return -1
    },
    end: () => state.endFile(target),
  }
}
