import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { ConfigError, describeVariables, type Environment, loadConfig, VARIABLES } from './config.ts'
import { newMnemonic } from './config-secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'config-test-'))
after(() => rmSync(folder, { recursive: true }))

const RANDOM_KEY = '5f1d0c8e94b7a2633e0f7c51d8a94b260fe3a1975cc84d1b6a02e9f738d45bc1'
const OWN_MNEMONIC = newMnemonic()

const PRODUCTION: Environment = {
  MODE: 'production',
  PUBLIC_URL: 'https://ramp.example.com',
  MASTER_KEY: RANDOM_KEY,
  WALLET_MNEMONIC: OWN_MNEMONIC,
  POLYGON_RPC_URL: 'https://polygon.example.com/rpc',
  DATA_DIR: join(folder, 'production'),
}

let folders = 0
const freshDir = (): string => join(folder, `data-${++folders}`)

function refusal(env: Environment): ConfigError {
  try {
    loadConfig({ DATA_DIR: freshDir(), ...env })
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error
  }
  assert.fail('The configuration was accepted.')
}

function refusedVariables(env: Environment): string[] {
  const { problems, message } = refusal(env)
  for (const { problem, mend } of problems) {
    assert.ok(message.includes(problem) && message.includes(mend))
    assert.match(mend, /\.$/)
  }
  return problems.map(({ variable }) => variable)
}

describe('the sandbox', () => {
  test('starts with no variable at all', () => {
    const config = loadConfig({ DATA_DIR: freshDir() })
    assert.equal(config.mode, 'sandbox')
    assert.equal(config.publicUrl, 'http://127.0.0.1:8080')
    assert.equal(config.providers.bank, 'simulated')
    assert.deepEqual(config.providers.priceSources, ['simulated'])
    assert.equal(config.rateLimitPerMinute, 6000)
    assert.equal(config.durations.quoteLifetimeMs, 60_000)
    assert.equal(config.durations.webhookRetryPeriodMs, 7 * 86_400_000)
    assert.equal(config.database.url, undefined)
  })

  test('makes its secrets once, readable by their owner alone', () => {
    const dataDir = freshDir()
    const first = loadConfig({ DATA_DIR: dataDir })
    const second = loadConfig({ DATA_DIR: dataDir })
    assert.equal(first.masterKey.length, 32)
    assert.deepEqual(second.masterKey, first.masterKey)
    assert.equal(second.walletMnemonic, first.walletMnemonic)
    assert.equal(first.walletMnemonic.split(' ').length, 24)
    for (const name of ['master.key', 'wallet.mnemonic']) {
      assert.equal(statSync(join(dataDir, name)).mode & 0o777, 0o600)
    }
    assert.notDeepEqual(loadConfig({ DATA_DIR: freshDir() }).masterKey, first.masterKey)
  })

  test('makes nothing when it refuses to start', () => {
    const dataDir = freshDir()
    assert.deepEqual(refusedVariables({ DATA_DIR: dataDir, PORT: 'http' }), ['PORT'])
    assert.equal(existsSync(dataDir), false)
  })

  test('refuses a damaged master key file, and leaves it', () => {
    const dataDir = freshDir()
    loadConfig({ DATA_DIR: dataDir })
    writeFileSync(join(dataDir, 'master.key'), 'abc')
    assert.deepEqual(refusedVariables({ DATA_DIR: dataDir }), ['MASTER_KEY'])
    assert.equal(readFileSync(join(dataDir, 'master.key'), 'utf8'), 'abc')
  })

  test('refuses a damaged mnemonic file', () => {
    const dataDir = freshDir()
    loadConfig({ DATA_DIR: dataDir })
    writeFileSync(join(dataDir, 'wallet.mnemonic'), 'abc')
    assert.deepEqual(refusedVariables({ DATA_DIR: dataDir }), ['WALLET_MNEMONIC'])
  })

  test('refuses a data folder that can’t be made', () => {
    const file = join(folder, 'a-file')
    writeFileSync(file, '')
    assert.deepEqual(refusedVariables({ DATA_DIR: join(file, 'data') }), ['DATA_DIR'])
  })

  test('may be told every value', () => {
    const config = loadConfig({
      DATA_DIR: freshDir(),
      MODE: 'Sandbox',
      ROLE: 'worker',
      HOST: '::',
      PORT: '9090',
      TRUST_PROXY: '10.0.0.1, 192.168.0.0/16,::1',
      MASTER_KEY: Buffer.from(RANDOM_KEY, 'hex').toString('base64'),
      WALLET_MNEMONIC: '  Test test test test test test test test test test test junk ',
      POLYGON_RPC_URL: 'http://127.0.0.1:8545',
      BANK_PROVIDER: 'none',
      PRICE_SOURCES: 'none',
      QUOTE_LIFETIME: '2m30s',
    })
    assert.equal(config.role, 'worker')
    assert.equal(config.publicUrl, 'http://localhost:9090')
    assert.deepEqual(config.trustProxy, ['10.0.0.1', '192.168.0.0/16', '::1'])
    assert.equal(config.masterKey.toString('hex'), RANDOM_KEY)
    assert.equal(config.walletMnemonic, 'test test test test test test test test test test test junk')
    assert.deepEqual(config.chainRpcUrls, { polygon: 'http://127.0.0.1:8545', bsc: undefined })
    assert.equal(config.providers.bank, 'none')
    assert.equal(config.providers.card, 'simulated')
    assert.deepEqual(config.providers.priceSources, [])
    assert.equal(config.durations.quoteLifetimeMs, 150_000)
  })
})

