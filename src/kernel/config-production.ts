import type { Config } from './config.ts'
import type { ConfigReader } from './config-reader.ts'
import { isPlaceholder } from './config-secrets.ts'

/** Reports what a sandbox may have and production must not; the secrets are judged where they are read. */
export function refuseUnfitForProduction(
  read: ConfigReader,
  settings: Omit<Config, 'masterKey' | 'walletMnemonic'>,
): void {
  const { providers, publicUrl, trustProxy, chainRpcUrls, database } = settings
  const simulated = [
    ['BANK_PROVIDER', providers.bank, 'files'],
    ['CARD_PROVIDER', providers.card, 'none'],
    ['OPEN_BANKING_PROVIDER', providers.openBanking, 'none'],
    ['PAYPAL_PROVIDER', providers.paypal, 'none'],
    ['LOCAL_PROVIDER', providers.local, 'none'],
    ['KYC_PROVIDER', providers.kyc, 'operator'],
    ['PRICE_SOURCES', providers.priceSources.find((source) => source === 'simulated'), 'coinbase,kraken'],
  ] as const
  for (const [name, choice, instead] of simulated) {
    if (choice !== 'simulated') continue
    read.report(
      name,
      `${name} is simulated, but production moves real money.`,
      `Choose a real one, or set ${name}=${instead}.`,
    )
  }
  if (publicUrl.startsWith('http:') && publicUrl !== 'http://invalid') {
    read.report(
      'PUBLIC_URL',
      `PUBLIC_URL is ${publicUrl}, but production is reached by https alone.`,
      'Put a TLS proxy in front and set PUBLIC_URL=https://your-host.',
    )
  }
  if (trustProxy.some((range) => range.endsWith('/0'))) {
    read.report(
      'TRUST_PROXY',
      'TRUST_PROXY trusts every address, so that any caller could claim any address.',
      'Name only your proxies.',
    )
  }
  if (settings.filesFromLoopback) {
    read.report(
      'FILES_FROM_LOOPBACK',
      'FILES_FROM_LOOPBACK is true, but production fetches files from public addresses alone.',
      'Leave it out.',
    )
  }
  if (!chainRpcUrls.polygon && !chainRpcUrls.bsc) {
    read.report(
      'POLYGON_RPC_URL',
      'No chain has a node, and production starts no local one.',
      'Set POLYGON_RPC_URL, BSC_RPC_URL, or both.',
    )
  }
  const password = /^postgres(?:ql)?:\/\/[^:@/]*:([^@/]*)@/.exec(database.url ?? '')?.[1]
  if (password !== undefined && isPlaceholder(password)) {
    read.report(
      'DATABASE_URL',
      'DATABASE_URL holds a default password.',
      'Give the database user a password of its own.',
    )
  }
}
