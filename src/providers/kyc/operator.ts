import type { Clock } from '../../kernel/clock.ts'
import { randomText } from '../../kernel/ids.ts'
import { CallbackRefused } from '../callback.ts'
import type { Examine, KycDecision, KycProvider } from './port.ts'

/**
 * No vendor: the built-in checks send back what is plainly wrong, and a person of ours decides the rest.
 */
export function createOperatorKyc({ clock, examine }: { clock: Clock; examine: Examine }): KycProvider {
  return {
    name: 'operator',
    async submit(application) {
      const { reasons, checks } = examine(application, clock.now())
      const decision: KycDecision =
        reasons.length > 0 ? { outcome: 'mend', reasons, checks } : { outcome: 'review', reasons: [], checks }
      return { providerRef: `operator_${randomText(24)}`, askAfterMs: 0, decision }
    },
    async getDecision() {
      // Whatever was handed in and not sent back at once is for a person to decide.
      return { outcome: 'review', reasons: [], checks: [] }
    },
    parseCallback() {
      throw new CallbackRefused('There is no provider that could call.')
    },
  }
}
