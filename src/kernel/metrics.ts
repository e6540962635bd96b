import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { createFastHistogram } from './fast-histogram.ts'

export type Metrics = ReturnType<typeof createMetrics>

/** What `/metrics` shows. Names follow Prometheus' conventions: base units, `_total` for counters. */
export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return {
    registry,
    httpSeconds: createFastHistogram({
      name: 'http_request_duration_seconds',
      help: 'Time to answer, by endpoint.',
      labelName: 'endpoint',
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30],
      register: registry,
    }),
    httpErrors: new Counter({
      name: 'http_errors_total',
      help: 'Refused requests, by error code.',
      labelNames: ['code'],
      registers,
    }),
    internalErrors: new Counter({
      name: 'internal_errors_total',
      help: 'Requests that ended in unexpected_error.',
      registers,
    }),
    laneRows: new Counter({
      name: 'lane_rows_total',
      help: 'Rows moved, by lane.',
      labelNames: ['lane'],
      registers,
    }),
    laneFailures: new Counter({
      name: 'lane_failures_total',
      help: 'Steps that failed, by lane.',
      labelNames: ['lane'],
      registers,
    }),
    payments: new Gauge({
      name: 'payments_open',
      help: 'Payments in states that are not final.',
      labelNames: ['state'],
      registers,
    }),
    effects: new Gauge({
      name: 'effects_open',
      help: 'Money that is to go out, by door and state.',
      labelNames: ['door', 'state'],
      registers,
    }),
    deliveries: new Gauge({
      name: 'webhook_deliveries_pending',
      help: 'Webhooks not delivered yet.',
      registers,
    }),
    deliveriesAge: new Gauge({
      name: 'webhook_backlog_age_seconds',
      help: 'Age of the oldest event that some webhook still waits to tell of.',
      registers,
    }),
    webhookAttempts: new Counter({
      name: 'webhook_attempts_total',
      help: 'Attempts to deliver a webhook: delivered (any 2xx) or refused (anything else, or no answer).',
      labelNames: ['outcome'],
      registers,
    }),
    webhookSeconds: new Histogram({
      name: 'webhook_attempt_duration_seconds',
      help: 'Time until a webhook receiver answered, or until it was given up.',
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 5, 10],
      registers,
    }),
    depositsHeight: new Gauge({
      name: 'deposits_block_height',
      help: 'The block up to which a chain was read for deposits.',
      labelNames: ['chain'],
      registers,
    }),
    depositsBehind: new Gauge({
      name: 'deposits_blocks_behind',
      help: 'Blocks that the chain has and that were not read yet; negative while the node lags behind what was read.',
      labelNames: ['chain'],
      registers,
    }),
    depositsSeen: new Gauge({
      name: 'deposits_seen',
      help: 'Deposits that are not deep enough yet to be final.',
      labelNames: ['chain'],
      registers,
    }),
    depositsHeld: new Gauge({
      name: 'deposits_held',
      help: '1 while no deposit becomes final on a chain: nodes that disagree, or a reorganisation too deep.',
      labelNames: ['chain'],
      registers,
    }),
    sweeps: new Gauge({
      name: 'sweeps_open',
      help: "Coins on their way from sales' addresses to the hot wallet, by what they wait for; failed ones wait for a person.",
      labelNames: ['chain', 'state'],
      registers,
    }),
    stuckItems: new Gauge({
      name: 'stuck_money_items',
      help: 'Money that should have moved by now, by kind ("stuck --rules" lists them).',
      labelNames: ['rule'],
      registers,
    }),
    stuckOldest: new Gauge({
      name: 'stuck_money_oldest_seconds',
      help: "For how long the oldest stuck money of a kind has been so, on the platform's clock; 0 when none is.",
      labelNames: ['rule'],
      registers,
    }),
    walletUnits: new Gauge({
      name: 'wallet_balance',
      help: 'Coins in a hot wallet, in major units.',
      labelNames: ['wallet', 'asset'],
      registers,
    }),
  }
}
