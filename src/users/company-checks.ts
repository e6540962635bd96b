import type {
  CompanyApplicant,
  CompanyApplication,
  ExamineCompany,
  KycCheck,
  KycFindings,
  KycReason,
  KycReasonCode,
} from '../providers/kyc/port.ts'
import { checkPhoto } from './built-in-checks.ts'
import { isResidenceSupported } from './identity/countries.ts'
import { findBirthDateProblem } from './identity/dates.ts'
import { checkIdentification } from './identity/identification.ts'
import type { SanctionsList } from './sanctions.ts'

const notProven = (check: string, detail: string): KycCheck => ({ check, result: 'not_proven', detail })

/** What nobody without a vendor can know. It goes with every decision, so that no one takes it for granted. */
const NOT_PROVEN: KycCheck[] = [
  notProven('company_exists', 'No company register was asked.'),
  notProven('documents_read', 'Nobody read the documents: the data was typed by the company.'),
  notProven('ownership', 'Who owns the company is what the company says.'),
  notProven('authority', 'Nobody proved that the representatives may act for the company.'),
  notProven('people_documents', 'Nobody looked at the security features of the people’s documents.'),
  notProven('address', 'The address was not checked against a register.'),
]

/** What can be checked of a company without a vendor: each check is named with its result, passed or not. */
export const createCompanyExaminer =
  (sanctions: SanctionsList): ExamineCompany =>
  (application, now) =>
    examineCompany(application, { now, sanctions })

function examineCompany(
  { company, people }: CompanyApplication,
  { now, sanctions }: { now: Date; sanctions: SanctionsList },
): KycFindings {
  const reasons: KycReason[] = []
  const checks: KycCheck[] = []
  const record: Record = (check, field, code) => {
    checks.push({ check, result: code ? 'failed' : 'passed', detail: code })
    if (code) reasons.push({ field, code })
  }
  const supported = isResidenceSupported(company.country, [])
  record('company_country', 'country', supported ? null : 'country_not_supported')
  const { type, number } = company.identification
  const checked = checkIdentification({ country: company.country, person: 'company', type, number })
  const field =
    !checked.ok && checked.problem === 'type_not_of_country' ? 'identification_type' : 'identification_number'
  record('company_number', field, checked.ok ? null : checked.problem)
  const future = company.incorporatedOn > now.toISOString().slice(0, 10)
  record('incorporation_date', 'incorporation_date', future ? 'in_the_future' : null)
  const represented = people.some((person) => person.isRepresentative)
  record('representative', 'people', represented ? null : 'representative_missing')
  for (const person of people) examinePerson(person, now, record, checks)

  const listed = [company.name, ...people.map(({ name, lastName }) => `${name} ${lastName}`)]
    .map((name) => sanctions.find(name))
    .filter((entry) => entry !== undefined)
  checks.push({
    check: 'sanctions',
    result: listed.length === 0 ? 'passed' : 'failed',
    detail:
      listed.length === 0
        ? `No name like the company's or its people's on: ${sanctions.name}.`
        : `Like "${listed.join('", "')}" on: ${sanctions.name}.`,
  })
  const exposed = people.some((person) => person.isPoliticallyExposed)
  checks.push({
    check: 'politically_exposed',
    result: exposed ? 'warned' : 'passed',
    detail: exposed ? 'Somebody says to be politically exposed.' : null,
  })
  return { reasons, needsReview: listed.length > 0 || exposed, checks: [...checks, ...NOT_PROVEN] }
}

type Record = (check: string, field: KycReason['field'], code: KycReasonCode | null) => void

function examinePerson(person: CompanyApplicant, now: Date, record: Record, checks: KycCheck[]): void {
  const of = (part: string): `people.${string}` => `people.${person.id}.${part}`
  const problem = findBirthDateProblem(person.birthDate, now)
  const tooYoung = problem === 'too_young' ? 'too_young' : 'invalid'
  record(of('age'), of('birth_date'), problem === null ? null : tooYoung)
  const residence = isResidenceSupported(person.country, []) ? null : 'country_not_supported'
  record(of('residence'), of('country'), residence)
  const { country, type, number } = person.identification
  const checked = checkIdentification({ country, person: 'individual', type, number })
  const field =
    !checked.ok && checked.problem === 'type_not_of_country' ? 'identification_type' : 'identification_number'
  record(of('identification_number'), of(field), checked.ok ? null : checked.problem)
  for (const photo of person.photos) {
    checkPhoto(photo, (check, kind, code) => record(of(check), of(kind as string), code), checks)
  }
}
