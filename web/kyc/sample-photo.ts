/** Pictures to try the sandbox with: a drawn card and a drawn face, plainly no one's. Loaded only in the sandbox. */
import type { PhotoKind } from '../../src/hosted/wire.ts'

export async function samplePhoto(kind: PhotoKind): Promise<Blob> {
  const canvas = document.createElement('canvas')
  const face = kind === 'face_image'
  canvas.width = face ? 900 : 1280
  canvas.height = face ? 1100 : 808
  const context = canvas.getContext('2d')!
  if (face) drawFace(context, 450, 470, 1)
  else if (kind === 'document_front') drawFront(context)
  else drawBack(context)
  return await new Promise((done) => canvas.toBlob((blob) => done(blob!), 'image/jpeg', 0.92))
}

function drawFace(context: CanvasRenderingContext2D, x: number, y: number, scale: number): void {
  const { width, height } = context.canvas
  if (scale === 1) {
    context.fillStyle = '#b8c4d6'
    context.fillRect(0, 0, width, height)
  }
  context.save()
  context.translate(x, y)
  context.scale(scale, scale)
  shape(context, '#3b5b8c', () => context.ellipse(0, 560, 380, 320, 0, 0, 7))
  shape(context, '#c9906a', () => context.ellipse(0, 250, 95, 120, 0, 0, 7))
  shape(context, '#2f2018', () => context.ellipse(0, -90, 235, 240, 0, 0, 7))
  shape(context, '#d9a27c', () => context.ellipse(0, 0, 200, 265, 0, 0, 7))
  for (const side of [-1, 1]) {
    shape(context, '#ffffff', () => context.ellipse(side * 78, -30, 36, 20, 0, 0, 7))
    shape(context, '#2b1d12', () => context.ellipse(side * 78, -30, 16, 17, 0, 0, 7))
    shape(context, '#2f2018', () => context.rect(side * 78 - 45, -80, 90, 12))
  }
  shape(context, '#b97f5b', () => context.ellipse(0, 50, 26, 14, 0, 0, 7))
  shape(context, '#8f3f3a', () => context.ellipse(0, 130, 70, 18, 0, 0, 7))
  context.restore()
}

function shape(context: CanvasRenderingContext2D, color: string, path: () => void): void {
  context.fillStyle = color
  context.beginPath()
  path()
  context.fill()
}

function drawCard(context: CanvasRenderingContext2D): void {
  shape(context, '#5d6672', () => context.rect(0, 0, 1280, 808))
  shape(context, '#dfe8f2', () => context.roundRect(60, 54, 1160, 700, 40))
  context.strokeStyle = '#aebfd4'
  context.lineWidth = 3
  for (let y = 120; y < 740; y += 22) {
    context.beginPath()
    context.moveTo(80, y)
    context.bezierCurveTo(400, y - 40, 800, y + 40, 1200, y)
    context.stroke()
  }
}

function drawFront(context: CanvasRenderingContext2D): void {
  drawCard(context)
  shape(context, '#b8c4d6', () => context.rect(120, 220, 300, 380))
  context.save()
  context.beginPath()
  context.rect(120, 220, 300, 380)
  context.clip()
  drawFace(context, 270, 390, 0.5)
  context.restore()
  context.fillStyle = '#1b2a41'
  context.font = 'bold 54px sans-serif'
  context.fillText('SPECIMEN', 120, 160)
  context.font = '40px sans-serif'
  const lines = ['MUESTRA PRUEBA', 'MARIA DE LOS ANGELES', '01 01 1990', '12345678Z', '31 12 2035']
  for (const [at, line] of lines.entries()) context.fillText(line, 470, 280 + at * 84)
}

function drawBack(context: CanvasRenderingContext2D): void {
  drawCard(context)
  context.fillStyle = '#1b2a41'
  context.font = 'bold 54px sans-serif'
  context.fillText('SPECIMEN', 120, 160)
  context.font = '40px sans-serif'
  for (const [at, line] of ['CALLE DE LA MUESTRA 1', 'MADRID', '28001'].entries()) {
    context.fillText(line, 120, 260 + at * 70)
  }
  context.font = '46px monospace'
  const zone = [
    'IDESPXXX000000112345678Z<<<<<<',
    '9001014F3512318ESP<<<<<<<<<<<8',
    'MUESTRA<PRUEBA<<MARIA<DE<LOS<A',
  ]
  for (const [at, line] of zone.entries()) context.fillText(line, 120, 540 + at * 70)
}
