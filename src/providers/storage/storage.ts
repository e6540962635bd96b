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
}

/** Whether a text is a key: path parts of letters, digits, `-` and `_`, so that no key leaves its folder or bucket. */
export function isStorageKey(text: string): boolean {
  return text.length <= 200 && /^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/.test(text)
}
