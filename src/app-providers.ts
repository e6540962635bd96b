import { join } from 'node:path'
import type { Logger } from 'pino'
import { getAddress } from 'viem'
import type { Db } from './db/database.ts'
import type { Clock } from './kernel/clock.ts'
import type { Config } from './kernel/config.ts'
import type { Secrets } from './kernel/secrets.ts'
import type { BankProvider } from './providers/bank/port.ts'
import { createSimulatedBankProvider } from './providers/bank/simulated/provider.ts'
import type { CardProvider } from './providers/card/port.ts'
import { createSimulatedCardProvider } from './providers/card/simulated/provider.ts'
import { createFaultyChain } from './providers/chain/faulty.ts'
import { type MainnetOptions, mainnetSetup } from './providers/chain/mainnets.ts'
import type { ChainSetup } from './providers/chain/setup.ts'
import { createMnemonicCustody } from './providers/custody/local-mnemonic.ts'
import type { Custody } from './providers/custody/port.ts'
import { recentFaults, takeFault } from './providers/faults.ts'
import { createOperatorKyc } from './providers/kyc/operator.ts'
import type { KycProvider } from './providers/kyc/port.ts'
import { createSimulatedKyc } from './providers/kyc/simulated/provider.ts'
import type { OpenBankingProvider } from './providers/open-banking/port.ts'
import { createSimulatedOpenBankingProvider } from './providers/open-banking/simulated/provider.ts'
import { createCoinbasePrices } from './providers/prices/coinbase.ts'
import { createPriceDispatcher } from './providers/prices/get-json.ts'
import { createKrakenPrices } from './providers/prices/kraken.ts'
import type { PriceSource } from './providers/prices/port.ts'
import { createSimulatedPrices } from './providers/prices/simulated.ts'
import type { RedirectProvider } from './providers/redirect/port.ts'
import { createSimulatedRedirectProvider } from './providers/redirect/simulated/provider.ts'
import { createBlockList, SANCTIONED, SANDBOX_BLOCKED_WALLET } from './providers/screening/block-list.ts'
import type { ScreeningProvider } from './providers/screening/port.ts'
import { openFolderStorage } from './providers/storage/folder.ts'
import type { Storage } from './providers/storage/storage.ts'
import { waitInVain } from './providers/wait-in-vain.ts'
import { openSandboxChain, type SandboxChain, TREASURY_KEY_REF } from './sandbox/chain/chains.ts'
import { deploymentsOf } from './sandbox/chain/tokens.ts'
import { createExaminer } from './users/built-in-checks.ts'
import { createCompanyExaminer } from './users/company-checks.ts'
import { createEnhancedExaminer } from './users/enhanced-checks.ts'
import { readSanctionsList } from './users/sanctions.ts'

/** The part of the composition root that chooses providers: simulated ones in the sandbox, the configured ones else. */
export interface Providers {
  custody: Custody
  storage: Storage
  priceSources: PriceSource[]
  /** Each undefined where the configuration names none. */
  card: CardProvider | undefined
  openBanking: OpenBankingProvider | undefined
  bank: BankProvider | undefined
  paypal: RedirectProvider | undefined
  /** Takes the local methods' money. */
  local: RedirectProvider | undefined
  /** Who decides verifications. */
  kyc: KycProvider
  /** Which wallets nothing may be sent to. */
  screening: ScreeningProvider
  chains: ReadonlyMap<string, ChainSetup>
  /** Tokens and our own contracts by chain, of local chains too whose node this process did not start. */
  contracts: ReadonlyMap<string, readonly string[]>
  /** The local chains behind `chains`; empty in production. */
  sandboxChains: readonly SandboxChain[]
}

interface Needs {
  /** False for commands that need no chain: no node is started. */
  localChains: boolean
  config: Config
  log: Logger
  db: Db
  clock: Clock
  secrets: Secrets
}

export async function openProviders(needs: Needs): Promise<Providers> {
  const { config, localChains } = needs
  const custody = createMnemonicCustody(config.walletMnemonic)
  const remote = Object.entries(config.chainRpcUrls).flatMap(([chain, url]) =>
    url ? [mainnetSetup(chain, { url, ...mainnetOptions(config, chain as ChainName) })] : [],
  )
  const local = Object.keys(config.chainRpcUrls).filter(
    (chain) => !remote.some((setup) => setup.chain === chain),
  )
  const localNames = config.mode === 'sandbox' ? local : []
  const sandboxChains = localChains ? await openSandboxChains(needs, custody, localNames) : []
  return {
    custody,
    contracts: new Map([
      ...remote.map((setup) => [setup.chain, contractsOf(setup)] as const),
      ...(await Promise.all(localNames.map((chain) => localContracts(chain, custody)))),
    ]),
    storage: openFolderStorage(join(config.dataDir, 'files')),
    priceSources: openPriceSources(needs),
    ...openMoneyProviders(needs),
    kyc: openKyc(needs),
    screening: createBlockList(
      config.mode === 'sandbox' ? { ...SANCTIONED, [SANDBOX_BLOCKED_WALLET]: 'sandbox' } : SANCTIONED,
    ),
    chains: new Map(
      [...remote, ...sandboxChains.map((chain) => setupOf(chain, needs))].map((setup) => [
        setup.chain,
        setup,
      ]),
    ),
    sandboxChains,
  }
}

