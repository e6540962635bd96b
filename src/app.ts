import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import type { Logger } from 'pino'
import { effectNeeds, sweepNeeds } from './app-effects.ts'
import { openProviders, type Providers } from './app-providers.ts'
import { findHeldOrders } from './bank-accounts/orders/held-orders.ts'
import { statementFolderLane } from './bank-accounts/statement-folder.ts'
import { findGivenUpDebits } from './bank-accounts/unexpected-debits.ts'
import { type Db, openDatabase } from './db/database.ts'
import { migrate } from './db/migrate.ts'
import { createNotifier, type Notifier } from './db/notify.ts'
import { effectLanes, registerChains } from './effects/effects.ts'
import { findWaitingMoney, measureMoneyOut } from './effects/health.ts'
import { lanesOfChain } from './effects/model.ts'
import { payoutLineLane } from './effects/payout-lines.ts'
import { createPageNews, type PageNews } from './hosted/page-news.ts'
import { type Clock, createClock, type MovableClock } from './kernel/clock.ts'
import type { Config } from './kernel/config.ts'
import { createLaneRunner, type Lane, type LaneRunner } from './kernel/lanes.ts'
import type { MemoryGate } from './kernel/memory-gate.ts'
import { createMetrics, type Metrics } from './kernel/metrics.ts'
import { createOutgoingHttp, type OutgoingHttp } from './kernel/outgoing-http.ts'
import { createSecrets, type Secrets } from './kernel/secrets.ts'
import { findStuckMoney, measureStuck } from './ledger/find-stuck.ts'
import { sealLane } from './ledger/seal.ts'
import { findStuckSales } from './offramp/sale-health.ts'
import { saleLanes } from './offramp/sale-lanes.ts'
import { findHeldScans, measureScans } from './offramp/scan-health.ts'
import { findParkedSweeps, measureSweeps } from './offramp/sweep-health.ts'
import { sweepLanes } from './offramp/sweeps.ts'
import { depositLanes, depositsLaneOf } from './offramp/watch-deposits.ts'
import { paymentCallbacks, paymentLanes } from './onramp/payment-lanes.ts'
import { createPricing, type Pricing } from './pricing/pricing.ts'
import { findMissingPrices } from './pricing/readiness.ts'
import { callbackLane } from './providers/callbacks/lane.ts'
import { INTEGRATIONS_CHANNEL } from './sandbox/reset.ts'
import { registerRpcProxy } from './sandbox/rpc-proxy.ts'
import { seedIntegrations } from './sandbox/seed.ts'
import { simulatorLanes } from './sandbox/simulators/lanes.ts'
import { type Authenticator, createAuthenticator } from './server/auth.ts'
import { registerDocs } from './server/docs-page.ts'
import { createPageUploadGate, createUploadGate } from './server/file-routes.ts'
import { registerHealth } from './server/health.ts'
import { registerPages } from './server/pages.ts'
import { createRateLimiter, type RateLimiter } from './server/rate-limit.ts'
import { createServer } from './server/server.ts'
import { createDownloadGate } from './users/incoming-file.ts'
import { kycExpiryLane } from './users/kyc-expiry-lane.ts'
import { kycLane } from './users/kyc-lane.ts'
import { storedFileLane } from './users/stored-file-lane.ts'
import { deliveryLane } from './webhooks/deliver.ts'
import { measureWebhooks } from './webhooks/measure.ts'
import { sequencerLane } from './webhooks/sequencer.ts'

/**
 * Everything a handler or lane may need. Each takes `Pick<App, …>`: its needs are its signature. Made here, the
 * composition root, the only place that chooses providers.
 */
export interface App {
  config: Config
  clock: Clock
  log: Logger
  db: Db
  pool: pg.Pool
  secrets: Secrets
  metrics: Metrics
  authenticator: Authenticator
  rateLimiter: RateLimiter
  notifier: Notifier
  /** Tells waiting pages that there is something new to see. */
  pageNews: PageNews
  /** The door for webhooks. In the sandbox it leads to this machine, too. */
  outgoing: OutgoingHttp
  /** The door for files that are given by an address: public ones alone, in the sandbox too. */
  fileDoor: OutgoingHttp
  /** How much of files that are sent, and of files that are fetched, is held at once. */
  uploads: MemoryGate
  pageUploads: MemoryGate
  downloads: MemoryGate
  providers: Providers
  pricing: Pricing
  lanes: LaneRunner
  /** Tells lanes, here and in the other processes, that work was committed for them. Call it after the commit. */
  wake(...lanes: string[]): void
  /** Moves the platform's clock forward, here and in the other processes. Sandbox only. */
  moveClock(offsetMs: number): Promise<void>
}