describe('a value that is wrong', () => {
  const cases: [name: string, values: string[]][] = [
    ['MODE', ['prod', 'live']],
    ['ROLE', ['both']],
    ['PORT', ['65536', '-1', '80.5', '1e3', 'http', '0x50']],
    [
      'PUBLIC_URL',
      ['ramp.example.com', 'ftp://a', 'https://a/path', 'https://a?x', 'https://u:p@a', 'https://a#x'],
    ],
    ['TRUST_PROXY', ['proxy.local', '10.0.0.0/33', '10.0.0.1,x']],
    ['LOG_LEVEL', ['loud']],
    ['DATABASE_URL', ['mysql://a/b', 'localhost:5432', 'postgres://']],
    ['DATABASE_POOL_SIZE', ['0', '1', 'many']],
    ['MASTER_KEY', ['abc', RANDOM_KEY.slice(2), `${RANDOM_KEY}00`, 'z'.repeat(64)]],
    ['WALLET_MNEMONIC', ['abc', OWN_MNEMONIC.replace(/\w+$/, 'frodo'), `${OWN_MNEMONIC} abandon`]],
    ['POLYGON_RPC_URL', ['node', 'ws://node']],
    ['BSC_RPC_URL', ['ipc:/node']],
    ['POLYGON_DISPERSE_CONTRACT', ['0x12', 'abc']],
    ['BSC_DISPERSE_CONTRACT', ['0x12']],
    ['DAILY_OUTFLOW_CAP', ['USDC=5', 'EUR', 'polygon:USDC', 'polygon:USDC=1e5']],
    ['SWEEP_MINIMUM', ['USDC=5', 'EUR=5', 'polygon:USDC', 'polygon:USDC=-1']],
    ['BANK_PROVIDER', ['acme']],
    ['CARD_PROVIDER', ['acme']],
    ['OPEN_BANKING_PROVIDER', ['acme']],
    ['KYC_PROVIDER', ['none']],
    ['PRICE_SOURCES', ['acme', 'simulated,acme', 'none,simulated']],
    ['RATE_LIMIT_PER_MINUTE', ['0', '-5', 'unlimited']],
    ...Object.keys(VARIABLES)
      .filter((name) => VARIABLES[name as keyof typeof VARIABLES].group === 'Durations')
      .map((name): [string, string[]] => [name, ['60', '0s', '1w', '-5m', 'soon']]),
  ]
  for (const [name, values] of cases) {
    test(`${name}: ${values.length} of them are refused by name`, () => {
      for (const value of values) assert.deepEqual(refusedVariables({ [name]: value }), [name], value)
    })
  }

  test('is named together with all others', () => {
    assert.deepEqual(refusedVariables({ PORT: 'x', LOG_LEVEL: 'y', QUOTE_LIFETIME: 'z' }), [
      'PORT',
      'LOG_LEVEL',
      'QUOTE_LIFETIME',
    ])
  })

  test('says what is wrong and how to mend it', () => {
    const { message } = refusal({ PORT: '99999' })
    assert.equal(
      message,
      'PORT is "99999", but must be a whole number from 0 to 65535. Set PORT=8080, or leave it out.',
    )
  })

  test('is not shown when it is a secret', () => {
    const secret = 'hunter2-hunter2'
    const env = { MASTER_KEY: secret, WALLET_MNEMONIC: secret, DATABASE_URL: secret, BSC_RPC_URL: secret }
    for (const [name, value] of Object.entries(env)) {
      assert.doesNotMatch(refusal({ [name]: value }).message, /hunter2/)
    }
  })

  test('counts as absent when it is blank', () => {
    assert.equal(loadConfig({ DATA_DIR: freshDir(), PORT: ' ', DATABASE_URL: '' }).port, 8080)
  })
})