/** Who takes money and keeps it. */
function openMoneyProviders({
  config,
  db,
  clock,
  secrets,
}: Needs): Pick<Providers, 'card' | 'openBanking' | 'bank' | 'paypal' | 'local'> {
  // Port 0 has its number only after the start: the address is read when it is needed.
  const simulator = { db, clock, secrets, publicUrl: () => config.publicUrl }
  const { card, openBanking, bank, paypal, local } = config.providers
  return {
    card: card === 'simulated' ? createSimulatedCardProvider(simulator) : undefined,
    openBanking: openBanking === 'simulated' ? createSimulatedOpenBankingProvider(simulator) : undefined,
    bank: bank === 'simulated' ? createSimulatedBankProvider(simulator) : undefined,
    paypal: paypal === 'simulated' ? createSimulatedRedirectProvider(simulator, 'paypal') : undefined,
    local: local === 'simulated' ? createSimulatedRedirectProvider(simulator, 'local') : undefined,
  }
}

function openKyc({ config, db, clock, secrets }: Needs): KycProvider {
  const sanctions = readSanctionsList(config.sanctionsFile)
  const examine = createExaminer(sanctions)
  const examineEnhanced = createEnhancedExaminer(sanctions)
  const examineCompany = createCompanyExaminer(sanctions)
  if (config.providers.kyc === 'operator')
    return createOperatorKyc({ clock, examine, examineCompany, examineEnhanced })
  return createSimulatedKyc(
    { db, clock, secrets, publicUrl: () => config.publicUrl },
    { examine, examineCompany, examineEnhanced },
  )
}

type ChainName = keyof Config['chainRpcUrls']

function mainnetOptions(config: Config, chain: ChainName): Omit<MainnetOptions, 'url'> {
  const disperse = config.disperseContracts[chain]
  return {
    secondUrl: config.chainSecondRpcUrls[chain],
    confirmations: config.chainConfirmations[chain],
    disperse: disperse === undefined ? null : getAddress(disperse),
  }
}

function openPriceSources({ config, clock, db }: Needs): PriceSource[] {
  const dispatcher = createPriceDispatcher()
  const open: Record<Config['providers']['priceSources'][number], () => PriceSource[]> = {
    coinbase: () => [createCoinbasePrices({ clock, dispatcher })],
    kraken: () => [createKrakenPrices({ clock, dispatcher })],
    simulated: () =>
      createSimulatedPrices({
        clock,
        takeFault: () => takeFault(db, 'price', ['fail', 'hang', 'late', 'stale', 'jump']),
        wait: (ms) => waitInVain(db, ms),
      }),
  }
  return config.providers.priceSources.flatMap((name) => open[name]())
}

function openSandboxChains(
  { config, log, db, clock }: Needs,
  custody: Custody,
  chains: string[],
): Promise<SandboxChain[]> {
  const open = (chain: string): Promise<SandboxChain> =>
    openSandboxChain({
      chain,
      dataDir: config.dataDir,
      clock,
      custody,
      onNotice: (text) => log.warn({ chain }, text),
      async checkpointOf(name) {
        const row = await db.selectFrom('chains').selectAll().where('chain', '=', name).executeTakeFirst()
        return row
          ? { genesisHash: row.genesisHash, height: row.checkpointHeight, hash: row.checkpointHash }
          : null
      },
    })
  return Promise.all(chains.map(open))
}

const contractsOf = ({ tokens, disperse }: Pick<ChainSetup, 'tokens' | 'disperse'>): string[] => [
  ...Object.values(tokens),
  ...(disperse ? [disperse] : []),
]

/** A local chain's contracts follow from who deploys them, whether the node runs or not. */
async function localContracts(chain: string, custody: Custody): Promise<readonly [string, string[]]> {
  const deployments = deploymentsOf(chain, await custody.address(TREASURY_KEY_REF))
  return [chain, deployments.map(({ address }) => address)]
}

/** A local chain, whose node misbehaves when the sandbox orders it; its treasury and its miner are spared. */
function setupOf(local: SandboxChain, { db, clock }: Needs): ChainSetup {
  const { chain, chainId, confirmations, treasury } = local
  const fault = recentFaults({ db, clock }, 'chain')
  return {
    chain,
    chainId,
    confirmations,
    provider: createFaultyChain(local.provider, {
      takeFault: fault,
      wait: (ms) => waitInVain(db, ms),
    }),
    tokens: treasury.tokens,
    disperse: treasury.disperse,
    explorerUrl: () => null,
  }
}
