/** Reads QR codes from the camera or a picture. Loaded only when the scanner opens: the reader alone is 45 KB. */
import jsqr from 'jsqr'
import { addressFromScan } from './wallet-check.ts'

/** Looks at the camera until a code is seen; null when the dialog was left. Throws when there is no camera to use. */
export async function scanCamera(
  video: HTMLVideoElement,
  signal: AbortSignal,
  onLive: () => void,
): Promise<string | null> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
  try {
    if (signal.aborted) return null
    video.srcObject = stream
    await video.play()
    onLive()
    while (!signal.aborted) {
      const found = readCode(video, video.videoWidth, video.videoHeight)
      if (found !== null) return found
      await new Promise((next) => setTimeout(next, 150))
    }
    return null
  } finally {
    for (const track of stream.getTracks()) track.stop()
    video.srcObject = null
  }
}

export async function scanPicture(file: File): Promise<string | null> {
  try {
    const picture = await createImageBitmap(file)
    return readCode(picture, picture.width, picture.height)
  } catch {
    // Not a picture at all: for the customer the same as one without a code.
    return null
  }
}

/** Pixels beyond this only cost time: a code that fills a fifth of the picture is still read. */
const widest = 1000

function readCode(source: CanvasImageSource, width: number, height: number): string | null {
  if (width === 0 || height === 0) return null
  const scale = Math.min(1, widest / Math.max(width, height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(width * scale)
  canvas.height = Math.round(height * scale)
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  context.drawImage(source, 0, 0, canvas.width, canvas.height)
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
  const code = jsqr.default(data, canvas.width, canvas.height)
  return code?.data ? addressFromScan(code.data) : null
}
