import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import sharp from 'sharp'
import { makePdf } from '../../test/support/documents.ts'
import { drawDocument } from '../../test/support/kyc.ts'
import { judgePicture } from './image.ts'
import { judgeDocument } from './judge-document.ts'

const mimeOf = async (bytes: Buffer): Promise<string> => {
  const judged = await judgeDocument(bytes)
  return judged.ok ? judged.mime : judged.problem
}

describe('a document is known by its content', () => {
  test('pictures with their size', async () => {
    const jpeg = await drawDocument(300, 200)
    const size = { width: 300, height: 200 }
    for (const [mime, bytes] of [
      ['image/jpeg', jpeg],
      ['image/png', await sharp(jpeg).png().toBuffer()],
      ['image/webp', await sharp(jpeg).webp().toBuffer()],
    ] as const) {
      assert.deepEqual(await judgeDocument(bytes), { ok: true, mime, ...size })
    }
  })

  test('PDFs: plain, encrypted, changed since, with something before and after, with a stream of objects', async () => {
    const pdf = makePdf()
    const streamed = Buffer.from(
      '%PDF-1.5\n7 0 obj\n<< /Type /XRef /Size 1 /W [1 1 1] /Root 1 0 R /Length 3 >>\nstream\nabc\nendstream\nendobj\nstartxref\n9\n%%EOF',
    )
    const changed = Buffer.concat([
      pdf,
      Buffer.from(
        `xref\n0 0\ntrailer\n<< /Size 5 /Root 1 0 R /Prev 9 >>\nstartxref\n${pdf.length}\n%%EOF\r\n`,
      ),
    ])
    const framed = Buffer.concat([Buffer.from('\n\n'), pdf, Buffer.alloc(100)])
    for (const bytes of [pdf, makePdf(5_000), makePdf(0, { encrypted: true }), streamed, changed, framed]) {
      assert.equal(await mimeOf(bytes), 'application/pdf')
    }
  })
})

describe('no document is', () => {
  test('what only begins like one', async () => {
    const pdf = makePdf(3_000)
    const jpeg = await drawDocument(300, 200)
    const png = await sharp(jpeg).png().toBuffer()
    const webp = await sharp(jpeg).webp().toBuffer()
    const cut = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - Math.ceil(bytes.length / 3))
    for (const bytes of [cut(jpeg), cut(png), cut(webp)]) {
      assert.equal(await mimeOf(bytes), 'is a picture that cannot be read to its end')
    }
    const noRoot = Buffer.from(pdf.toString('latin1').replace('/Root', '/Toor'), 'latin1')
    const elsewhere = Buffer.from(
      pdf.toString('latin1').replace(/startxref\n\d+/, 'startxref\n0000000020'),
      'latin1',
    )
    for (const bytes of [cut(pdf), noRoot, elsewhere, Buffer.from('%PDF-1.4\n')]) {
      assert.match(await mimeOf(bytes), /^is a broken PDF/)
    }
  })

  test('anything else, whatever it says', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    const gif = Buffer.from('R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=', 'base64')
    const zip = Buffer.from('504b0506000000000000000000000000000000000000', 'hex')
    for (const bytes of [Buffer.from(svg), Buffer.from('<html>%PDF</html>'), gif, zip, Buffer.alloc(2_000)]) {
      assert.equal(await mimeOf(bytes), 'must be a PDF, JPEG, PNG or WebP by its content')
    }
    // A PDF inside of something else, as readers find it, is that something.
    const program = Buffer.from('4d5a90000300000004000000ffff0000', 'hex')
    const archive = Buffer.from('504b03040a0000000000', 'hex')
    for (const host of [program, archive, gif]) {
      const polyglot = Buffer.concat([host, makePdf()])
      assert.equal(await mimeOf(polyglot), 'must be a PDF, JPEG, PNG or WebP by its content')
    }
    assert.equal(await mimeOf(Buffer.alloc(0)), 'is empty')
  })

  test('more than a picture that has something else behind: it is a picture and nothing more', async () => {
    const jpeg = await drawDocument(300, 200)
    for (const behind of [makePdf(), Buffer.from('<script>alert(1)</script>')]) {
      assert.equal(await mimeOf(Buffer.concat([jpeg, behind])), 'image/jpeg')
    }
    const kept = await judgePicture(Buffer.concat([jpeg, Buffer.from('<script>alert(1)</script>')]))
    assert.ok(kept.ok && !kept.jpeg.includes('<script>'))
  })

  test('a picture that becomes too large when it is opened', async () => {
    const bomb = await sharp({
      create: { width: 8_000, height: 7_000, channels: 3, background: '#fff' },
    })
      .png()
      .toBuffer()
    assert.equal(await mimeOf(bomb), 'is a picture of more than 50 megapixels')
  })
})
