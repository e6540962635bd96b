import { randomBytes } from 'node:crypto'
import { chmod, chown, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { EmbeddedDatabaseError, makeOwnFolder, type RunAs, run } from './embedded-binaries.ts'

/** Where root puts what PostgreSQL's user must reach when the data folder or the checkout is closed to it. */
export const SYSTEM_FOLDERS = ['/var/lib/cryptopocket', '/var/tmp/cryptopocket']

/** What the data folder remembers of its PostgreSQL, in `postgres.json`, for its owner alone. */
export interface Place {
  /** Holds `data/`; belongs to the user PostgreSQL runs as. */
  folder: string
  port: number
  password: string
  /** Whether the database was made completely. */
  made: boolean
}

/** The user to run PostgreSQL as: ourselves, or as root the data's owner, else an unprivileged user of the system. */
export async function chooseRunAs(dataDir: string, place: Place | undefined): Promise<RunAs | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const path of [...(place ? [place.folder] : []), dataDir]) {
    const found = await stat(path).catch(() => undefined)
    if (found && found.uid !== 0) return { uid: found.uid, gid: found.gid }
  }
  const known = (await findUser('cryptopocket')) ?? (await findUser('postgres')) ?? (await findUser('nobody'))
  if (known) return known
  const made = await run(
    'useradd',
    ['--system', '--no-create-home', '--user-group', 'cryptopocket'],
    undefined,
  )
  const user = await findUser('cryptopocket')
  if (user) return user
  throw new EmbeddedDatabaseError(
    `PostgreSQL refuses to run as root, and no unprivileged user was found or could be made (${made.output}).`,
    'Start the program as an ordinary user, add a user named cryptopocket, or name a database with DATABASE_URL.',
  )
}

async function findUser(name: string): Promise<RunAs | undefined> {
  const uid = await run('id', ['-u', name], undefined)
  const gid = await run('id', ['-g', name], undefined)
  if (uid.code !== 0 || gid.code !== 0) return undefined
  return { uid: Number(uid.output), gid: Number(gid.output) }
}

export async function readPlace(dataDir: string): Promise<Place | undefined> {
  const path = join(dataDir, 'postgres.json')
  try {
    const kept = JSON.parse(await readFile(path, 'utf8'))
    // A database inside the data folder moves with it; only one outside is remembered by its path.
    return { ...kept, folder: kept.folder ?? join(dataDir, 'postgres') }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new EmbeddedDatabaseError(
      `${path} can't be read (${(error as Error).message}); it holds the password of the embedded database.`,
      'Restore it from a backup, or start with the user that made it.',
      error,
    )
  }
}

export async function keepPlace(dataDir: string, place: Place): Promise<void> {
  await rename(await draftPlace(dataDir, place), join(dataDir, 'postgres.json'))
}

/** Keeps a new place unless another start was faster: then that one's counts. */
export async function keepFirstPlace(dataDir: string, place: Place): Promise<Place> {
  const draft = await draftPlace(dataDir, place)
  try {
    await link(draft, join(dataDir, 'postgres.json'))
    return place
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const first = await readPlace(dataDir)
    if (first && first.folder !== place.folder) await rm(place.folder, { recursive: true })
    return first ?? place
  } finally {
    await rm(draft)
  }
}

async function draftPlace(dataDir: string, place: Place): Promise<string> {
  const path = join(dataDir, `postgres.json.${process.pid}`)
  const inside = place.folder === join(dataDir, 'postgres')
  const kept = { ...place, folder: inside ? undefined : place.folder }
  await writeFile(path, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600, flush: true })
  return path
}

/**
 * Chooses and makes the folder for a new database: inside the data folder where PostgreSQL's user can reach that,
 * else a system folder of a name of its own, so that a data folder made anew never meets the database of an old one.
 */
export async function makePlace(
  dataDir: string,
  runAs: RunAs | undefined,
  systemFolders: string[],
  log: (message: string) => void,
): Promise<Place> {
  const password = randomBytes(24).toString('base64url')
  const inside = join(dataDir, 'postgres')
  if (!runAs) {
    await mkdir(inside, { recursive: true, mode: 0o700 })
    return { folder: inside, port: 0, password, made: false }
  }
  if ((await openTo(dataDir, runAs)) && (await makeFolderOf(inside, runAs))) {
    return { folder: inside, port: 0, password, made: false }
  }
  const name = `${basename(dirname(dataDir))}-${randomBytes(6).toString('hex')}`.replace(/[^A-Za-z0-9-]/g, '')
  for (const parent of systemFolders) {
    const folder = join(parent, name)
    if (!(await makeOwnFolder(parent))) continue
    await tellOfOlder(parent, dataDir, log)
    if (!(await makeFolderOf(folder, runAs))) continue
    await writeFile(join(folder, ORIGIN), dataDir)
    log(`The database lies in ${folder}, because its user can't reach ${dataDir}.`)
    return { folder, port: 0, password, made: false }
  }
  throw new EmbeddedDatabaseError(
    `We run as root, PostgreSQL must not, and the user it runs as can reach neither ${dataDir} nor a folder in ${systemFolders.join(' or ')}.`,
    'Set DATA_DIR to a folder that other users may enter, or name a database with DATABASE_URL.',
  )
}

/** A file beside a database outside its data folder: the data folder's path. */
const ORIGIN = 'belongs-to'

/** Whoever deletes a data folder to begin anew should hear of the database that lay elsewhere. */
async function tellOfOlder(parent: string, dataDir: string, log: (message: string) => void): Promise<void> {
  for (const name of await readdir(parent)) {
    const origin = await readFile(join(parent, name, ORIGIN), 'utf8').catch(() => undefined)
    if (origin === dataDir)
      log(`An older database of ${dataDir} lies in ${join(parent, name)}; delete it if it isn't needed.`)
  }
}

async function canEnter(path: string, runAs: RunAs): Promise<boolean> {
  return (await run('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], runAs)).code === 0
}

/** Lets PostgreSQL's group, and nobody else, pass through the data folder, if what lies above lets it come so far. */
async function openTo(dataDir: string, runAs: RunAs): Promise<boolean> {
  if (await canEnter(dataDir, runAs)) return true
  if (!(await canEnter(dirname(dataDir), runAs))) return false
  const { uid, mode } = await stat(dataDir)
  await chown(dataDir, uid, runAs.gid)
  await chmod(dataDir, (mode & 0o7777) | 0o010)
  return canEnter(dataDir, runAs)
}

/** False where the file system doesn't let us give a folder away (some mounted volumes). */
async function makeFolderOf(path: string, runAs: RunAs): Promise<boolean> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await chown(path, runAs.uid, runAs.gid)
    return (await stat(path)).uid === runAs.uid && platform() !== 'win32'
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return false
    throw error
  }
}
