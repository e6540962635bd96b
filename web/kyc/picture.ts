/** Makes of a camera's photo what is sent: upright, not larger than needed, and without the place it was taken at. */
import type { PhotoProblem } from '../../src/hosted/wire.ts'
import { judgePicture, measuredSide } from './quality.ts'

export interface PreparedPicture {
  blob: Blob
  problems: PhotoProblem[]
}

/** Letters of an identity card are readable well below this; a phone's 12 megapixels would take minutes on a slow line. */
const sentSide = 2400

/** Null: the browser can't read it as a picture. */
export async function preparePicture(file: Blob): Promise<PreparedPicture | null> {
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(file)
  } catch {
    // Whatever the decoder's reason, for the customer it is one: this is no picture.
    return null
  }
  const full = draw(bitmap, sentSide)
  const small = draw(bitmap, measuredSide)
  const size = { width: bitmap.width, height: bitmap.height }
  bitmap.close()
  const pixels = small.getContext('2d')!.getImageData(0, 0, small.width, small.height).data
  const problems = judgePicture({ pixels, width: small.width, height: small.height }, size)
  // Drawn anew, so the file's metadata (place, device, time) stays behind.
  const blob = await new Promise<Blob | null>((done) => full.toBlob(done, 'image/jpeg', 0.9))
  return blob && { blob, problems }
}

function draw(bitmap: ImageBitmap, longest: number): HTMLCanvasElement {
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(bitmap.width * scale))
  canvas.height = Math.max(1, Math.round(bitmap.height * scale))
  const context = canvas.getContext('2d', { willReadFrequently: longest === measuredSide })!
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  return canvas
}
