/**
 * A look at a picture before it is sent, so that a blurred one costs ten seconds and not a rejection tomorrow. It
 * measures as the server does, a little more strictly: what the page calls good the server won't call poor.
 */
import type { PhotoProblem } from '../../src/hosted/wire.ts'

/** The longer side of the small copy on which light and sharpness are measured. */
export const measuredSide = 512

const smallestSide = 500
const darkBelow = 45
const brightAbove = 235
/** Spread of grey under which a picture shows nothing: a lens cap, a wall. */
const blankBelow = 7
/** Variance of the Laplacian; sharp photos of printed matter have hundreds. */
const blurredBelow = 15

export interface SmallCopy {
  /** RGBA, as a canvas gives it. */
  pixels: Uint8ClampedArray
  width: number
  height: number
}

export function judgePicture(copy: SmallCopy, full: { width: number; height: number }): PhotoProblem[] {
  const grey = toGrey(copy.pixels)
  const mean = average(grey)
  const spread = Math.sqrt(Math.max(0, average(grey.map((value) => value * value)) - mean * mean))
  if (spread < blankBelow) return ['unreadable']
  const problems: PhotoProblem[] = []
  if (Math.min(full.width, full.height) < smallestSide) problems.push('too_small')
  if (mean < darkBelow) problems.push('too_dark')
  if (mean > brightAbove) problems.push('too_bright')
  if (sharpness(grey, copy.width, copy.height) < blurredBelow) problems.push('blurred')
  return problems
}

function toGrey(pixels: Uint8ClampedArray): Float64Array {
  const grey = new Float64Array(pixels.length / 4)
  for (let at = 0; at < grey.length; at++) {
    const [red, green, blue] = [pixels[at * 4]!, pixels[at * 4 + 1]!, pixels[at * 4 + 2]!]
    grey[at] = 0.299 * red + 0.587 * green + 0.114 * blue
  }
  return grey
}

function average(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** How much neighbouring points differ: a blurred picture has no edges. */
function sharpness(grey: Float64Array, width: number, height: number): number {
  let sum = 0
  let squares = 0
  let count = 0
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x
      const value = grey[at - 1]! + grey[at + 1]! + grey[at - width]! + grey[at + width]! - 4 * grey[at]!
      sum += value
      squares += value * value
      count += 1
    }
  }
  return count === 0 ? 0 : squares / count - (sum / count) ** 2
}
