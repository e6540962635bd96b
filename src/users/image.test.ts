import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { judgePicture, type PictureProblem } from './image.ts'

/** A card with lines like print on it, as `light` as told. */
function card(width: number, height: number, { paper = 225, ink = 30 } = {}) {
  const lines = Array.from({ length: 14 }, (_, row) =>
    Array.from({ length: 24 }, (_, letter) => {
      const [x, y] = [(letter + 1.2) * (width / 27), (row + 1) * (height / 16)]
      return `<rect x="${x}" y="${y}" width="${width / 60}" height="${height / 36}" transform="rotate(${(row * 37 + letter * 61) % 50} ${x} ${y})"/>`
    }).join(''),
  ).join('')
  return sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="rgb(${paper},${paper},${paper})"/><g fill="rgb(${ink},${ink},${ink})">${lines}</g></svg>`,
    ),
  )
}

const flat = (grey: number) =>
  sharp({ create: { width: 900, height: 600, channels: 3, background: { r: grey, g: grey, b: grey } } })
    .jpeg()
    .toBuffer()

describe('what a picture shows', () => {
  const cases: [string, () => Promise<Buffer>, PictureProblem[]][] = [
    ['a sharp JPEG of a card', () => card(1200, 800).jpeg().toBuffer(), []],
    ['the same as PNG', () => card(1200, 800).png().toBuffer(), []],
    ['the same as WebP', () => card(1200, 800).webp().toBuffer(), []],
    ['out of focus', () => card(1200, 800).blur(22).jpeg().toBuffer(), ['blurred']],
    ['in the dark', () => card(1200, 800, { paper: 38, ink: 2 }).jpeg().toBuffer(), ['too_dark']],
    ['under a lamp', () => card(1200, 800, { paper: 255, ink: 215 }).jpeg().toBuffer(), ['too_bright']],
    ['a stamp', () => card(180, 120).jpeg({ quality: 95 }).toBuffer(), ['too_small']],
    ['a lens cap', () => flat(3), ['too_dark', 'unreadable', 'blurred']],
    ['a white wall', () => flat(254), ['too_bright', 'unreadable', 'blurred']],
    ['a grey wall', () => flat(120), ['unreadable', 'blurred']],
    [
      'one point',
      () =>
        sharp({ create: { width: 1, height: 1, channels: 3, background: '#777' } })
          .png()
          .toBuffer(),
      ['too_small', 'unreadable', 'blurred'],
    ],
  ]
  for (const [name, make, problems] of cases) {
    test(name, async () => {
      const judged = await judgePicture(await make())
      assert.ok(judged.ok)
      assert.deepEqual(judged.problems, problems)
    })
  }
})

test('what is kept is upright, not larger than needed, and tells neither place nor device', async () => {
  const photo = await card(3000, 4000)
    .withExif({ IFD0: { Make: 'Phone', Software: 'camera' }, IFD3: { GPSLatitude: '40/1 25/1 0/1' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer()
  assert.ok((await sharp(photo).metadata()).exif)
  const judged = await judgePicture(photo)
  assert.ok(judged.ok)
  assert.deepEqual([judged.width, judged.height], [2400, 1800])
  const kept = await sharp(judged.jpeg).metadata()
  assert.deepEqual(
    [kept.format, kept.exif, kept.xmp, kept.iptc, kept.orientation],
    ['jpeg', undefined, undefined, undefined, undefined],
  )
})

test('a transparent picture is judged as it looks on paper', async () => {
  const judged = await judgePicture(
    await sharp({
      create: { width: 900, height: 600, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    })
      .png()
      .toBuffer(),
  )
  assert.ok(judged.ok && judged.problems.includes('too_bright'))
})

describe('what is no picture', () => {
  const cases: [string, () => Promise<Buffer> | Buffer][] = [
    ['nothing', () => Buffer.alloc(0)],
    ['text', () => Buffer.from('<html><script>alert(1)</script></html>')],
    ['a PDF', () => Buffer.from('%PDF-1.7\n1 0 obj\n<<>>\nendobj\n')],
    ['an SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['a GIF', () => Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')],
    ['a JPEG cut in half', async () => (await card(1200, 800).jpeg().toBuffer()).subarray(0, 9000)],
    [
      'the first bytes of a JPEG and then anything',
      () => Buffer.concat([Buffer.from('ffd8ffe000104a46494600', 'hex'), Buffer.alloc(5000, 'x')]),
    ],
    [
      'a PNG with a broken middle',
      async () => {
        const bytes = await card(1200, 800).png().toBuffer()
        bytes.fill(0, 200, 900)
        return bytes
      },
    ],
  ]
  for (const [name, make] of cases) {
    test(name, async () =>
      assert.deepEqual(await judgePicture(await make()), { ok: false, reason: 'not_an_image' }),
    )
  }
})

test('a file that would unpack to gigabytes is refused by its header', async () => {
  assert.deepEqual(await judgePicture(pngHeader(60_000, 60_000)), { ok: false, reason: 'too_many_pixels' })
})

test('one bad picture does not stop the next', async () => {
  const good = await card(1200, 800).jpeg().toBuffer()
  const verdicts = await Promise.all([Buffer.from('x'), good, Buffer.alloc(0), good].map(judgePicture))
  assert.deepEqual(
    verdicts.map(({ ok }) => ok),
    [false, true, false, true],
  )
})

function pngHeader(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data])
    const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    crc.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, crc])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', Buffer.from('789c', 'hex')),
    chunk('IEND', Buffer.alloc(0)),
  ])
}
