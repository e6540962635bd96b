import type { Logger } from 'pino'
import type { Db } from '../../db/database.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Secrets } from '../../kernel/secrets.ts'

/**
 * What a simulated provider stands on. It keeps its state in PostgreSQL, in the schema `simulated`, so that it
 * survives a crash and is one for all processes.
 */
export interface Simulator {
  db: Db
  clock: Clock
  secrets: Secrets
  /** Where the program is reached: the simulators' pages and our callback endpoints are under it. */
  publicUrl(): string
  /** How long a call that hangs is waited for, in real time, unless the clock is moved meanwhile. */
  timeoutMs?: number
}

/** A simulator with what its lanes need besides. */
export interface RunningSimulator extends Simulator {
  log: Logger
  wake(...lanes: string[]): void
}

/** The lane that delivers what simulated providers have to tell. */
export const CALLBACKS_LANE = 'simulated-callbacks'
