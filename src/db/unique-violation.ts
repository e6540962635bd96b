/** PostgreSQL's refusal of a second row under a unique key; `index` names the key it was. */
export function isUniqueViolation(error: unknown, index?: string): boolean {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '23505') return false
  return index === undefined || ('constraint' in error && error.constraint === index)
}
