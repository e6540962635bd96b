import type { EnhancedReason } from '../providers/kyc/enhanced.ts'
import type { ExamineEnhanced, KycCheck } from '../providers/kyc/port.ts'
import { findFaults } from './enhanced-form.ts'
import type { SanctionsList } from './sanctions.ts'

/** What nobody without a vendor can know. It goes with every decision, so that no one takes it for granted. */
const NOT_PROVEN: KycCheck[] = [
  notProven('documents_authentic', 'Nobody looked at whether the documents are genuine.'),
  notProven('documents_read', 'What was declared was not compared with what the documents say.'),
  notProven('pep_register', 'No register of politically exposed persons was asked.'),
]

/** Sectors through whose hands much cash goes; no reason to refuse, one to look. */
const WATCHED_SECTORS = ['gambling', 'crypto']

/**
 * What can be checked of a declaration without a vendor. A politically exposed person, and a name like one on the
 * sanctions list, are for a person of ours to decide.
 */
export function createEnhancedExaminer(sanctions: SanctionsList): ExamineEnhanced {
  return ({ customer, declared, documents }) => {
    const reasons: EnhancedReason[] = Object.keys(findFaults(customer.type, declared)).map((field) => ({
      field: field as EnhancedReason['field'],
      code: 'invalid',
    }))
    if (documents.length === 0) reasons.push({ field: 'documents', code: 'required' })
    const listed = sanctions.find(customer.name)
    const isExposed = declared.pep === 'yes'
    const isWatched = WATCHED_SECTORS.includes(declared.sector ?? '')
    const outgrown = isMoreThanIncome(
      declared.monthly_volume,
      declared.income_range,
      declared.income_currency,
    )
    const checks: KycCheck[] = [
      check('declaration_complete', reasons.length === 0 ? 'passed' : 'failed'),
      check('documents_given', documents.length > 0 ? 'passed' : 'failed', `${documents.length}`),
      check('politically_exposed', isExposed ? 'warned' : 'passed', isExposed ? 'Declared so.' : null),
      check('sector', isWatched ? 'warned' : 'passed', declared.sector ?? null),
      check(
        'volume_against_income',
        outgrown ? 'warned' : 'passed',
        outgrown ? 'A year of the expected volume is more than the declared income.' : null,
      ),
      check(
        'sanctions',
        listed === undefined ? 'passed' : 'failed',
        listed === undefined
          ? `No name like it on: ${sanctions.name}.`
          : `Like "${listed}" on: ${sanctions.name}.`,
      ),
    ]
    return { reasons, needsReview: listed !== undefined || isExposed, checks: [...checks, ...NOT_PROVEN] }
  }
}

/** Judged only where income and volume are both in euros: a hint for whoever looks, no sum to decide by. */
function isMoreThanIncome(volume: string | null, income: string | null, currency: string | null): boolean {
  if (currency !== 'EUR' || volume === null || income === null) return false
  const [, most] = income.split('-')
  const [least] = volume.split('-')
  return !!most && BigInt(least || '0') * 12n > BigInt(most)
}

function check(name: string, result: KycCheck['result'], detail: string | null = null): KycCheck {
  return { check: name, result, detail }
}

function notProven(name: string, detail: string): KycCheck {
  return check(name, 'not_proven', detail)
}
