import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { App } from '../app.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'

/** What keeps a file that somebody named from being read, in words; undefined when nothing does. */
export function fileProblem(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) return 'there is no such file.'
  if (found.isDirectory()) return 'is a folder; name the file.'
  if (!found.isFile()) return 'is no file.'
  try {
    accessSync(path, constants.R_OK)
    return undefined
  } catch {
    return 'may not be read by this user.'
  }
}

/** Throws `RefusedOperation`, before anything else is done, when a file that somebody named can't be read. */
export function refuseUnreadable(path: string): void {
  const problem = fileProblem(path)
  if (problem !== undefined) throw new RefusedOperation(`${path}: ${problem}`)
}

/** The same of a file that is to be written: it must not be there, and its folder must. */
export function refuseUnwritable(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })) {
    throw new RefusedOperation(`${path} is there already, and is not replaced.`)
  }
  refuseFolder(path)
}

/** The same of a file that may be there, and is replaced. */
export function refuseFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new RefusedOperation(`${path} is a folder; name the file.`)
  }
  if (!statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory()) {
    throw new RefusedOperation(`${path} can't be written: there is no folder ${dirname(path)}.`)
  }
}

/** Whether it is a day of the calendar, written `YYYY-MM-DD`. */
export function isDay(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

/** Throws `RefusedOperation` for an account that isn't ours, of which a list would be empty. */
export async function refuseUnknownAccount({ db }: Pick<App, 'db'>, iban: string): Promise<void> {
  const account = await db
    .selectFrom('bankAccounts')
    .select('iban')
    .where('iban', '=', iban)
    .executeTakeFirst()
  if (!account) throw new RefusedOperation(`We have no account ${iban}. "accounts list" shows them.`)
}
