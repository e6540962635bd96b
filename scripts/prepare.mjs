/**
 * Runs before `npm start`, `npm test` and the others: installs what is missing and builds the pages when they are
 * stale, so that a fresh clone needs no other command. It runs on whatever Node.js there is, from 20 on, before any
 * package is there; the command after it runs on the Node.js that the packages bring.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Failure } from './failure.mjs'
import { explainMissing, installPackages, mendModes, missingPackages, nodePackage } from './packages.mjs'
import { buildPages, pagesAreStale } from './pages.mjs'
import { paint, withProgress } from './progress.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

async function main() {
  if (isReady()) return
  const release = await lock()
  try {
    if (missingPackages(root, needsDev()).length > 0) {
      await installPackages(root)
      const missing = missingPackages(root, true)
      if (missing.length > 0) throw explainMissing(missing)
    }
    mendModes(root)
    const node = findNode()
    if (pagesAreStale(root)) await buildPages(root, node)
  } finally {
    release()
  }
}

function isReady() {
  return missingPackages(root, needsDev()).length === 0 && !pagesAreStale(root) && runsTypeScript()
}

/** Whether this run needs what only building and testing use: a lean production installation starts without it. */
function needsDev() {
  return !/^pre(start|cli|demo)$/.test(process.env.npm_lifecycle_event ?? '') || pagesAreStale(root)
}

/** Whether the Node.js that runs this, and so the command after it, can run the program. */
function runsTypeScript() {
  return Number(process.versions.node.split('.')[0]) >= 24
}

/** The Node.js the program will run on: the packages' own, else the one at hand if it is new enough. */
function findNode() {
  const windows = process.platform === 'win32'
  const own = join(root, 'node_modules', nodePackage(), 'bin', windows ? 'node.exe' : 'node')
  if (existsSync(own)) {
    const { status, stderr, error } = spawnSync(own, ['--version'], { encoding: 'utf8' })
    if (status === 0) return own
    // Out of the way, or no npm script would find a Node.js that works.
    const link = join(root, 'node_modules', '.bin', 'node')
    if (existsSync(link)) unlinkSync(link)
    if (!runsTypeScript())
      throw noNode(
        `The Node.js of the package ${nodePackage()} does not run here: ${error?.message ?? stderr}`,
      )
  } else if (!runsTypeScript()) {
    throw noNode(`There is no Node.js package for this machine (${process.platform} ${process.arch}).`)
  }
  return process.execPath
}

function noNode(problem) {
  return new Failure(problem, `Install Node.js 24 or newer (this is ${process.version}), then start again.`)
}

/** One preparation of a checkout at a time; one that was killed leaves a lock that the next sees through. */
async function lock() {
  const folder = join(root, 'dist')
  const path = join(folder, 'prepare.lock')
  mkdirSync(folder, { recursive: true })
  const attempt = () => {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' })
      return true
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      if (!holderIsAlive(path)) rmSync(path, { force: true })
      return false
    }
  }
  if (!attempt()) {
    await withProgress('Waiting for another command that prepares this checkout', async () => {
      while (!attempt()) await delay(200)
    })
  }
  return () => rmSync(path, { force: true })
}

function holderIsAlive(path) {
  try {
    process.kill(Number(readFileSync(path, 'utf8')) || 0x7fffffff, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

try {
  await main()
} catch (error) {
  if (error instanceof Failure) {
    if (error.detail) process.stderr.write(`${error.detail}\n\n`)
    process.stderr.write(`${paint('31', error.problem)} ${error.mend}\n`)
  } else if (['EACCES', 'EROFS', 'EPERM', 'ENOSPC'].includes(error.code)) {
    const full = error.code === 'ENOSPC'
    process.stderr.write(
      `${paint('31', full ? 'There is no room left on the disk.' : `The checkout can’t be written (${error.path}).`)} ` +
        `${full ? 'Make room' : 'Give this user the right to write to it'} and start again.\n`,
    )
  } else {
    throw error
  }
  process.exitCode = 1
}
