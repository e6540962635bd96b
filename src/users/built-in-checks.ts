import type {
  Examine,
  KycApplication,
  KycCheck,
  KycFindings,
  KycPhoto,
  KycReason,
  KycReasonCode,
} from '../providers/kyc/port.ts'
import { isResidenceSupported } from './identity/countries.ts'
import { findBirthDateProblem, findExpiryProblem } from './identity/dates.ts'
import { checkIdentification, findIdentificationType } from './identity/identification.ts'
import type { SanctionsList } from './sanctions.ts'

/** A photo this small shows nothing, whatever else is right with it. */
const USELESS_SIDE_PX = 200

/** What nobody without a vendor can know. It goes with every decision, so that no one takes it for granted. */
const NOT_PROVEN: KycCheck[] = [
  notProven('document_authentic', 'Nobody looked at the security features of the document.'),
  notProven('document_data_read', 'The data was typed by the customer; it was not read from the pictures.'),
  notProven('face_matches_document', 'The face was not compared with the document.'),
  notProven('live_person', 'The face may be a picture of a picture.'),
  notProven('address', 'The address was not checked against a register.'),
]

/** What can be checked without a vendor: each check is named with its result, passed or not. */
export const createExaminer =
  (sanctions: SanctionsList): Examine =>
  (application, now) =>
    runBuiltInChecks(application, { now, sanctions })

function runBuiltInChecks(
  { person, photos }: KycApplication,
  { now, sanctions }: { now: Date; sanctions: SanctionsList },
): KycFindings {
  const reasons: KycReason[] = []
  const checks: KycCheck[] = []
  const record = (check: string, field: KycReason['field'], code: KycReasonCode | null): void => {
    checks.push({ check, result: code ? 'failed' : 'passed', detail: code })
    if (code) reasons.push({ field, code })
  }

  record('age', 'birth_date', birthDateCode(person.birthDate, now))
  record('residence', 'country', isResidenceSupported(person.country, []) ? null : 'country_not_supported')
  const { country, type, number, expiresOn } = person.identification
  const checked = checkIdentification({ country, person: 'individual', type, number })
  const field =
    !checked.ok && checked.problem === 'type_not_of_country' ? 'identification_type' : 'identification_number'
  record('identification_number', field, checked.ok ? null : checked.problem)
  if (checked.ok && checked.birthDate !== undefined) {
    const same = checked.birthDate === person.birthDate
    record('birth_date_in_number', 'birth_date', same ? null : 'does_not_match_document')
  }
  if (expiresOn !== null) {
    const problem = findExpiryProblem(expiresOn, now)
    record('document_not_expired', 'identification_expires_on', problem === null ? null : 'document_expired')
  }
  const needsBack = findIdentificationType(country, 'individual', type)?.needsBack ?? true
  for (const photo of photos) {
    if (photo.kind !== 'document_back' || needsBack) checkPhoto(photo, record, checks)
  }

  const listed = sanctions.find(`${person.name} ${person.lastName}`)
  checks.push({
    check: 'sanctions',
    result: listed === undefined ? 'passed' : 'failed',
    detail:
      listed === undefined
        ? `No name like it on: ${sanctions.name}.`
        : `Like "${listed}" on: ${sanctions.name}.`,
  })
  return { reasons, needsReview: listed !== undefined, checks: [...checks, ...NOT_PROVEN] }
}

function birthDateCode(birthDate: string, now: Date): KycReasonCode | null {
  const problem = findBirthDateProblem(birthDate, now)
  if (problem === null) return null
  return problem === 'too_young' ? 'too_young' : 'invalid'
}

/** Only what makes a picture useless refuses it; light and sharpness are measured roughly, and a person may see more. */
export function checkPhoto(
  { kind, width, height, problems }: KycPhoto,
  record: (check: string, field: KycReason['field'], code: KycReasonCode | null) => void,
  checks: KycCheck[],
): void {
  const check = `picture_${kind}`
  if (Math.min(width, height) < USELESS_SIDE_PX) record(check, kind, 'too_small')
  else if (problems.includes('unreadable')) record(check, kind, 'unreadable')
  else if (problems.length > 0) checks.push({ check, result: 'warned', detail: problems.join(', ') })
  else record(check, kind, null)
}

function notProven(check: string, detail: string): KycCheck {
  return { check, result: 'not_proven', detail }
}
