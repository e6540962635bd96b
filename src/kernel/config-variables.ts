import { stuckDefaultText } from './stuck-thresholds.ts'

/**
 * Every environment variable the program reads: the documentation, `npm start -- --help` and the defaults all come
 * from this one table, so they can't tell different stories. A secret may also be given as `<NAME>_FILE`, the path
 * of a file that holds it.
 */
export interface Variable {
  group: 'Running' | 'Database' | 'Secrets' | 'Chains' | 'Providers' | 'Limits' | 'Durations'
  meaning: string
  /** The value used when the variable is absent; without one there is none, and `meaning` says what happens. */
  default?: string
  /** The default in the sandbox, where it differs. */
  sandboxDefault?: string
  /** Never shown in a message. */
  secret?: true
}

const entries = {
  MODE: {
    group: 'Running',
    meaning: 'sandbox (the outside world is simulated, money is play money) or production.',
    default: 'sandbox',
  },
  ROLE: {
    group: 'Running',
    meaning: 'What this process does: all, api (answers requests) or worker (does the due work).',
    default: 'all',
  },
  PORT: { group: 'Running', meaning: 'The port to listen on; 0 takes a free one.', default: '8080' },
  HOST: {
    group: 'Running',
    meaning: 'The address to listen on; 0.0.0.0 is every one.',
    default: '127.0.0.1',
  },
  PUBLIC_URL: {
    group: 'Running',
    meaning:
      'The address under which integrators and customers reach the program: scheme and host, no path. Default: http://HOST:PORT. Production demands https.',
  },
  DATA_DIR: {
    group: 'Running',
    meaning:
      'The folder of everything the program keeps by itself: its PostgreSQL, the local chain, logs, the sandbox keys.',
    default: './.data',
  },
  TRUST_PROXY: {
    group: 'Running',
    meaning:
      'Addresses or CIDR ranges, comma separated, of the proxies whose X-Forwarded-For is believed. Default: none.',
    default: '',
  },
  FILES_FROM_LOOPBACK: {
    group: 'Running',
    meaning:
      'true or false; sandbox only. Whether files of customers that are given by an address may lie on this machine, for whoever develops there. Anybody with a key can then ask for what listens on it.',
    default: 'false',
  },
  LOG_LEVEL: {
    group: 'Running',
    meaning: 'trace, debug, info, warn, error, fatal or silent.',
    default: 'info',
  },
  DATABASE_URL: {
    group: 'Database',
    meaning:
      'postgres://user:password@host:port/database. Without it the program starts its own PostgreSQL in DATA_DIR.',
    secret: true,
  },
  DATABASE_POOL_SIZE: {
    group: 'Database',
    meaning: 'The most connections one process opens to the database.',
    default: '20',
  },
  MASTER_KEY: {
    group: 'Secrets',
    meaning:
      '32 bytes as hex or base64 that wrap every stored secret (make one: openssl rand -hex 32). The sandbox makes one in DATA_DIR/master.key; production demands it.',
    secret: true,
  },
  WALLET_MNEMONIC: {
    group: 'Secrets',
    meaning:
      'The BIP-39 words the wallets are derived from. The sandbox makes them in DATA_DIR/wallet.mnemonic; production demands them.',
    secret: true,
  },
  POLYGON_RPC_URL: {
    group: 'Chains',
    meaning:
      'JSON-RPC of a Polygon node. Without it the sandbox starts a local chain, and production leaves Polygon off.',
    secret: true,
  },
  BSC_RPC_URL: {
    group: 'Chains',
    meaning:
      'JSON-RPC of a BNB Smart Chain node. Without it the sandbox starts a local chain, and production leaves it off.',
    secret: true,
  },
  POLYGON_SECOND_RPC_URL: {
    group: 'Chains',
    meaning:
      'JSON-RPC of another Polygon node, best of another company’s. With it a deposit is final only when both nodes agree.',
    secret: true,
  },
  BSC_SECOND_RPC_URL: {
    group: 'Chains',
    meaning:
      'JSON-RPC of another BNB Smart Chain node. With it a deposit is final only when both nodes agree.',
    secret: true,
  },
  POLYGON_CONFIRMATIONS: {
    group: 'Chains',
    meaning:
      'How many blocks deep a transaction on Polygon must be to be final. Default: 64; 2 on the sandbox’s local chain, always.',
  },
  BSC_CONFIRMATIONS: {
    group: 'Chains',
    meaning:
      'How many blocks deep a transaction on BNB Smart Chain must be to be final. Default: 15; 2 on the sandbox’s local chain, always.',
  },
  POLYGON_DISPERSE_CONTRACT: {
    group: 'Chains',
    meaning:
      'Address of the disperse contract (contracts/Disperse.sol) on Polygon, which pays many at once. Without it transfers go singly.',
  },
  BSC_DISPERSE_CONTRACT: {
    group: 'Chains',
    meaning: 'Address of the disperse contract on BNB Smart Chain. Without it transfers go singly.',
  },
  DAILY_OUTFLOW_CAP: {
    group: 'Chains',
    meaning:
      'The most of each coin that may leave one wallet, and of each currency that may leave one bank account, on one day (UTC), comma separated, such as polygon:USDC=250000,bsc:BNB=100,EUR=500000. What has none has no cap.',
  },
  SWEEP_MINIMUM: {
    group: 'Chains',
    meaning:
      "The least of each coin that is moved from a sale's address to the hot wallet, comma separated; less stays until more comes there. A coin without one is always moved.",
    default:
      'polygon:USDC=1,polygon:USDT=1,polygon:ETH=0.0005,polygon:POL=2,bsc:USDC=1,bsc:BUSD=1,bsc:BNB=0.002',
  },
  BANK_PROVIDER: {
    group: 'Providers',
    meaning:
      'Who holds the bank accounts: simulated (sandbox only), files (banks without an API: statements are imported, orders leave in files), or none (no bank transfers).',
    default: 'none',
    sandboxDefault: 'simulated',
  },
  CARD_PROVIDER: {
    group: 'Providers',
    meaning: 'Who takes cards: simulated (sandbox only) or none (no card payments).',
    default: 'none',
    sandboxDefault: 'simulated',
  },
  OPEN_BANKING_PROVIDER: {
    group: 'Providers',
    meaning: 'Who starts open-banking payments: simulated (sandbox only) or none (no such payments).',
    default: 'none',
    sandboxDefault: 'simulated',
  },
  PAYPAL_PROVIDER: {
    group: 'Providers',
    meaning: 'Who takes PayPal payments: simulated (sandbox only) or none (no such payments).',
    default: 'none',
    sandboxDefault: 'simulated',
  },
  LOCAL_PROVIDER: {
    group: 'Providers',
    meaning:
      'Who takes the local methods of Latin America (KHIPU, SPEI, PSE, PAGOEFECTIVO, CVU): simulated (sandbox only) or none (no such payments).',
    default: 'none',
    sandboxDefault: 'simulated',
  },
  KYC_PROVIDER: {
    group: 'Providers',
    meaning: 'Who decides verifications: simulated (sandbox only) or operator (a person decides each one).',
    default: 'operator',
    sandboxDefault: 'simulated',
  },
  SANCTIONS_FILE: {
    group: 'Providers',
    meaning:
      'A JSON file {"name", "people": [names]} whose names are never verified without a person looking. Without it a sample of invented names is used.',
  },
  PRICE_SOURCES: {
    group: 'Providers',
    meaning:
      'Where prices come from, comma separated; the median of the fresh ones counts: coinbase, kraken, simulated (sandbox only), or none (no quotes are given).',
    default: 'coinbase,kraken',
    sandboxDefault: 'simulated',
  },
  STATEMENT_FOLDER: {
    group: 'Providers',
    meaning:
      'A folder that bank statements are put into: what stops growing there is imported, then moved to its folder imported, or to refused with a text that says why. How to read CSV stands in its mapping.json. Without it none is watched.',
  },
  STATEMENT_FOLDER_STILL: {
    group: 'Providers',
    meaning:
      'How long a file in STATEMENT_FOLDER must not have changed before it is taken. Longer than any pause of a copy on its way.',
    default: '15s',
  },
  RATE_LIMIT_PER_MINUTE: {
    group: 'Limits',
    meaning: 'Calls a minute that one integration may make.',
    default: '600',
    sandboxDefault: '6000',
  },
  STATEMENT_MAX_BYTES: {
    group: 'Limits',
    meaning: 'The most bytes that one file of bank statements may have.',
    default: '268435456',
  },
  TOKEN_LIFETIME: {
    group: 'Durations',
    meaning: 'How long a token of `authenticate` is valid.',
    default: '24h',
  },
  SECRET_ROTATION_OVERLAP: {
    group: 'Durations',
    meaning: 'How long an integration’s old key pair still works after a rotation.',
    default: '24h',
  },
  IDEMPOTENCY_LIFETIME: {
    group: 'Durations',
    meaning: 'How long the first answer under an Idempotency-Key is remembered.',
    default: '24h',
  },
  QUOTE_LIFETIME: { group: 'Durations', meaning: 'How long a quote can be used.', default: '60s' },
  TRANSFER_QUOTE_LIFETIME: {
    group: 'Durations',
    meaning: 'How long after the quote a bank transfer must be booked to get its price.',
    default: '24h',
  },
  PRICE_MAX_AGE: { group: 'Durations', meaning: 'A price older than this is never used.', default: '60s' },
  GUIDED_PRICE_LIFETIME: {
    group: 'Durations',
    meaning: 'How long the price on the guided page holds.',
    default: '10m',
  },
  INSTANT_PAYMENT_LIFETIME: {
    group: 'Durations',
    meaning: 'How long a card, psd2 or paypal payment waits for the money.',
    default: '30m',
  },
  LOCAL_PAYMENT_LIFETIME: {
    group: 'Durations',
    meaning: 'How long a payment by a local method waits for the money.',
    default: '24h',
  },
  TRANSFER_STARTED_LIFETIME: {
    group: 'Durations',
    meaning: 'How long a bank transfer payment waits in `started`.',
    default: '3d',
  },
  TRANSFER_PENDING_LIFETIME: {
    group: 'Durations',
    meaning: 'How long a bank transfer payment waits in `pending_bank`.',
    default: '10d',
  },
  REVIEW_LIFETIME: {
    group: 'Durations',
    meaning: 'How long a payment may stay `in_review` before it is refunded.',
    default: '7d',
  },
  DISPATCH_DEADLINE: {
    group: 'Durations',
    meaning: 'How long a paid payment may wait for its coins before it goes to `in_review`.',
    default: '24h',
  },
  SALE_DEPOSIT_WINDOW: {
    group: 'Durations',
    meaning: 'How long a sale waits for its coins before it is `expired`.',
    default: '24h',
  },
  SALE_CONVERSION_DEADLINE: {
    group: 'Durations',
    meaning: 'How long received coins may wait to be converted before the sale goes to `in_review`.',
    default: '24h',
  },
  SALE_PAYOUT_DEADLINE: {
    group: 'Durations',
    meaning:
      'How long the bank may neither book nor refuse the payout of a sale before the sale goes to `in_review`.',
    default: '5d',
  },
  KYC_LINK_LIFETIME: { group: 'Durations', meaning: 'How long a verification link works.', default: '30d' },
  KYB_LINK_LIFETIME: {
    group: 'Durations',
    meaning: "How long the link of a company's verification works.",
    default: '90d',
  },
  ONBOARDING_LINK_LIFETIME: {
    group: 'Durations',
    meaning: 'How long a link to the enhanced verification works.',
    default: '30d',
  },
  STUCK_AFTER: {
    group: 'Durations',
    meaning:
      'After how long money that doesn’t move counts as stuck, by kind, comma separated, such as payment_without_transfer=15m,webhook_parked=off. What isn’t named keeps its default; `npm run cli -- stuck --rules` says what each means.',
    default: stuckDefaultText(),
  },
  WEBHOOK_RETRY_PERIOD: {
    group: 'Durations',
    meaning: 'How long the delivery of an event is tried before it is `failed`.',
    default: '7d',
  },
} satisfies Record<string, Variable>

export type VariableName = keyof typeof entries

export const VARIABLES: Record<VariableName, Variable> = entries

/** The table as text for `--help`: group by group, name, meaning, default. */
export function describeVariables(): string {
  const lines: string[] = []
  let group = ''
  for (const [name, variable] of Object.entries<Variable>(VARIABLES)) {
    if (variable.group !== group) lines.push('', variable.group)
    group = variable.group
    lines.push(`  ${name.padEnd(26)} ${variable.meaning}${defaultText(variable)}`)
  }
  return lines.slice(1).join('\n')
}

function defaultText(variable: Variable): string {
  if (!variable.default) return ''
  if (variable.sandboxDefault === undefined) return ` [${variable.default}]`
  return ` [${variable.default}; sandbox: ${variable.sandboxDefault}]`
}
