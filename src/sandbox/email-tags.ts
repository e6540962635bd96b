/**
 * The sandbox is steered by tags in customers' e-mail addresses: whether the address carries `+tag` in its local
 * part, alone or among others (`ana+kycfail+2@…`, `+kycfail-2@…`).
 */
export function hasEmailTag(email: string, tag: string): boolean {
  const local = email.slice(0, email.lastIndexOf('@')).toLowerCase()
  return local
    .split('+')
    .slice(1)
    .some((part) => part === tag || (part.startsWith(tag) && !/[a-z]/.test(part[tag.length] ?? '')))
}
