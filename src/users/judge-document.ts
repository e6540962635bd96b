import { inspectPicture, PICTURE_TYPES } from './image.ts'

export type DocumentMime = 'application/pdf' | (typeof PICTURE_TYPES)[number]

/** What a file is by its content; `problem` says for people what is wrong with it. */
export type JudgedDocument =
  /** Width and height in pixels; null for a PDF. */
  | { ok: true; mime: DocumentMime; width: number | null; height: number | null }
  | { ok: false; problem: string }

const PICTURE_TEXTS = {
  not_an_image: 'is a picture that cannot be read to its end',
  too_many_pixels: 'is a picture of more than 50 megapixels',
} as const

/** Judges a document by its content alone, whatever its name or declared type: what it is, and that it can be read. */
export async function judgeDocument(bytes: Buffer): Promise<JudgedDocument> {
  if (bytes.length === 0) return { ok: false, problem: 'is empty' }
  const { fileTypeFromBuffer } = await import('file-type')
  const type = (await fileTypeFromBuffer(bytes))?.mime
  const mime = PICTURE_TYPES.find((known) => known === type)
  if (mime) {
    const found = await inspectPicture(bytes)
    if (!found.ok) return { ok: false, problem: PICTURE_TEXTS[found.reason] }
    return { ok: true, mime, width: found.width, height: found.height }
  }
  // What begins as something else, such as a program or an archive, is that, whatever it carries behind.
  const isOther = type !== undefined && type !== 'application/pdf' && !bytes.subarray(0, 5).equals(PDF_HEAD)
  const pdf = isOther ? undefined : findPdf(bytes)
  if (!pdf) return { ok: false, problem: 'must be a PDF, JPEG, PNG or WebP by its content' }
  if (isWholePdf(pdf)) return { ok: true, mime: 'application/pdf', width: null, height: null }
  return { ok: false, problem: 'is a broken PDF: its end, its table of objects or its root is missing' }
}

const PDF_HEAD = Buffer.from('%PDF-')

/** Readers look for both ends of a PDF this far into the file; many programs put something before or after. */
const NEAR_BYTES = 1024
/** Between the two ends of a dictionary; honest trailers have a few hundred bytes. */
const LONGEST_DICTIONARY = 16 * 1024

/** From the header on, as all positions within count from there. */
function findPdf(bytes: Buffer): Buffer | undefined {
  const start = bytes
    .subarray(0, NEAR_BYTES)
    .toString('latin1')
    .search(/%PDF-[12]\.\d/)
  return start < 0 ? undefined : bytes.subarray(start)
}

/**
 * Whether the end names the table of objects, the table is where it says, and its trailer names the root. Nothing
 * else of a PDF is looked at, and nothing in it is ever run or shown by us.
 */
function isWholePdf(pdf: Buffer): boolean {
  const tail = pdf.subarray(-NEAR_BYTES).toString('latin1')
  const [, position] = /startxref\s+(\d{1,10})\s+%%EOF[^%]*$/.exec(tail) ?? []
  if (position === undefined) return false
  const at = Number(position)
  const table = pdf.subarray(at, at + NEAR_BYTES).toString('latin1')
  if (/^\s*\d+\s+\d+\s+obj\b/.test(table)) return hasRoot(pdf, at)
  if (!/^\s*xref\s/.test(table)) return false
  const trailer = pdf.indexOf('trailer', at, 'latin1')
  return trailer > 0 && hasRoot(pdf, trailer)
}

function hasRoot(pdf: Buffer, at: number): boolean {
  const dictionary = pdf.subarray(at, at + LONGEST_DICTIONARY).toString('latin1')
  const [named] = dictionary.split(/\bstream\b|startxref/, 1)
  return /<<[\s\S]*\/Root\s+\d+\s+\d+\s+R/.test(named ?? '')
}