export interface AppOptions {
  config: Config
  log: Logger
  /** The database to use; the caller has started it. */
  databaseUrl: string
  /** False for commands that need no chain: no local node is started. */
  localChains?: boolean
}

export interface RunningApp {
  app: App
  /** Binds the port and starts the lanes, as the role says. Answers the public address. */
  start(): Promise<{ url: string }>
  /**
   * Ends requests and steps that run, then closes every connection. Local chains are saved and end as well; with
   * `leaveAdopted` those that ran before go on, as another process uses them.
   */
  stop(options?: { leaveAdopted?: boolean }): Promise<void>
}

/** Brings the database forward and puts the program together. Nothing listens and no lane runs before `start`. */
export async function createApp({
  config,
  log,
  databaseUrl,
  localChains = true,
}: AppOptions): Promise<RunningApp> {
  await migrate(databaseUrl)
  const { db, pool } = openDatabase({
    url: databaseUrl,
    poolSize: config.database.poolSize,
    onPoolError: (error) => log.warn({ err: error }, 'An idle database connection broke.'),
  })
  const clock = createClock()
  await readPlatform({ db, config }, clock)
  const secrets = createSecrets(config.masterKey)
  const providers = await openProviders({ config, log, db, clock, secrets, localChains })
  const app = compose({ config, log, db, pool, clock, databaseUrl, secrets, providers })
  if (config.mode === 'sandbox') await seedIntegrations(app)
  await registerChains(effectNeeds(app))
  return { app, ...lifecycle(app) }
}

function compose(given: {
  config: Config
  log: Logger
  db: Db
  pool: pg.Pool
  clock: MovableClock
  databaseUrl: string
  secrets: Secrets
  providers: Providers
}): App {
  const { config, log, db, pool, clock, databaseUrl, secrets, providers } = given
  const metrics = createMetrics()
  const notifier = createNotifier({
    url: databaseUrl,
    pool,
    log,
    // What was announced meanwhile was missed: look at everything.
    onReconnect: () => {
      app.authenticator.forget()
      app.lanes.wake(...app.lanes.lanes.map((lane) => lane.name))
      readPlatform(app, clock).catch((error) =>
        log.warn({ err: error }, 'The clock could not be read again.'),
      )
    },
  })
  const app: App = {
    config,
    clock,
    log,
    db,
    pool,
    secrets,
    metrics,
    authenticator: createAuthenticator({ db, clock }),
    rateLimiter: createRateLimiter(clock),
    notifier,
    pageNews: createPageNews(notifier),
    outgoing: createOutgoingHttp({
      allowPlainHttp: config.mode === 'sandbox',
      allowLoopback: config.mode === 'sandbox',
    }),
    fileDoor: createOutgoingHttp({ allowPlainHttp: true, allowLoopback: config.filesFromLoopback }),
    uploads: createUploadGate(),
    pageUploads: createPageUploadGate(),
    downloads: createDownloadGate(),
    providers,
    pricing: createPricing({
      db,
      clock,
      log,
      secrets,
      sources: providers.priceSources,
      priceMaxAgeMs: config.durations.priceMaxAgeMs,
    }),
    lanes: createLaneRunner({ lanes: [], clock, log }),
    wake(...names) {
      app.lanes.wake(...names)
      for (const name of names) notifier.announce('lanes', name)
    },
    async moveClock(offsetMs) {
      await db
        .updateTable('platform')
        .set({ clockOffsetMs: offsetMs })
        .where('clockOffsetMs', '<', offsetMs)
        .execute()
      clock.setOffsetMs(offsetMs)
      notifier.announce('clock', String(offsetMs))
    },
  }
  app.lanes = createLaneRunner({
    lanes: lanesOf(app),
    clock,
    log,
    onStep: (lane, rows) => metrics.laneRows.inc({ lane }, rows),
    onFailure: (lane) => metrics.laneFailures.inc({ lane }),
  })
  notifier.listen('lanes', (name) => app.lanes.wake(name))
  notifier.listen('clock', (offsetMs) => clock.setOffsetMs(Number(offsetMs)))
  notifier.listen(INTEGRATIONS_CHANNEL, () => app.authenticator.forget())
  return app
}

