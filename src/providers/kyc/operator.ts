import type { Clock } from '../../kernel/clock.ts'
import { randomText } from '../../kernel/ids.ts'
import { CallbackRefused } from '../callback.ts'
import type {
  EnhancedFindings,
  Examine,
  ExamineCompany,
  ExamineEnhanced,
  KycDecision,
  KycFindings,
  KycProvider,
  KycSubmission,
} from './port.ts'

/**
 * No vendor: the built-in checks send back what is plainly wrong, and a person of ours decides the rest.
 */
export function createOperatorKyc({
  clock,
  examine,
  examineCompany,
  examineEnhanced,
}: {
  clock: Clock
  examine: Examine
  examineCompany: ExamineCompany
  examineEnhanced: ExamineEnhanced
}): KycProvider {
  return {
    name: 'operator',
    submit: async (application) => leaveToPerson(examine(application, clock.now())),
    submitCompany: async (application) => leaveToPerson(examineCompany(application, clock.now())),
    submitEnhanced: async (application) => leaveToPerson(examineEnhanced(application, clock.now())),
    async getDecision() {
      // Whatever was handed in and not sent back at once is for a person to decide.
      return { outcome: 'review', reasons: [], checks: [] }
    },
    parseCallback() {
      throw new CallbackRefused('There is no provider that could call.')
    },
  }
}

function leaveToPerson({ reasons, checks }: KycFindings | EnhancedFindings): KycSubmission {
  const decision: KycDecision =
    reasons.length > 0 ? { outcome: 'mend', reasons, checks } : { outcome: 'review', reasons: [], checks }
  return { providerRef: `operator_${randomText(24)}`, askAfterMs: 0, decision }
}
