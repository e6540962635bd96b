import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  KYC_REASON_FIELDS,
  KYC_REASON_TEXTS,
  type KycReason,
  type KycReasonCode,
} from '../providers/kyc/port.ts'
import { COUNTRY_CODES } from './identity/countries.ts'
import { listIdentificationTypes } from './identity/identification.ts'
import {
  applyChanges,
  askedFields,
  askedPhotos,
  FORM_FIELDS,
  findFaults,
  neededPhotos,
  optionalFields,
  withFollowingParts,
  withMissingParts,
} from './kyc-form.ts'
import { NOTHING_KNOWN, type PersonalData } from './personal-data.ts'

const rules = { now: new Date('2026-06-26T10:30:00Z'), acceptedCountries: [] }
const COMPLETE: PersonalData = {
  name: 'Ana',
  last_name: 'García',
  birth_date: '1990-05-17',
  email: 'ana@example.com',
  phone: null,
  country: 'ES',
  address: 'Calle Mayor 1',
  city: 'Madrid',
  postal_code: null,
  identification_country: null,
  identification_type: 'GOVERNMENT_ID',
  identification_number: '12345678Z',
  identification_expires_on: '2030-01-31',
}

test('a complete form has no faults, an empty one names all that is mandatory', () => {
  assert.deepEqual(findFaults(COMPLETE, rules), {})
  assert.deepEqual(
    Object.keys(findFaults(NOTHING_KNOWN, rules)),
    FORM_FIELDS.filter((field) => !optionalFields(NOTHING_KNOWN).includes(field)),
  )
})

test('what is not accepted by the integration is named', () => {
  assert.deepEqual(findFaults(COMPLETE, { ...rules, acceptedCountries: ['PT'] }), {
    country: ['country_not_supported'],
  })
})

test('a field is cleared by blank text only where it may stay empty', () => {
  const { fields } = applyChanges({ phone: ' ' }, { ...COMPLETE, phone: '+34600123456' }, rules)
  assert.equal(fields.phone, null)
  assert.deepEqual(applyChanges({ city: ' ' }, COMPLETE, rules).errors, { city: ['required'] })
})

test('a name may have hyphens, apostrophes, dots and any script', () => {
  for (const name of ["O'Neil-Díaz", 'José M.ª', 'Мария', '王小明', 'أحمد', 'Nuñez y Pérez']) {
    assert.deepEqual(applyChanges({ name }, COMPLETE, rules).errors, {}, name)
  }
  for (const name of ['---', '12', '<b>x</b>', 'a@b', 'x\u0007y']) {
    assert.deepEqual(applyChanges({ name }, COMPLETE, rules).errors, { name: ['invalid'] }, name)
  }
})

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    ' ',
    'ES',
    'CL',
    'MX',
    'FR',
    'GOVERNMENT_ID',
    'PASSPORT',
    'RUT',
    'CURP',
    '12345678Z',
    '12.345.678-5',
  ),
  fc.constantFrom('2030-01-01', '1990-05-17', '2020-01-01', '+34600123456', 'BOXW310820HNERXN09', 'Ana'),
)
const changes = fc.record(
  Object.fromEntries(FORM_FIELDS.map((field) => [field, text])) as Record<
    (typeof FORM_FIELDS)[number],
    typeof text
  >,
  { requiredKeys: [] },
)

test('whatever is typed: all or nothing, and what was saved is accepted again as it is', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 6 }), (steps) => {
      let fields = NOTHING_KNOWN
      for (const step of steps) {
        const result = applyChanges(step, fields, rules)
        if (Object.keys(result.errors).length > 0) assert.deepEqual(result.fields, fields)
        fields = result.fields
        const again = Object.fromEntries(
          Object.entries(fields).filter(([name, value]) => name !== 'email' && value !== null),
        )
        assert.deepEqual(applyChanges(again as never, fields, rules), { fields, errors: {} })
      }
    }),
    { numRuns: 500 },
  )
})

const reason = fc.record({
  field: fc.constantFrom(...KYC_REASON_FIELDS, null),
  code: fc.constantFrom(...(Object.keys(KYC_REASON_TEXTS) as KycReasonCode[])),
})

test('whatever is rejected: all that must be mended is asked for', () => {
  fc.assert(
    fc.property(fc.array(reason, { minLength: 1, maxLength: 5 }), fc.boolean(), (reasons, empty) => {
      const fields = empty ? NOTHING_KNOWN : COMPLETE
      const all = withMissingParts(withFollowingParts(reasons, fields), { fields, photos: [] }, rules)
      const asked = [...askedFields(all), ...askedPhotos(all)] as string[]
      for (const field of Object.keys(findFaults(fields, rules))) {
        assert.ok(asked.includes(field) || !isMendableIn(reasons, field), field)
      }
      for (const kind of neededPhotos(fields))
        assert.ok(asked.includes(kind) || !isMendableIn(reasons, kind), kind)
    }),
  )
})

/** A part that was said to be unacceptable for good can't be mended, whatever else is wrong with it. */
const isMendableIn = (reasons: readonly KycReason[], field: string): boolean =>
  !reasons.some((one) => one.field === field && one.code === 'not_accepted')

test('another document is asked for with its number, last day and photos', () => {
  const reasons = withFollowingParts(
    [{ field: 'identification_expires_on', code: 'document_expired' }],
    COMPLETE,
  )
  assert.deepEqual(
    reasons.map(({ field }) => field),
    ['identification_expires_on', 'identification_number', 'document_front', 'document_back'],
  )
  assert.deepEqual(withFollowingParts([{ field: 'city', code: 'invalid' }], COMPLETE), [
    { field: 'city', code: 'invalid' },
  ])
})

test('a document of every country can be given, by the example of each of its types', () => {
  for (const country of COUNTRY_CODES) {
    for (const { type, example, expires } of listIdentificationTypes(country, 'individual')) {
      const paper = {
        identification_country: country,
        identification_type: type,
        identification_number: example,
        identification_expires_on: expires ? '2030-01-31' : '',
      }
      const born = type === 'CURP' ? '1931-08-20' : '1990-05-17'
      assert.deepEqual(
        applyChanges({ ...paper, birth_date: born }, COMPLETE, rules).errors,
        {},
        `${country} ${type}`,
      )
    }
  }
})
