import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import type { Logger } from 'pino'
import { type Db, openDatabase } from './db/database.ts'
import { migrate } from './db/migrate.ts'
import { type Clock, createClock } from './kernel/clock.ts'
import type { Config } from './kernel/config.ts'
import { createLaneRunner, type Lane, type LaneRunner } from './kernel/lanes.ts'
import { createMetrics, type Metrics } from './kernel/metrics.ts'
import { createSecrets, type Secrets } from './kernel/secrets.ts'
import { type Authenticator, createAuthenticator } from './server/auth.ts'
import { createRateLimiter, type RateLimiter } from './server/rate-limit.ts'

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
  lanes: LaneRunner
  /** Tells lanes, here and in the other processes, that work was committed for them. Call it after the commit. */
  wake(...lanes: string[]): void
}
