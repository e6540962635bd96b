/** The session that an address of a simulated provider's page names. */
export function sessionOfUrl(url: string): string {
  const [, kind, session] =
    /\/simulators\/(card|bank|paypal|local)\/([A-Za-z0-9_]+)$/.exec(new URL(url).pathname) ?? []
  if (!kind || !session) throw new Error(`${url} is no page of a simulated provider.`)
  return session
}
