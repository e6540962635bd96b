export interface LockEntry {
  version?: string
  optionalDependencies?: Record<string, string>
}
/** The optional dependencies that no entry of the lock answers to, each with the entry that asks for it. */
export function holesOf(
  packages: Record<string, LockEntry>,
): { parent: string; name: string; version: string }[]
