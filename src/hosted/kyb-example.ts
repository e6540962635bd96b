import type { KybView } from './kyb-wire.ts'

/** A company's verification as the documentation shows it. */
export const KYB_EXAMPLE: KybView = {
  version: '3.1.form.in',
  server_time: '2026-06-26T10:30:00.000000Z',
  environment: 'sandbox',
  brand: {
    name: 'Sandbox Remittances',
    logo_url: null,
    color: '#3454d1',
    operator: { name: 'CryptoPocket', terms_url: null, privacy_url: null, support_email: null },
  },
  language: null,
  phase: 'form',
  company: {
    company_name: 'Remesas Sol S.L.',
    country: 'ES',
    identification_type: 'CIF',
    identification_number: 'A58818501',
    legal_form: 'Sociedad Limitada',
    incorporation_date: '2015-03-02',
    activity: 'Money transfers',
    website: null,
    address: 'Calle Mayor 1',
    postal_code: '28013',
    city: 'Madrid',
  },
  asked: ['company_name', 'country', 'company_deed', 'people'],
  optional: ['website', 'postal_code'],
  countries: [{ code: 'ES', company: true, residence: true }],
  identification: {
    '*': {
      company: [{ type: 'COMPANY_REGISTRATION', needs_back: false, example: 'HRB123456' }],
      individual: [{ type: 'PASSPORT', needs_back: false, example: 'XN1234567' }],
    },
  },
  documents: [
    {
      kind: 'company_deed',
      mime: 'application/pdf',
      bytes: 482_113,
      uploaded_at: '2026-06-26T10:29:00.000000Z',
    },
  ],
  people: [],
  declaration: null,
  reasons: [],
  expires_at: '2026-09-24T10:30:00.000000Z',
  min_age: 18,
  most_people: 20,
  page_url: 'https://ramp.example.com/kyb/7c0f7c55-1f0b-4a38-8a4b-8f6f9ad2b7c1',
  callback_url: null,
  sandbox: null,
}
