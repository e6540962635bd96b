import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'

const built = join(import.meta.dirname, '../../dist/web')
const limit = 60 * 1024

interface Chunk {
  file: string
  isEntry?: boolean
  imports?: string[]
  dynamicImports?: string[]
  css?: string[]
}

const manifest = JSON.parse(readFileSync(join(built, '.vite/manifest.json'), 'utf8')) as Record<string, Chunk>
const compressed = (file: string) => gzipSync(readFileSync(join(built, file)), { level: 9 }).length

/** All files that load together with this one. */
function filesOf(name: string, seen = new Set<string>()): Set<string> {
  const chunk = manifest[name]!
  seen.add(chunk.file)
  for (const sheet of chunk.css ?? []) seen.add(sheet)
  for (const other of chunk.imports ?? []) if (!seen.has(manifest[other]!.file)) filesOf(other, seen)
  return seen
}

/** What the page itself names: scripts, styles, its icon. */
function named(page: string): string[] {
  const html = readFileSync(join(built, page), 'utf8')
  return [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((match) => match[1]!)
}

/** The page, its scripts and styles, and its largest language: what comes before the first step is shown. */
function firstLoad(page: string): number {
  const files = new Set([...filesOf(page), ...named(page)])
  assert.ok(
    [...files].some((file) => file.endsWith('.css')),
    `${page} has its styles`,
  )
  const languages = (manifest[page]!.dynamicImports ?? []).filter((name) => name.includes('/messages/'))
  assert.equal(languages.length, 3, `${page} has three languages`)
  const language = languages.sort((a, b) => compressed(manifest[b]!.file) - compressed(manifest[a]!.file))[0]!
  for (const file of filesOf(language)) files.add(file)
  return [...files, page].reduce((sum, file) => sum + compressed(file), 0)
}

describe('the first load of each page', () => {
  const pages = Object.keys(manifest).filter((name) => manifest[name]!.isEntry)

  it('knows the pages', () => {
    for (const page of [
      'payment.html',
      'kyc.html',
      'kyb.html',
      'simulators/card.html',
      'simulators/bank.html',
      'simulators/paypal.html',
      'simulators/local.html',
    ]) {
      assert.ok(pages.includes(page), page)
    }
  })

  for (const page of pages) {
    it(`${page} is under 60 KB compressed`, (test) => {
      const size = firstLoad(page)
      test.diagnostic(`${page}: ${(size / 1024).toFixed(1)} KB`)
      assert.ok(size < limit, `${size} bytes`)
    })
  }
})
