import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ipaddr from 'ipaddr.js'
import { readDurations } from './config-durations.ts'
import { refuseUnfitForProduction } from './config-production.ts'
import {
  type ConfigProblem,
  type ConfigReader,
  createConfigReader,
  type Environment,
} from './config-reader.ts'
import {
  isKnownMasterKey,
  isKnownMnemonic,
  keepSecret,
  newMasterKey,
  newMnemonic,
  parseMasterKey,
  parseMnemonic,
} from './config-secrets.ts'
import { readStuckAfter, type StuckThresholds } from './stuck-thresholds.ts'

export { describeVariables, VARIABLES } from './config-variables.ts'
export type { ConfigProblem, Environment }

const PRICE_SOURCES = ['simulated', 'coinbase', 'kraken'] as const
export type PriceSourceName = (typeof PRICE_SOURCES)[number]

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export interface Config {
  mode: 'sandbox' | 'production'
  role: 'all' | 'api' | 'worker'
  host: string
  /** 0 takes a free port; `publicUrl` then names port 0 unless it was given. */
  port: number
  /** Scheme, host and port, without a slash at the end. */
  publicUrl: string
  /** Absolute. */
  dataDir: string
  /** Addresses and CIDR ranges whose word on the caller's address is taken. */
  trustProxy: string[]
  /** Whether files that are given by an address may lie on this machine; never in production. */
  filesFromLoopback: boolean
  logLevel: (typeof LOG_LEVELS)[number]
  database: {
    /** Absent: the program starts its own PostgreSQL in `dataDir`. */
    url: string | undefined
    poolSize: number
  }
  /** 32 bytes. */
  masterKey: Buffer
  walletMnemonic: string
  /** Absent: a local chain in the sandbox, off in production. */
  chainRpcUrls: { polygon: string | undefined; bsc: string | undefined }
  /** A second node for each chain, which must agree before a deposit is final; absent: the first is believed. */
  chainSecondRpcUrls: { polygon: string | undefined; bsc: string | undefined }
  /** How many blocks deep is final; absent: what is usual on that chain. */
  chainConfirmations: { polygon: number | undefined; bsc: number | undefined }
  /** Absent: transfers on that chain go singly. */
  disperseContracts: { polygon: string | undefined; bsc: string | undefined }
  /** The most of a coin (`polygon:USDC`) or currency that may leave one wallet or bank account on one day, as decimal text in major units. */
  dailyOutflowCaps: ReadonlyMap<string, string>
  /** The least of a coin that is moved from a sale's address to the hot wallet, likewise. */
  sweepMinimums: ReadonlyMap<string, string>
  providers: {
    /** `files`: no bank's API; orders leave in files, and statements are imported. */
    bank: 'simulated' | 'files' | 'none'
    card: 'simulated' | 'none'
    openBanking: 'simulated' | 'none'
    paypal: 'simulated' | 'none'
    /** The methods of Latin America. */
    local: 'simulated' | 'none'
    kyc: 'simulated' | 'operator'
    /** Empty: there are no prices, and so no quotes. */
    priceSources: PriceSourceName[]
  }
  /** Absent: the sample of invented names that comes with the program. */
  sanctionsFile: string | undefined
  statements: {
    /** Absolute; absent: no folder is watched for bank statements. */
    folder: string | undefined
    /** How long a file in it must not have changed. */
    stillMs: number
    maxBytes: number
  }
  /** After how long money counts as stuck, by kind. */
  stuckAfter: StuckThresholds
  rateLimitPerMinute: number
  durations: {
    tokenLifetimeMs: number
    secretRotationOverlapMs: number
    idempotencyLifetimeMs: number
    quoteLifetimeMs: number
    transferQuoteLifetimeMs: number
    priceMaxAgeMs: number
    guidedPriceLifetimeMs: number
    /** card, psd2 and paypal. */
    instantPaymentLifetimeMs: number
    localPaymentLifetimeMs: number
    transferStartedLifetimeMs: number
    transferPendingLifetimeMs: number
    reviewLifetimeMs: number
    dispatchDeadlineMs: number
    saleDepositWindowMs: number
    saleConversionDeadlineMs: number
    salePayoutDeadlineMs: number
    kycLinkLifetimeMs: number
    kybLinkLifetimeMs: number
    onboardingLinkLifetimeMs: number
    webhookRetryPeriodMs: number
  }
}

