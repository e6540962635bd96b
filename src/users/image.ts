import type { Sharp, SharpOptions } from 'sharp'

/** What is poor about a picture. `unreadable`: there is nothing on it. */
export type PictureProblem = 'blurred' | 'too_dark' | 'too_bright' | 'too_small' | 'unreadable'

export type JudgedPicture =
  | {
      ok: true
      /** The picture as it is kept: upright, at most `KEPT_SIDE_PX` long, without any metadata (place, device, time). */
      jpeg: Buffer
      width: number
      height: number
      problems: PictureProblem[]
    }
  /** No JPEG, PNG or WebP by its content, broken, or larger when decoded than any camera makes. */
  | { ok: false; reason: 'not_an_image' | 'too_many_pixels' }

export const PICTURE_TYPES = ['image/jpeg', 'image/png', 'image/webp'] as const

/** A decoded picture of this size takes 200 MB; a file that says more is a bomb or a poster. */
const MAX_PIXELS = 50_000_000
const KEPT_SIDE_PX = 2400
/** Below this the letters of an identity card can't be read. */
const MIN_SIDE_PX = 400
/** The side of the grey copy on which light and sharpness are measured. */
const MEASURED_SIDE_PX = 512
const DARK_BELOW = 40
const BRIGHT_ABOVE = 240
/** The spread of grey under which a picture shows nothing: a lens cap, a wall. */
const BLANK_BELOW = 6
/** Variance of the Laplacian; sharp photos of printed matter have hundreds. */
const BLURRED_BELOW = 12

export type InspectedPicture =
  | { ok: true; width: number; height: number }
  | Extract<JudgedPicture, { ok: false }>

let previous: Promise<unknown> = Promise.resolve()

/** Does one piece of work after the other: decoding is the largest memory this program ever takes. */
function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  const done = previous.then(work, work)
  previous = done
  return done
}

/**
 * Judges a picture by its content alone, whatever its name or declared type, and makes the copy that is kept.
 */
export function judgePicture(bytes: Buffer): Promise<JudgedPicture> {
  return oneAtATime(() => judge(bytes))
}

/** Whether the bytes are a picture that can be decoded to its last line, and its size. Nothing is kept of it. */
export function inspectPicture(bytes: Buffer): Promise<InspectedPicture> {
  return oneAtATime(() => inspect(bytes))
}

async function judge(bytes: Buffer): Promise<JudgedPicture> {
  const { fileTypeFromBuffer } = await import('file-type')
  const type = await fileTypeFromBuffer(bytes)
  if (!PICTURE_TYPES.some((known) => known === type?.mime)) return { ok: false, reason: 'not_an_image' }
  const open = await loadSharp()
  try {
    const { width, height } = await open(bytes).metadata()
    if (width * height > MAX_PIXELS) return { ok: false, reason: 'too_many_pixels' }
    const kept = await open(bytes)
      .rotate()
      .flatten({ background: '#ffffff' })
      .resize({ width: KEPT_SIDE_PX, height: KEPT_SIDE_PX, fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 85 })
      .toBuffer({ resolveWithObject: true })
    const problems = await findProblems(open(kept.data), kept.info)
    return { ok: true, jpeg: kept.data, width: kept.info.width, height: kept.info.height, problems }
  } catch {
    // The decoder's errors are texts of several libraries; every one of them means that these bytes are no picture.
    return { ok: false, reason: 'not_an_image' }
  }
}

async function inspect(bytes: Buffer): Promise<InspectedPicture> {
  const open = await loadSharp()
  try {
    const { width, height } = await open(bytes).metadata()
    if (width * height > MAX_PIXELS) return { ok: false, reason: 'too_many_pixels' }
    // Every line is read for a small copy, a few at a time.
    await open(bytes).resize({ width: 64, height: 64, fit: 'inside' }).raw().toBuffer()
    return { ok: true, width, height }
  } catch {
    return { ok: false, reason: 'not_an_image' }
  }
}

async function loadSharp(): Promise<(bytes: Buffer) => Sharp> {
  const { default: sharp } = await import('sharp')
  sharp.cache(false)
  sharp.concurrency(1)
  // Not limited here: the size is judged from the header first, so that it gets its own reason.
  const options: SharpOptions = { failOn: 'error', limitInputPixels: false, animated: false }
  return (bytes) => sharp(bytes, options)
}

async function findProblems(
  picture: Sharp,
  size: { width: number; height: number },
): Promise<PictureProblem[]> {
  const { data, info } = await picture
    .greyscale()
    .resize({ width: MEASURED_SIDE_PX, height: MEASURED_SIDE_PX, fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const grey = measureGrey(data, info.channels)
  const problems: PictureProblem[] = []
  if (Math.min(size.width, size.height) < MIN_SIDE_PX) problems.push('too_small')
  if (grey.mean < DARK_BELOW) problems.push('too_dark')
  else if (grey.mean > BRIGHT_ABOVE) problems.push('too_bright')
  if (grey.spread < BLANK_BELOW) problems.push('unreadable')
  if (laplacianVariance(data, info) < BLURRED_BELOW) problems.push('blurred')
  return problems
}

function measureGrey(data: Buffer, channels: number): { mean: number; spread: number } {
  let sum = 0
  let squares = 0
  for (let at = 0; at < data.length; at += channels) {
    const value = data[at] as number
    sum += value
    squares += value * value
  }
  const count = data.length / channels
  const mean = sum / count
  return { mean, spread: Math.sqrt(Math.max(0, squares / count - mean * mean)) }
}

/** How much neighbouring points differ: a blurred picture has no edges. */
function laplacianVariance(
  data: Buffer,
  { width, height, channels }: { width: number; height: number; channels: number },
): number {
  const grey = (x: number, y: number): number => data[(y * width + x) * channels] as number
  let sum = 0
  let squares = 0
  let count = 0
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const value = grey(x - 1, y) + grey(x + 1, y) + grey(x, y - 1) + grey(x, y + 1) - 4 * grey(x, y)
      sum += value
      squares += value * value
      count += 1
    }
  }
  if (count === 0) return 0
  return squares / count - (sum / count) ** 2
}
