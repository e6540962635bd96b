/**
 * Keeps documents, as bytes under a key. It is given only what was sealed under the customer's own key before, so
 * that forgetting the key forgets the document, whoever holds copies of the storage. Every method may go over a
 * network, so none belongs inside a database transaction; all throw `ProviderError`.
 */
export interface Storage {
  /** Keeps the bytes whole and for good before it answers, or not at all. The same key again replaces them. */
  write(key: string, sealed: Buffer): Promise<void>
  /** `rejected` with code `not_found` when nothing is kept under the key. */
  read(key: string): Promise<Buffer>
  /** Removing what isn't there is no error. */
  remove(key: string): Promise<void>
  /**
   * Goes through all that is kept, in no order, without holding it all. What is written or removed meanwhile may or
   * may not be among it.
   */
  list(): AsyncIterable<KeptFile>
  /** Removes what writes that never ended left behind, begun before that real time; answers how many. */
  removeDrafts(before: Date): Promise<number>
}

export interface KeptFile {
  key: string
  /** When it was written last, by the storage's own clock: real time, not the platform's. */
  writtenAt: Date
}

/** Whether a text is a key: path parts of letters, digits, `-` and `_`, so that no key leaves its folder or bucket. */
export function isStorageKey(text: string): boolean {
  return text.length <= 200 && /^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/.test(text)
}
