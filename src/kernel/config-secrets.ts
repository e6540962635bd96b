import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { generateMnemonic, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'

/** Reads 32 bytes written as 64 hex digits, or as base64 or base64url; `undefined` for anything else. */
export function parseMasterKey(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined
  const key = Buffer.from(text, 'base64')
  return key.length === 32 ? key : undefined
}

export const newMasterKey = (): string => randomBytes(32).toString('hex')

/** Lower case with single spaces, or `undefined` when it isn't a BIP-39 mnemonic with a right checksum. */
export function parseMnemonic(text: string): string | undefined {
  const mnemonic = text.trim().toLowerCase().split(/\s+/).join(' ')
  return validateMnemonic(mnemonic, wordlist) ? mnemonic : undefined
}

export const newMnemonic = (): string => generateMnemonic(wordlist, 256)

/** Whether a key is one that anybody could guess: too few different bytes, a plain count, or readable text. */
export function isKnownMasterKey(text: string, key: Buffer): boolean {
  if (isPlaceholder(text)) return true
  if (new Set(key).size < 12) return true
  const step = (key[1]! - key[0]! + 256) % 256
  if (key.every((byte, index) => index === 0 || (key[index - 1]! + step) % 256 === byte)) return true
  return key.every((byte) => byte >= 0x20 && byte < 0x7f)
}

/** Whether a secret is a placeholder of examples and sandboxes. */
export function isPlaceholder(secret: string): boolean {
  return /^(sandbox|change-?me|secret|password|postgres|example|test|default|admin|root)([-_ ].*|\d*)$/i.test(
    secret,
  )
}

// Published in the documentation of Hardhat, Anvil, Truffle and Ganache, and in the BIP-39 test vectors.
const PUBLISHED_MNEMONICS = [
  'candy maple cake sugar pudding cream honey rich smooth crumble sweet treat',
  'myth like bonus scare over problem client lizard pioneer submit female collect',
  'legal winner thank year wave sausage worth useful legal winner thank yellow',
  'letter advice cage absurd amount doctor acoustic avoid letter advice cage above',
]

export function isKnownMnemonic(mnemonic: string): boolean {
  const words = mnemonic.split(' ')
  // Eleven times "test" and "junk", eleven times "abandon" and "about", and their like: nobody draws these by chance.
  return new Set(words).size <= words.length / 2 || PUBLISHED_MNEMONICS.includes(mnemonic)
}

/**
 * Reads a secret the sandbox keeps in its data folder, and makes it first when it isn't there. The file appears
 * whole and on the disk or not at all, also when two processes begin at once: what is wrapped with a lost key is lost.
 */
export function keepSecret(path: string, make: () => string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, `${make()}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  try {
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  syncFolder(dirname(path))
  return readFileSync(path, 'utf8').trim()
}

function syncFolder(path: string): void {
  // Windows can't open a folder, and records a new name without being asked.
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