/** Every kind of due work. */
function lanesOf(app: App): Lane[] {
  return [
    callbackLane(app, paymentCallbacks(app)),
    ...paymentLanes(app),
    ...saleLanes(app),
    ...effectLanes(effectNeeds(app)),
    payoutLineLane(app),
    ...depositLanes(app),
    ...sweepLanes(sweepNeeds(app)),
    kycLane(app),
    kycExpiryLane(app),
    storedFileLane(app),
    statementFolderLane(app),
    sequencerLane(app),
    deliveryLane(app),
    sealLane(app),
    ...simulatorLanes(app),
  ]
}

const stuckNow = ({ clock, config }: App) => ({ now: clock.now(), after: config.stuckAfter })

/** The database remembers its mode, so that a sandbox's simulated money never becomes a production's. */
async function readPlatform(app: Pick<App, 'db' | 'config'>, clock: MovableClock): Promise<void> {
  await app.db
    .insertInto('platform')
    .values({ mode: app.config.mode })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const { mode, clockOffsetMs } = await app.db
    .selectFrom('platform')
    .select(['mode', 'clockOffsetMs'])
    .executeTakeFirstOrThrow()
  if (mode !== app.config.mode) {
    throw new Error(
      `This database was made in ${mode} mode and can't be used in ${app.config.mode} mode. Give each mode a database of its own.`,
    )
  }
  clock.setOffsetMs(clockOffsetMs)
}

function lifecycle(app: App): Omit<RunningApp, 'app'> {
  const { config } = app
  let fastify: FastifyInstance | undefined
  return {
    async start() {
      await app.notifier.start()
      app.pricing.start()
      // A quote right after the start needs prices and balances: they are read before anybody can ask.
      await Promise.all([app.pricing.prices.refresh(), app.pricing.availability.refresh()])
      fastify = await createServer(app, async (instance) => {
        registerHealth(
          app,
          instance,
          [
            () => findWaitingMoney(app.db),
            () => findGivenUpDebits(app.db),
            () => findHeldOrders(app.db),
            () => findHeldScans(app.db),
            () => findStuckSales(app),
            () => findParkedSweeps(app.db),
            () => findStuckMoney(app.db, stuckNow(app)),
            async () => findMissingPrices(app.pricing.prices),
          ],
          async () => {
            await Promise.all([
              measureWebhooks(app),
              measureMoneyOut(app.db, app.metrics),
              measureScans(app.db, app.metrics),
              measureSweeps(app.db, app.metrics),
              measureStuck(app.db, stuckNow(app), app.metrics),
            ])
          },
        )
        await registerPages(app, instance)
        await registerDocs(app, instance)
        registerRpcProxy(app, instance)
      })
      let url = config.publicUrl
      if (config.role !== 'worker') {
        const listening = await fastify.listen({ host: config.host, port: config.port })
        // Port 0 took a free one, which only now has a number for links to name.
        if (config.publicUrl.endsWith(':0')) config.publicUrl = listening
        url = config.publicUrl
      }
      if (config.role !== 'api') {
        for (const sandbox of app.providers.sandboxChains) {
          // Nobody has to ask our own node whether there is a new block.
          sandbox.startMining(() =>
            app.lanes.wake(lanesOfChain(sandbox.chain).watch, depositsLaneOf(sandbox.chain)),
          )
        }
        app.lanes.start()
      }
      return { url }
    },
    async stop({ leaveAdopted = config.role !== 'all' } = {}) {
      app.pageNews.close()
      await fastify?.close()
      await app.lanes.stop()
      await Promise.all([app.outgoing.close(), app.fileDoor.close()])
      await app.pricing.stop()
      await app.notifier.stop()
      await Promise.all(
        app.providers.sandboxChains.map((chain) =>
          leaveAdopted && chain.node().origin === 'adopted' ? chain.leave() : chain.stop(),
        ),
      )
      await app.db.destroy()
    },
  }
}
