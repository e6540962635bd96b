import { constants, type Stats } from 'node:fs'
import { lstat, mkdir, open, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App } from '../app.ts'
import { randomText } from '../kernel/ids.ts'
import type { Lane } from '../kernel/lanes.ts'
import { type ImportNeeds, importStatement } from './import-statement.ts'
import { type CsvMapping, CsvMappingError, csvMappingOf } from './statements/csv-mapping.ts'
import { openStatement } from './statements/detect-format.ts'
import { StatementError } from './statements/statement.ts'

const POLL_MS = 5_000
const MAPPING_FILE = 'mapping.json'
const IMPORTED = 'imported'
const REFUSED = 'refused'
/** So many files are looked at in one step. */
const MOST_FILES = 1_000
const MAPPING_BYTES = 1_000_000
const NO_PLAIN_FILE = 'This is no plain file: links are not followed.'

type Needs = ImportNeeds & Pick<App, 'log'>

/** A file as it was when it was first seen so. */
interface Sight {
  state: string
  /** By the machine's clock, in milliseconds. */
  since: number
}

/**
 * Imports what is put into a folder: a file that has not changed for `STATEMENT_FOLDER_STILL`, between two looks at
 * least, is imported, then moved to `imported`, or to `refused` beside a text that says why. One that changed while it
 * was read is looked at again, whatever was read of it: it was still being written. A crash on the way does no harm: the same file again adds
 * nothing. Links and anything else that is no plain file are refused, so that nothing outside of the folder is read.
 */
export function statementFolderLane(app: Needs): Lane {
  const seen = new Map<string, Sight>()
  return {
    name: 'statement-folder',
    pollMs: POLL_MS,
    async step() {
      const { folder } = app.config.statements
      return folder === undefined ? 0 : lookThrough(app, folder, seen)
    },
    // It follows no platform time: files come when they come.
    nextDue: async () => null,
  }
}

/** Works off the first file that is whole; answers how many were moved. */
async function lookThrough(app: Needs, folder: string, seen: Map<string, Sight>): Promise<number> {
  const names = (await readdir(folder)).sort()
  for (const name of seen.keys()) if (!names.includes(name)) seen.delete(name)
  for (const name of names.filter(isGiven).slice(0, MOST_FILES)) {
    const found = await lstat(join(folder, name)).catch(unlessGone)
    if (!found || (found.isDirectory() && (name === IMPORTED || name === REFUSED))) continue
    if (!found.isFile()) {
      if (found.isSymbolicLink() || !found.isDirectory()) {
        await refuse(app, folder, name, NO_PLAIN_FILE)
        return 1
      }
      continue
    }
    const state = stateOf(found)
    const now = app.clock.real().getTime()
    const before = seen.get(name)
    if (before?.state !== state) seen.set(name, { state, since: now })
    if (before?.state !== state || now - before.since < app.config.statements.stillMs) continue
    seen.delete(name)
    await take(app, folder, { name, state })
    return 1
  }
  return 0
}

/** Hidden files and those that programs are still writing under another name are not for us. */
const isGiven = (name: string): boolean =>
  !name.startsWith('.') && name !== MAPPING_FILE && !/\.(part|partial|tmp|crdownload|filepart)$/i.test(name)

const stateOf = ({ size, mtimeMs, ino }: Stats): string => `${size} ${mtimeMs} ${ino}`

async function take(
  app: Needs,
  folder: string,
  { name, state }: { name: string; state: string },
): Promise<void> {
  const path = join(folder, name)
  try {
    const csv = await readMapping(folder)
    // The file that is read is the one that was looked at: a link put in its place meanwhile is not followed.
    const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(unlessGone)
    // Another process took it.
    if (!file) return
    const { size } = await file.stat()
    const outcome = await importStatement(app, {
      fileName: name,
      bytes: file.createReadStream(),
      size,
      source: 'folder',
      who: 'folder',
      open: (bytes) => openStatement(bytes, csv),
    }).finally(() => file.close())
    if (!(await isUnchanged(path, state))) return tellOfChange(app, name)
    await move(path, await freePlace(folder, IMPORTED, name))
    const { importId, again, lines, added, doubts } = outcome
    app.log.info({ file: name, import: importId, again, lines, added, doubts }, 'A statement was imported.')
  } catch (error) {
    const why = reasonOf(error)
    if (why === undefined) throw error
    if (!(await isUnchanged(path, state))) return tellOfChange(app, name)
    await refuse(app, folder, name, why)
  }
}

/** Whether the file is still the one that was looked at; not so when somebody writes on, or took it away. */
async function isUnchanged(path: string, state: string): Promise<boolean> {
  const found = await lstat(path).catch(unlessGone)
  return found !== undefined && stateOf(found) === state
}

/** It stays where it is; what was taken of it is known when it is read again. */
const tellOfChange = ({ log }: Needs, name: string): void =>
  log.warn({ file: name }, 'A statement changed while it was read; it is looked at again.')

/** What is wrong with the file itself; what else fails is tried again. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof StatementError) return `${error.message} (${error.code})`
  if (error instanceof CsvMappingError) return `${MAPPING_FILE}: ${error.message}`
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === 'ELOOP') return NO_PLAIN_FILE
  if (syscall === 'open' && (code === 'EACCES' || code === 'EPERM')) return 'This user may not read it.'
  return undefined
}

async function readMapping(folder: string): Promise<CsvMapping | null> {
  const path = join(folder, MAPPING_FILE)
  const found = await lstat(path).catch(unlessGone)
  if (!found) return null
  if (!found.isFile() || found.size > MAPPING_BYTES)
    throw new CsvMappingError(['It is no plain file of JSON.'])
  try {
    return csvMappingOf(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (error instanceof SyntaxError) throw new CsvMappingError([`It is no JSON: ${error.message}`])
    throw error
  }
}

async function refuse({ log }: Needs, folder: string, name: string, why: string): Promise<void> {
  const target = await freePlace(folder, REFUSED, name)
  // The reason comes first: after a crash no file lies there without one.
  await writeFile(`${target}.txt`, `${why}\n`, { mode: 0o600, flag: 'wx' })
  await move(join(folder, name), target)
  log.error({ file: name, why }, 'A statement was refused; nothing of it was imported.')
}

/** Under its own name, or beside one of the same name that came before. */
async function freePlace(folder: string, under: string, name: string): Promise<string> {
  const target = join(folder, under)
  await mkdir(target, { recursive: true, mode: 0o700 })
  if (!(await lstat(target)).isDirectory()) throw new Error(`${target} must be a folder.`)
  const path = join(target, name)
  const taken = [path, `${path}.txt`].map((one) => lstat(one).catch(unlessGone))
  return (await Promise.all(taken)).some(Boolean) ? join(target, `${randomText(8)}-${name}`) : path
}

/** Another process may have moved it meanwhile. */
const move = async (from: string, to: string): Promise<void> => rename(from, to).catch(unlessGone)

function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
