/**
 * Adds to the lock file the packages of other platforms that npm left out, run by hand after a change of packages:
 *
 *     node scripts/complete-lock.mjs
 *
 * npm leaves an optional package out of the lock when its registry (some mirrors) doesn't offer it, and then refuses
 * `npm ci` because of the hole. The entries say what is known without the package: name, version, platform. They have
 * no checksum; `npm install` on a machine with the whole registry adds it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const OS = {
  android: 'android',
  darwin: 'darwin',
  freebsd: 'freebsd',
  linux: 'linux',
  win32: 'win32',
  windows: 'win32',
}
const CPU = {
  arm64: 'arm64',
  arm: 'arm',
  x64: 'x64',
  amd64: 'x64',
  ia32: 'ia32',
  wasm32: 'wasm32',
  ppc64: 'ppc64',
}

/** The optional dependencies that no entry of the lock answers to, each with the entry that asks for it. */
export function holesOf(packages) {
  const holes = []
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!resolves(packages, path, name)) holes.push({ parent: path, name, version })
    }
  }
  return holes
}

/** As Node looks for it: in the package's own `node_modules`, then in those of the folders above. */
function resolves(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    if (packages[`${folder && `${folder}/`}node_modules/${name}`]) return true
    if (folder === '') return false
  }
}

function entryFor({ parent, name, version }, packages) {
  const siblings = Object.keys(packages[parent].optionalDependencies)
  const sibling = siblings.map((other) => packages[`node_modules/${other}`]).find(Boolean) ?? {}
  const words = name.split(/[/-]/)
  const os = words.map((word) => OS[word]).find(Boolean)
  const cpu = words.map((word) => CPU[word]).find(Boolean)
  if (!/^\d+\.\d+\.\d+/.test(version) || (!os && !cpu)) {
    throw new Error(
      `What ${name}@${version} is for can't be told from its name; add it to package-lock.json by hand.`,
    )
  }
  const libc = words.includes('musl')
    ? 'musl'
    : words.includes('gnu') || siblings.includes(`${name}-musl`)
      ? 'glibc'
      : undefined
  return {
    version,
    ...(cpu && { cpu: [cpu] }),
    ...(packages[parent].dev && { dev: true }),
    ...(libc && { libc: [libc] }),
    ...(sibling.license && { license: sibling.license }),
    optional: true,
    ...(os && { os: [os] }),
    ...(sibling.engines && { engines: sibling.engines }),
  }
}

function main() {
  const path = join(dirname(dirname(fileURLToPath(import.meta.url))), 'package-lock.json')
  const lock = JSON.parse(readFileSync(path, 'utf8'))
  const holes = holesOf(lock.packages)
  for (const hole of holes) lock.packages[`node_modules/${hole.name}`] = entryFor(hole, lock.packages)
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
  lock.packages = Object.fromEntries(sorted)
  if (holes.length > 0) writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`Added ${holes.length}: ${holes.map(({ name }) => name).join(', ') || 'nothing was missing'}.`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
