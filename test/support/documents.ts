import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A PDF with a table of objects, as small as it can be or filled up to exactly that many bytes. */
export function makePdf(size = 0, { encrypted = false } = {}): Buffer {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>',
  ]
  const draw = (filling: number): Buffer => {
    let text = '%PDF-1.7\n'
    const positions: number[] = []
    const parts: Buffer[] = []
    const add = (part: string | Buffer): void => void parts.push(Buffer.from(part))
    const length = (): number => parts.reduce((sum, part) => sum + part.length, 0)
    add(text)
    for (const [index, object] of objects.entries()) {
      positions.push(length())
      add(`${index + 1} 0 obj\n${object}\nendobj\n`)
    }
    positions.push(length())
    add(`4 0 obj\n<< /Length ${String(filling).padStart(10, '0')} >>\nstream\n`)
    add(randomBytes(filling))
    add('\nendstream\nendobj\n')
    const at = length()
    text = `xref\n0 5\n0000000000 65535 f \n${positions.map((position) => `${String(position).padStart(10, '0')} 00000 n \n`).join('')}`
    add(`${text}trailer\n<< /Size 5 /Root 1 0 R ${encrypted ? '/Encrypt 4 0 R ' : ''}>>\nstartxref\n`)
    add(`${String(at).padStart(10, '0')}\n%%EOF\n`)
    return Buffer.concat(parts)
  }
  return draw(Math.max(0, size - draw(0).length))
}

/** A web server of the test's own. */
export async function serveFiles(listener: RequestListener): Promise<{ url: string; stop(): void }> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A test that fails must not keep its file from ending.
  server.unref()
  const stop = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop,
  }
}

/** An MP4 with the boxes that every one has, and nothing to see. */
export function makeMp4(): Buffer {
  const box = (kind: string, content: Buffer): Buffer => {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(8 + content.length)
    head.write(kind, 4, 'latin1')
    return Buffer.concat([head, content])
  }
  const brand = Buffer.from('isom\0\0\x02\0isomiso2mp41', 'latin1')
  return Buffer.concat([box('ftyp', brand), box('moov', Buffer.alloc(100)), box('mdat', randomBytes(3_000))])
}

/** A WebM with a head, a segment and a cluster, and nothing to see. */
export function makeWebm(): Buffer {
  const element = (id: string, content: Buffer): Buffer => {
    const size = Buffer.alloc(8)
    size.writeBigUInt64BE(BigInt(content.length) | (1n << 56n))
    return Buffer.concat([Buffer.from(id, 'hex'), size, content])
  }
  const head = element('1a45dfa3', element('4282', Buffer.from('webm')))
  return Buffer.concat([head, element('18538067', element('1f43b675', randomBytes(3_000)))])
}
