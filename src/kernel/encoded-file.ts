/** What a text that should hold a file turned out to be. */
export type DecodedFile = { ok: true; bytes: Buffer } | { ok: false; problem: EncodingProblem }

/**
 * `not_base64`: other characters, or too few of them. `not_base64_uri`: a data-URI without `;base64`. `too_large`:
 * more than the limit when decoded; what came before it is not kept.
 */
export type EncodingProblem = 'empty' | 'not_base64' | 'not_base64_uri' | 'too_large'

/** Turns the text of a file (plain base64, or a base64 data-URI) into its bytes as the text arrives. */
export interface FileDecoder {
  /** The next bytes of the text, as ASCII. They are copied: the caller may use them for something else. */
  write(text: Buffer): void
  /** Whether nothing is held any more, as what came so far is no file within the limit. */
  isRefused(): boolean
  end(): DecodedFile
}

const URI_SCHEME = 'data:'
/** No honest data-URI has a longer head; the rest of the text is not searched for a comma. */
const LONGEST_HEAD = 256
const ALPHABET = /^[A-Za-z0-9+/_-]*$/
const LINE_BREAKS = /[\r\n\t]/

/**
 * A decoder that holds the decoded bytes once, in memory taken in one piece and touched only as far as bytes come.
 * `expectedTextBytes` bounds that piece, where the length of the text is known to be at most that. The media type
 * that a data-URI declares is passed over: nobody has to believe it.
 */
export function createFileDecoder(limitBytes: number, expectedTextBytes = Infinity): FileDecoder {
  const capacity = Math.min(limitBytes, Math.ceil(expectedTextBytes / 4) * 3 + 3)
  let target: Buffer | undefined
  let size = 0
  let problem: EncodingProblem | undefined
  /** The text's first characters, until it is known whether they are a data-URI's head. */
  let head: string | undefined = ''
  /** Up to three characters that wait for a fourth. */
  let carry = ''
  let padding = 0

  function refuse(found: EncodingProblem): void {
    problem ??= found
    target = undefined
  }

  function store(text: string): void {
    if (text === '') return
    target ??= Buffer.allocUnsafeSlow(capacity)
    const bytes = Math.floor((text.length * 3) / 4)
    if (size + bytes > capacity) refuse('too_large')
    else size += target.write(text, size, 'base64')
  }

  function decode(text: string): void {
    const characters = LINE_BREAKS.test(text) ? text.replaceAll(/[\r\n\t]+/g, '') : text
    // Nothing but more of it follows the padding.
    const padded = padding > 0 ? 0 : characters.indexOf('=')
    const tail = padded < 0 ? '' : characters.slice(padded)
    const letters = padded < 0 ? characters : characters.slice(0, padded)
    if (!ALPHABET.test(letters) || /[^=]/.test(tail)) {
      refuse('not_base64')
      return
    }
    padding += tail.length
    const known = carry + letters
    const whole = known.length - (known.length % 4)
    carry = known.slice(whole)
    store(known.slice(0, whole))
  }

  /** Looks for the head's end; answers what follows it, or undefined while that has not come. */
  function readHead(text: string): string | undefined {
    if (!text.slice(0, URI_SCHEME.length).toLowerCase().startsWith(URI_SCHEME)) {
      return URI_SCHEME.startsWith(text.toLowerCase()) ? undefined : text
    }
    const comma = text.indexOf(',')
    if (comma < 0 && text.length <= LONGEST_HEAD) return undefined
    if (comma < 0 || comma > LONGEST_HEAD || !/; *base64$/i.test(text.slice(0, comma))) {
      refuse('not_base64_uri')
      return ''
    }
    return text.slice(comma + 1)
  }

  return {
    isRefused: () => problem !== undefined,
    write(bytes) {
      if (problem) return
      let text = bytes.toString('latin1')
      if (head !== undefined) {
        head += text
        const rest = readHead(head)
        if (rest === undefined) return
        head = undefined
        text = rest
      }
      if (text !== '') decode(text)
    },
    end() {
      if (head !== undefined && !problem) {
        // Too short to be known for what it is: a data-URI that ends within its head, or a few characters of base64.
        if (head.toLowerCase().startsWith(URI_SCHEME)) refuse('not_base64_uri')
        else decode(head)
        head = undefined
      }
      if (!problem && (carry.length === 1 || padding > 2 || (padding > 0 && carry.length + padding !== 4))) {
        refuse('not_base64')
      }
      if (!problem) store(carry)
      if (!problem && size === 0) refuse('empty')
      if (problem || !target) return { ok: false, problem: problem ?? 'empty' }
      return { ok: true, bytes: target.subarray(0, size) }
    },
  }
}

/** Smaller buffers may share the memory they are in. */
const OWN_MEMORY_BYTES = 256 * 1024

/**
 * Gives the memory of bytes back at once, where the garbage collector would take its time: a server that handles
 * one large file after the other would hold several of them. Only for bytes that nobody looks at any more; small ones
 * are left alone.
 */
export function freeBytes(bytes: Buffer): void {
  const memory = bytes.buffer
  if (memory instanceof ArrayBuffer && memory.byteLength >= OWN_MEMORY_BYTES) memory.transfer(0)
}
