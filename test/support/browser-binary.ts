import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import chromium, { inflate } from '@sparticuz/chromium'

export interface BrowserBinary {
  path: string
  /** What the browser's process needs besides ours: fonts of its own, and libraries where the system has none. */
  env: Record<string, string>
}

let found: Promise<BrowserBinary> | undefined

/**
 * Chromium from the npm package, unpacked once (some 5 s) into `node_modules/.cache`. The package itself unpacks to
 * a fixed path in the temporary folder, where two tests at once meet half a browser and another user's is locked.
 */
export function browserBinary(): Promise<BrowserBinary> {
  found ??= unpack().then(withEnvironment)
  return found
}

async function unpack(): Promise<string> {
  const packageFolder = dirname(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))))
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))
  const folder = join(cacheFolder(), `browser-${version}`)
  if (existsSync(folder)) return folder
  const draft = mkdtempSync(join(dirname(folder), '.chromium-'))
  const { TMPDIR } = process.env
  try {
    // The package asks `os.tmpdir()` where to, and `os.tmpdir()` asks this variable.
    process.env.TMPDIR = draft
    await chromium.executablePath()
    await inflate(join(packageFolder, 'bin', 'al2023.tar.br'))
    writeFileSync(join(draft, 'fonts', 'fonts.conf'), fontsConfiguration(folder))
    renameSync(draft, folder)
  } catch (error) {
    // Another test file was faster.
    if (!existsSync(folder)) throw error
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
    rmSync(draft, { recursive: true, force: true })
  }
  return folder
}

/**
 * The package's own names fixed folders, one of them in the temporary folder: without fonts texts have no width, and the browser
 * gives up. Fonts of the machine are left out, so that a page looks the same on all.
 */
const fontsConfiguration = (folder: string): string => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${escapeText(join(folder, 'fonts', 'fonts'))}</dir>
  <cachedir>${escapeText(join(folder, 'fonts-cache'))}</cachedir>
</fontconfig>
`

const escapeText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

function cacheFolder(): string {
  const modules = dirname(dirname(createRequire(import.meta.url).resolve('pg/package.json')))
  for (const folder of [
    join(modules, '.cache'),
    join(tmpdir(), `cryptopocket-cache-${process.getuid?.() ?? 0}`),
  ]) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      rmSync(mkdtempSync(join(folder, 'try-')), { recursive: true })
      return folder
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
  throw new Error('There is no folder to unpack the browser into.')
}

function withEnvironment(folder: string): BrowserBinary {
  const path = join(folder, 'chromium')
  const env: Record<string, string> = { FONTCONFIG_PATH: join(folder, 'fonts') }
  if (runs(path, env)) return { path, env }
  // A machine without NSS and its like: the package brings them.
  env.LD_LIBRARY_PATH = join(folder, 'al2023', 'lib')
  if (runs(path, env)) return { path, env }
  const { stderr, error } = spawnSync(path, ['--version'], { encoding: 'utf8', env })
  throw new Error(`The browser of the tests does not run on this machine: ${error?.message ?? stderr}`)
}

function runs(path: string, env: Record<string, string>): boolean {
  return spawnSync(path, ['--version'], { env: { ...process.env, ...env } }).status === 0
}
