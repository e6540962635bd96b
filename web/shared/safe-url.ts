/** Only whole http(s) addresses are ever followed, whatever a view says. Null for anything else. */
export function safeUrl(url: string | null): string | null {
  if (url === null || !/^https?:\/\//i.test(url)) return null
  try {
    return new URL(url).href
  } catch {
    return null
  }
}
