import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClock } from '../kernel/clock.ts'
import { kycSuite, soundApplication } from '../providers/kyc/contract-suite.ts'
import { createOperatorKyc } from '../providers/kyc/operator.ts'
import type { KycApplication } from '../providers/kyc/port.ts'
import { createExaminer } from './built-in-checks.ts'
import { createCompanyExaminer } from './company-checks.ts'
import { createEnhancedExaminer } from './enhanced-checks.ts'
import { createSanctionsList, readSanctionsList } from './sanctions.ts'

const now = new Date('2026-06-26T10:30:00Z')
const sanctions = readSanctionsList()
const examine = createExaminer(sanctions)
const examineCompany = createCompanyExaminer(sanctions)
const examineEnhanced = createEnhancedExaminer(sanctions)
const clock = createClock(() => now.getTime())

kycSuite('operator', async () => ({
  provider: createOperatorKyc({ clock, examine, examineCompany, examineEnhanced }),
  now: () => now,
  told: async () => [],
  usualOutcome: 'review',
  close: async () => {},
}))

const reasonsOf = (change: (application: KycApplication) => void) => {
  const application = soundApplication(now)
  change(application)
  return examine(application, now).reasons
}

for (const [what, change, reasons] of [
  ['nothing wrong', () => {}, []],
  [
    'a birthday tomorrow',
    ({ person }) => (person.birthDate = '2008-06-27'),
    [{ field: 'birth_date', code: 'too_young' }],
  ],
  [
    'a residence that is not accepted',
    ({ person }) => (person.country = 'KP'),
    [{ field: 'country', code: 'country_not_supported' }],
  ],
  [
    'a wrong letter',
    ({ person }) => (person.identification.number = '12345678A'),
    [{ field: 'identification_number', code: 'wrong_check_digit' }],
  ],
  [
    'a paper of another country',
    ({ person }) => (person.identification.type = 'RUT'),
    [{ field: 'identification_type', code: 'type_not_of_country' }],
  ],
  ['papers that never expire', ({ person }) => (person.identification.expiresOn = null), []],
  [
    'a tiny photo',
    ({ photos }) => (photos[0]!.height = 90),
    [{ field: 'document_front', code: 'too_small' }],
  ],
  [
    'a blank photo',
    ({ photos }) => (photos[2]!.problems = ['unreadable', 'too_dark']),
    [{ field: 'face_image', code: 'unreadable' }],
  ],
  ['a somewhat dark photo', ({ photos }) => (photos[1]!.problems = ['too_dark']), []],
  [
    'a CURP of another birth date',
    ({ person }) =>
      (person.identification = {
        country: 'MX',
        type: 'CURP',
        number: 'BOXW310820HNERXN09',
        expiresOn: null,
      }),
    [{ field: 'birth_date', code: 'does_not_match_document' }],
  ],
  [
    'a blank back of a passport, which nobody needs',
    ({ person, photos }) => {
      person.identification = {
        country: 'FR',
        type: 'PASSPORT',
        number: '12AB34567',
        expiresOn: '2030-01-01',
      }
      photos[1]!.problems = ['unreadable']
    },
    [],
  ],
] as [string, (application: KycApplication) => void, unknown[]][]) {
  test(`${what}: ${JSON.stringify(reasons)}`, () => assert.deepEqual(reasonsOf(change), reasons))
}

test('a doubtful picture is warned of, not refused', () => {
  const application = soundApplication(now)
  application.photos[0]!.problems = ['blurred']
  const { checks } = examine(application, now)
  assert.deepEqual(
    checks.find(({ check }) => check === 'picture_document_front'),
    { check: 'picture_document_front', result: 'warned', detail: 'blurred' },
  )
})

test('names are found whatever their accents, case, order and spelling, and not by a part alone', () => {
  const list = createSanctionsList('test', ['María Bloqueada Ejemplo', 'Al-Designated, Abdul Rahman', 'Solo'])
  for (const name of [
    'maria bloqueada ejemplo',
    'EJEMPLO Bloqueada, María',
    'María José Bloqueada Ejemplo Pérez',
    'Maria Blokueada Ejenplo',
  ]) {
    assert.equal(list.find(name), 'María Bloqueada Ejemplo', name)
  }
  assert.equal(list.find('Abdul Rahman al Designated'), 'Al-Designated, Abdul Rahman')
  for (const name of ['María Ejemplo', 'Bloqueada', 'Ana García López', 'Han Solo', ''])
    assert.equal(list.find(name), undefined, name)
})