/** All that is wrong with the configuration, each problem with its mend; the message is made to be shown as it is. */
export class ConfigError extends Error {
  problems: ConfigProblem[]

  constructor(problems: ConfigProblem[]) {
    super(problems.map(({ problem, mend }) => `${problem} ${mend}`).join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/**
 * Reads and checks the whole configuration. In the sandbox the secrets that aren't given are made and kept in the
 * data folder. Throws one `ConfigError` that names every problem.
 */
export function loadConfig(env: Environment): Config {
  const read = createConfigReader(env)
  const mode = read.oneOf('MODE', ['sandbox', 'production'])
  const host = read.text('HOST')!
  const port = read.integer('PORT', { min: 0, max: 65_535 })
  const dataDir = resolve(read.text('DATA_DIR')!)
  const folder = readPlace(read, 'STATEMENT_FOLDER', 'a folder that this user can write to')
  const settings: Omit<Config, 'masterKey' | 'walletMnemonic'> = {
    mode,
    role: read.oneOf('ROLE', ['all', 'api', 'worker']),
    host,
    port,
    publicUrl: readPublicUrl(read, host, port),
    dataDir,
    trustProxy: readTrustProxy(read),
    filesFromLoopback: read.oneOf('FILES_FROM_LOOPBACK', ['false', 'true']) === 'true',
    logLevel: read.oneOf('LOG_LEVEL', LOG_LEVELS),
    database: {
      url: readDatabaseUrl(read),
      poolSize: read.integer('DATABASE_POOL_SIZE', { min: 2, max: 1000 }),
    },
    chainRpcUrls: { polygon: readRpcUrl(read, 'POLYGON_RPC_URL'), bsc: readRpcUrl(read, 'BSC_RPC_URL') },
    chainSecondRpcUrls: {
      polygon: readSecondRpcUrl(read, 'POLYGON'),
      bsc: readSecondRpcUrl(read, 'BSC'),
    },
    chainConfirmations: {
      polygon: readConfirmations(read, 'POLYGON_CONFIRMATIONS'),
      bsc: readConfirmations(read, 'BSC_CONFIRMATIONS'),
    },
    disperseContracts: {
      polygon: readContract(read, 'POLYGON_DISPERSE_CONTRACT'),
      bsc: readContract(read, 'BSC_DISPERSE_CONTRACT'),
    },
    dailyOutflowCaps: readCoins(read, 'DAILY_OUTFLOW_CAP', 'polygon:USDC=250000,bsc:BNB=100,EUR=500000'),
    sweepMinimums: readCoins(read, 'SWEEP_MINIMUM', 'polygon:USDC=1,bsc:BNB=0.002'),
    providers: {
      bank: read.oneOf('BANK_PROVIDER', ['none', 'files', 'simulated']),
      card: read.oneOf('CARD_PROVIDER', ['none', 'simulated']),
      openBanking: read.oneOf('OPEN_BANKING_PROVIDER', ['none', 'simulated']),
      paypal: read.oneOf('PAYPAL_PROVIDER', ['none', 'simulated']),
      local: read.oneOf('LOCAL_PROVIDER', ['none', 'simulated']),
      kyc: read.oneOf('KYC_PROVIDER', ['operator', 'simulated']),
      priceSources: readPriceSources(read),
    },
    sanctionsFile: readPlace(
      read,
      'SANCTIONS_FILE',
      'a JSON file {"name": "...", "people": ["...", ...]} that this user can read',
    ),
    statements: {
      folder: folder && resolve(folder),
      stillMs: read.durationMs('STATEMENT_FOLDER_STILL'),
      maxBytes: read.integer('STATEMENT_MAX_BYTES', { min: 1_000, max: 999_999_999 }),
    },
    stuckAfter: readStuckAfter(read),
    rateLimitPerMinute: read.integer('RATE_LIMIT_PER_MINUTE', { min: 1, max: 10_000_000 }),
    durations: readDurations(read),
  }
  if (mode === 'production') refuseUnfitForProduction(read, settings)
  // Secrets are made last, and only when nothing else is wrong: a refused start leaves nothing behind.
  const masterKey = readMasterKey(read, mode, dataDir)
  const walletMnemonic = readMnemonic(read, mode, dataDir)
  if (read.problems.length > 0 || !masterKey || !walletMnemonic) throw new ConfigError(read.problems)
  return { ...settings, masterKey, walletMnemonic }
}

function readPublicUrl(read: ConfigReader, host: string, port: number): string {
  const given = read.text('PUBLIC_URL')
  if (given === undefined) return `http://${addressable(host)}:${port}`
  const url = URL.parse(given)
  const plain = url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash
  if (plain && !url.username && !url.password) return url.origin
  read.report(
    'PUBLIC_URL',
    `PUBLIC_URL is ${JSON.stringify(given)}, but must be scheme, host and, if need be, port alone.`,
    'Write it like https://ramp.example.com, without a path, a query or a user.',
  )
  return 'http://invalid'
}

/** The address under which the listening socket can be reached from the same machine. */
function addressable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

function readTrustProxy(read: ConfigReader): string[] {
  return read.list('TRUST_PROXY').filter((item) => {
    if (item.includes('/') ? ipaddr.isValidCIDR(item) : ipaddr.isValid(item)) return true
    read.report(
      'TRUST_PROXY',
      `TRUST_PROXY holds ${JSON.stringify(item)}, which is no address and no CIDR range.`,
      'Name your proxies like TRUST_PROXY=10.0.0.5,192.168.0.0/16, or leave it out.',
    )
    return false
  })
}

function readDatabaseUrl(read: ConfigReader): string | undefined {
  const url = read.text('DATABASE_URL')
  if (url === undefined || /^postgres(ql)?:\/\/./.test(url)) return url
  read.report(
    'DATABASE_URL',
    'DATABASE_URL is set, but is no PostgreSQL address.',
    'Write it like postgres://user:password@host:5432/database, or leave it out to use the embedded PostgreSQL.',
  )
  return undefined
}

/** A file or folder that must be there; `what` says what to name. */
function readPlace(
  read: ConfigReader,
  name: 'SANCTIONS_FILE' | 'STATEMENT_FOLDER',
  what: string,
): string | undefined {
  const path = read.text(name)
  if (path === undefined || existsSync(path)) return path
  const problem = `${name} names ${path}, which is not there.`
  read.report(name, problem, `Name ${what}, or leave it out.`)
  return undefined
}

function readRpcUrl(
  read: ConfigReader,
  name: 'POLYGON_RPC_URL' | 'BSC_RPC_URL' | 'POLYGON_SECOND_RPC_URL' | 'BSC_SECOND_RPC_URL',
): string | undefined {
  const given = read.text(name)
  if (given === undefined || /^https?:$/.test(URL.parse(given)?.protocol ?? '')) return given
  read.report(
    name,
    `${name} is set, but is no http(s) address.`,
    `Write it like ${name}=https://node.example.com/key, or leave it out.`,
  )
  return undefined
}

/** Without a first node there is nothing for it to agree with, and who set it would believe that it was asked. */
function readSecondRpcUrl(read: ConfigReader, chain: 'POLYGON' | 'BSC'): string | undefined {
  const name = `${chain}_SECOND_RPC_URL` as const
  const first = `${chain}_RPC_URL` as const
  const url = readRpcUrl(read, name)
  if (url !== undefined && read.text(first) === undefined)
    read.report(name, `${name} is set, but ${first} is not.`, `Set ${first} too, or leave ${name} out.`)
  return url
}

function readConfirmations(
  read: ConfigReader,
  name: 'POLYGON_CONFIRMATIONS' | 'BSC_CONFIRMATIONS',
): number | undefined {
  return read.text(name) === undefined ? undefined : read.integer(name, { min: 1, max: 10_000 })
}

function readContract(
  read: ConfigReader,
  name: 'POLYGON_DISPERSE_CONTRACT' | 'BSC_DISPERSE_CONTRACT',
): string | undefined {
  const given = read.text(name)
  if (given === undefined || /^0x[0-9a-fA-F]{40}$/.test(given)) return given
  read.report(
    name,
    `${name} is set, but is no address of a contract.`,
    'Write it like 0x and 40 hexadecimal digits, or leave it out.',
  )
  return undefined
}

function readCoins(
  read: ConfigReader,
  name: 'DAILY_OUTFLOW_CAP' | 'SWEEP_MINIMUM',
  example: string,
): ReadonlyMap<string, string> {
  const amounts = new Map<string, string>()
  // Bank accounts have caps too; only coins are swept.
  const form =
    name === 'SWEEP_MINIMUM'
      ? /^([a-z]+:[A-Z0-9]+)=(\d+(?:\.\d+)?)$/
      : /^([a-z]+:[A-Z0-9]+|[A-Z]{3})=(\d+(?:\.\d+)?)$/
  for (const item of read.list(name)) {
    const [, asset, amount] = form.exec(item) ?? []
    if (asset && amount) amounts.set(asset, amount)
    else {
      read.report(
        name,
        `${name} holds ${JSON.stringify(item)}, which is no coin with an amount.`,
        `Write it like ${example}, or leave it out.`,
      )
    }
  }
  return amounts
}

function readPriceSources(read: ConfigReader): PriceSourceName[] {
  const named = [...new Set(read.list('PRICE_SOURCES').map((source) => source.toLowerCase()))]
  if (named.length === 1 && named[0] === 'none') return []
  const unknown = named.filter((name) => !PRICE_SOURCES.some((source) => source === name))
  if (unknown.length > 0) {
    read.report(
      'PRICE_SOURCES',
      `PRICE_SOURCES names ${unknown.map((source) => JSON.stringify(source)).join(', ')}, which isn't known.`,
      `Known are ${PRICE_SOURCES.join(', ')}, or none alone.`,
    )
  }
  return PRICE_SOURCES.filter((source) => named.includes(source))
}

function readMasterKey(read: ConfigReader, mode: Config['mode'], dataDir: string): Buffer | undefined {
  const given = read.text('MASTER_KEY')
  const mend = 'Make one with `openssl rand -hex 32`, keep it safe, and give it as MASTER_KEY.'
  if (given === undefined && mode === 'production') {
    read.report('MASTER_KEY', 'MASTER_KEY is missing, and production makes none by itself.', mend)
    return undefined
  }
  const path = join(dataDir, 'master.key')
  const text = given ?? keptSecret(read, 'MASTER_KEY', path, newMasterKey)
  if (text === undefined) return undefined
  const key = parseMasterKey(text)
  if (!key) {
    const where = given === undefined ? `${path} holds` : 'MASTER_KEY is'
    const wrong = `${where} no master key: it must be 32 bytes, as 64 hex digits or as base64.`
    const restore = `Restore ${path} from your backup; a new key can't read what the old one wrapped.`
    read.report('MASTER_KEY', wrong, given === undefined ? restore : mend)
  } else if (mode === 'production' && isKnownMasterKey(text, key)) {
    read.report('MASTER_KEY', 'MASTER_KEY is a placeholder or a pattern that anybody could guess.', mend)
  }
  return key
}

function readMnemonic(read: ConfigReader, mode: Config['mode'], dataDir: string): string | undefined {
  const given = read.text('WALLET_MNEMONIC')
  const mend = 'Give the 12 to 24 BIP-39 words of a wallet that is yours alone as WALLET_MNEMONIC.'
  if (given === undefined && mode === 'production') {
    read.report('WALLET_MNEMONIC', 'WALLET_MNEMONIC is missing, and production makes none by itself.', mend)
    return undefined
  }
  const path = join(dataDir, 'wallet.mnemonic')
  const text = given ?? keptSecret(read, 'WALLET_MNEMONIC', path, newMnemonic)
  if (text === undefined) return undefined
  const mnemonic = parseMnemonic(text)
  if (!mnemonic) {
    const where = given === undefined ? `${path} holds` : 'WALLET_MNEMONIC is'
    const wrong = `${where} no BIP-39 mnemonic: a word is unknown or the checksum is wrong.`
    const restore = `Restore ${path} from your backup; the coins of the wallets hang on it.`
    read.report('WALLET_MNEMONIC', wrong, given === undefined ? restore : mend)
  } else if (mode === 'production' && isKnownMnemonic(mnemonic)) {
    read.report(
      'WALLET_MNEMONIC',
      'WALLET_MNEMONIC is a published test mnemonic: anybody can take its coins.',
      mend,
    )
  }
  return mnemonic
}

/** The sandbox's own secret; `undefined` when something is wrong already or the data folder can't be used. */
function keptSecret(
  read: ConfigReader,
  name: 'MASTER_KEY' | 'WALLET_MNEMONIC',
  path: string,
  make: () => string,
): string | undefined {
  if (read.problems.length > 0) return undefined
  try {
    return keepSecret(path, make)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    read.report(
      'DATA_DIR',
      `The sandbox keeps its ${name} in ${path}, but the file can't be read or made (${code}).`,
      'Give this user the right to the folder, or name another with DATA_DIR.',
    )
    return undefined
  }
}
