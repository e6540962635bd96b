import { randomBytes, randomUUID } from 'node:crypto'
import { drawPicture, writePdf } from './picture.ts'
import type { Scope } from './template.ts'

/** New for each case and each row of its `each`: names that nobody used before. */
export function newValues(): Scope {
  const unique = randomBytes(6).toString('hex')
  return {
    unique,
    uuid: randomUUID(),
    email: `conformance-${unique}@example.com`,
    external_id: `conformance-${unique}`,
    /** A wallet in lower case, which carries no checksum. */
    wallet: `0x${randomBytes(20).toString('hex')}`,
  }
}

const dataUri = (type: string, bytes: Buffer): string => `data:${type};base64,${bytes.toString('base64')}`
const TOO_LARGE_BYTES = 10 * 1024 * 1024 + 1

/** The same in the whole run. The large ones are made when they are first used. */
export function constantValues(): Scope {
  let picture: string | undefined
  let large: string | undefined
  return {
    checksum_wallet: '0x52908400098527886E0F7030069857D2E4169EE7',
    pdf: dataUri('application/pdf', writePdf('Proof of funds')),
    pdf_base64: writePdf('Proof of funds').toString('base64'),
    text_file: dataUri('application/pdf', Buffer.from('This is no PDF, whatever it says.')),
    unknown_payment_id: 'A1b2C3d4E5f6G7h8J9k0L1m2N',
    long_name: 'x'.repeat(256),
    long_key: 'k'.repeat(256),
    get picture() {
      picture ??= dataUri('image/png', drawPicture(1))
      return picture
    },
    get picture_back() {
      return dataUri('image/png', drawPicture(2))
    },
    get face() {
      return dataUri('image/png', drawPicture(3, 600, 800))
    },
    get picture_base64() {
      return drawPicture(4).toString('base64')
    },
    get large_pdf() {
      large ??= dataUri('application/pdf', writePdf('Large', TOO_LARGE_BYTES))
      return large
    },
    get large_text() {
      return 'x'.repeat(2 * 1024 * 1024)
    },
  }
}
