/** A provider's call to us, as it arrived. */
export interface RawCallback {
  headers: Record<string, string | string[] | undefined>
  rawBody: Buffer
}

/** A callback that is not the provider's word: forged, too old, replayed under another body, or unreadable. */
export class CallbackRefused extends Error {
  override readonly name = 'CallbackRefused'
}

/**
 * What every notification of every provider has. Notifications are stored as JSON before they are worked off, so
 * they hold nothing that JSON can't: base units are decimal text, times ISO 8601.
 *
 * They come at least once, late, and in any order: who works them off asks what the state is now, not what the
 * notification says it was.
 */
export interface ProviderNotification {
  /** The provider's id of this notification: the same one twice is one. */
  id: string
  type: string
  /** When it happened, on the platform's clock. */
  at: string
}
