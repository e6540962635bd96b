/** Builds the web pages into `dist/web` when their sources have changed since. Node 20, no package. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { Failure } from './failure.mjs'
import { withProgress } from './progress.mjs'

/**
 * Whether the pages have to be built. A program that was delivered without the sources of its pages has them built
 * already.
 */
export function pagesAreStale(root) {
  if (!existsSync(join(root, 'web')) && existsSync(join(root, 'dist', 'web'))) return false
  return readStamp(root) !== hashOfSources(root)
}

const stampPath = (root) => join(root, 'dist', 'web.stamp')

function readStamp(root) {
  return existsSync(stampPath(root)) && existsSync(join(root, 'dist', 'web'))
    ? readFileSync(stampPath(root), 'utf8')
    : ''
}

/** Over everything the built pages depend on: their files, what those import from elsewhere, the tools' versions. */
function hashOfSources(root) {
  const files = new Set(['vite.config.ts', 'package-lock.json'].map((name) => join(root, name)))
  for (const entry of walk(join(root, 'web'))) files.add(entry)
  // Visits what it adds while it goes.
  for (const file of files) {
    if (!/\.[cm]?[jt]sx?$/.test(file) || !existsSync(file)) continue
    for (const [, target] of readFileSync(file, 'utf8').matchAll(
      /(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"?]+)/g,
    )) {
      const path = join(dirname(file), target)
      if (existsSync(path) && statSync(path).isFile()) files.add(path)
    }
  }
  const hash = createHash('sha256')
  for (const file of [...files].sort()) {
    hash.update(relative(root, file).split(sep).join('/'))
    hash.update(existsSync(file) ? readFileSync(file) : 'missing')
  }
  return hash.digest('hex')
}

function walk(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? walk(path) : [path]
  })
}

/** Builds with the Node.js `node`, the one the program itself runs on. */
export async function buildPages(root, node) {
  if (!existsSync(join(root, 'vite.config.ts'))) {
    throw new Failure(
      'The web pages can’t be built: vite.config.ts is missing.',
      'The checkout is not complete; restore it: git checkout vite.config.ts web',
    )
  }
  const hash = hashOfSources(root)
  mkdirSync(join(root, 'dist'), { recursive: true })
  rmSync(stampPath(root), { force: true })
  await withProgress('Building the pages', async () => {
    const { code, output } = await runVite(root, node)
    if (code === 0) return
    const said = output.trim().split('\n').slice(-30).join('\n')
    if (/ENOSPC/.test(output)) {
      throw new Failure(
        'The web pages can’t be built: there is no room left on the disk.',
        'Make room and start again.',
        said,
      )
    }
    throw new Failure('The web pages can’t be built.', 'What the builder said is above.', said)
  })
  writeFileSync(stampPath(root), hash)
}

function runVite(root, node) {
  return new Promise((resolve) => {
    const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
    const child = spawn(node, [vite, 'build', '--logLevel', 'warn'], {
      cwd: root,
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'pipe', 'pipe'],
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