describe('a secret in a file', () => {
  test('is read from where <NAME>_FILE says', () => {
    const path = join(folder, 'key')
    writeFileSync(path, `${RANDOM_KEY}\n`)
    const config = loadConfig({ DATA_DIR: freshDir(), MASTER_KEY_FILE: path })
    assert.equal(config.masterKey.toString('hex'), RANDOM_KEY)
  })

  test('that isn’t there is refused', () => {
    assert.deepEqual(refusedVariables({ MASTER_KEY_FILE: join(folder, 'nowhere') }), ['MASTER_KEY'])
  })
})

describe('production', () => {
  test('starts when it has what it needs, and keeps no secret on the disk', () => {
    const config = loadConfig(PRODUCTION)
    assert.equal(config.providers.card, 'none')
    assert.equal(config.providers.kyc, 'operator')
    assert.deepEqual(config.providers.priceSources, ['coinbase', 'kraken'])
    assert.equal(config.rateLimitPerMinute, 600)
    assert.equal(existsSync(config.dataDir), false)
  })

  const cases: [title: string, change: Environment, refused: string][] = [
    ['a simulated bank', { BANK_PROVIDER: 'simulated' }, 'BANK_PROVIDER'],
    ['a simulated card provider', { CARD_PROVIDER: 'simulated' }, 'CARD_PROVIDER'],
    ['a simulated open-banking provider', { OPEN_BANKING_PROVIDER: 'simulated' }, 'OPEN_BANKING_PROVIDER'],
    ['a simulated verifier', { KYC_PROVIDER: 'simulated' }, 'KYC_PROVIDER'],
    ['simulated prices', { PRICE_SOURCES: 'simulated' }, 'PRICE_SOURCES'],
    ['simulated prices among real ones', { PRICE_SOURCES: 'kraken,simulated' }, 'PRICE_SOURCES'],
    ['no node at all', { POLYGON_RPC_URL: undefined }, 'POLYGON_RPC_URL'],
    ['no master key', { MASTER_KEY: undefined }, 'MASTER_KEY'],
    ['no mnemonic', { WALLET_MNEMONIC: undefined }, 'WALLET_MNEMONIC'],
    ['a plain-http public address', { PUBLIC_URL: 'http://ramp.example.com' }, 'PUBLIC_URL'],
    ['no public address', { PUBLIC_URL: undefined }, 'PUBLIC_URL'],
    ['an all-zero master key', { MASTER_KEY: '0'.repeat(64) }, 'MASTER_KEY'],
    ['a repeated master key', { MASTER_KEY: 'deadbeef'.repeat(8) }, 'MASTER_KEY'],
    [
      'a counted master key',
      { MASTER_KEY: Buffer.from([...Array(32).keys()]).toString('hex') },
      'MASTER_KEY',
    ],
    ['a sandbox-… master key', { MASTER_KEY: `sandbox-${'aB3xY9_k'.repeat(5)}`.slice(0, 43) }, 'MASTER_KEY'],
    ['a readable master key', { MASTER_KEY: btoa('the quick brown fox jumps over 1') }, 'MASTER_KEY'],
    [
      'the mnemonic of Hardhat and Anvil',
      { WALLET_MNEMONIC: `${'test '.repeat(11)}junk` },
      'WALLET_MNEMONIC',
    ],
    ['the mnemonic of all zeros', { WALLET_MNEMONIC: `${'abandon '.repeat(11)}about` }, 'WALLET_MNEMONIC'],
    [
      'the mnemonic of Truffle',
      { WALLET_MNEMONIC: 'candy maple cake sugar pudding cream honey rich smooth crumble sweet treat' },
      'WALLET_MNEMONIC',
    ],
    ['trust in every address', { TRUST_PROXY: '0.0.0.0/0' }, 'TRUST_PROXY'],
    ['files of this machine', { FILES_FROM_LOOPBACK: 'true' }, 'FILES_FROM_LOOPBACK'],
    ['a default database password', { DATABASE_URL: 'postgres://ramp:postgres@db/ramp' }, 'DATABASE_URL'],
    [
      'a sandbox-… database password',
      { DATABASE_URL: 'postgres://ramp:sandbox-secret@db/ramp' },
      'DATABASE_URL',
    ],
  ]
  for (const [title, change, refused] of cases) {
    test(`refuses ${title}`, () => {
      assert.deepEqual(refusedVariables({ ...PRODUCTION, ...change }), [refused])
    })
  }

  test('names everything that is missing at once', () => {
    assert.deepEqual(refusedVariables({ MODE: 'production' }).sort(), [
      'MASTER_KEY',
      'POLYGON_RPC_URL',
      'PUBLIC_URL',
      'WALLET_MNEMONIC',
    ])
  })
})

test('the help names every variable with its default', () => {
  const help = describeVariables()
  for (const [name, { default: fallback }] of Object.entries(VARIABLES)) {
    const line = help.split('\n').find((candidate) => candidate.trim().startsWith(`${name} `))
    assert.ok(line?.includes(fallback ? `[${fallback}` : '.'), name)
  }
})
