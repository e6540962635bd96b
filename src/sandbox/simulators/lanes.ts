import type { App } from '../../app.ts'
import type { Lane } from '../../kernel/lanes.ts'
import { simulatedBankLane } from '../../providers/bank/simulated/lane.ts'
import { simulatedCardLane } from '../../providers/card/simulated/lane.ts'
import { simulatedOpenBankingLane } from '../../providers/open-banking/simulated/lane.ts'
import { simulatedRedirectLane } from '../../providers/redirect/simulated/lane.ts'
import { simulatedCallbacksLane } from '../../providers/simulated/callbacks-lane.ts'
import type { RunningSimulator } from '../../providers/simulated/simulator.ts'

/** What happens in the simulated outside world by itself; nothing of it runs in production. */
export function simulatorLanes(
  app: Pick<App, 'config' | 'db' | 'clock' | 'secrets' | 'log' | 'wake'>,
): Lane[] {
  if (app.config.mode !== 'sandbox') return []
  const { config, db, clock, secrets, log } = app
  const simulator: RunningSimulator = {
    db,
    clock,
    secrets,
    log,
    publicUrl: () => config.publicUrl,
    wake: (...lanes) => app.wake(...lanes),
  }
  return [
    simulatedCardLane(simulator),
    simulatedOpenBankingLane(simulator),
    simulatedRedirectLane(simulator),
    simulatedBankLane(simulator),
    simulatedCallbacksLane(simulator),
  ]
}
