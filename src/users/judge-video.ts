const MAX_BOXES = 10_000

/** Whether the bytes are a video by their content, whatever is declared: an MP4 or a WebM with its parts in place. */
export async function isVideo(bytes: Buffer): Promise<boolean> {
  const { fileTypeFromBuffer } = await import('file-type')
  const mime = (await fileTypeFromBuffer(bytes))?.mime
  if (mime === 'video/mp4') return isWholeMp4(bytes)
  return mime === 'video/webm' && isWebm(bytes)
}

/** ISO 14496-12: boxes from the first byte to the last, among them the movie's description and its data. */
function isWholeMp4(bytes: Buffer): boolean {
  const kinds = new Set<string>()
  let at = 0
  for (let boxes = 0; at < bytes.length && boxes < MAX_BOXES; boxes += 1) {
    if (at + 8 > bytes.length) return false
    let size = bytes.readUInt32BE(at)
    if (size === 1 && at + 16 <= bytes.length) size = Number(bytes.readBigUInt64BE(at + 8))
    // The last box may reach to the end without saying how far that is.
    else if (size === 0) size = bytes.length - at
    if (size < 8) return false
    kinds.add(bytes.toString('latin1', at + 4, at + 8))
    at += size
  }
  return at === bytes.length && kinds.has('moov') && kinds.has('mdat')
}

/** EBML: the head is followed by a segment with at least one cluster. */
function isWebm(bytes: Buffer): boolean {
  const segment = bytes.subarray(0, 4096).indexOf(Buffer.from('18538067', 'hex'))
  return segment > 0 && bytes.indexOf(Buffer.from('1f43b675', 'hex'), segment) > 0
}
