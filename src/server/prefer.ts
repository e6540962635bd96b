/** Texts in quotes, within which commas and semicolons part nothing. */
const QUOTED = /"(?:[^"\\]|\\.)*"/g

/** RFC 7240: `Prefer: http-status`, with parameters or without, among other preferences perhaps. */
export function prefersHonestStatus(prefer: string | string[] | undefined): boolean {
  if (prefer === undefined) return false
  return [prefer]
    .flat()
    .join(',')
    .replaceAll(QUOTED, (text) => (text === '""' ? '' : 'quoted'))
    .split(',')
    .some((preference) => /^\s*http-status\s*=?\s*(;|$)/i.test(preference))
}
