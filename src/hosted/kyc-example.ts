import type { KycView } from './wire.ts'

/** A verification as the documentation shows it. */
export const KYC_EXAMPLE: KycView = {
  version: '3.1.form',
  server_time: '2026-06-26T10:30:00.000000Z',
  environment: 'sandbox',
  brand: {
    name: 'Sandbox Remittances',
    logo_url: null,
    color: '#3454d1',
    operator: { name: 'CryptoPocket', terms_url: null, privacy_url: null, support_email: null },
  },
  language: 'es',
  phase: 'form',
  data: {
    name: 'Ana',
    last_name: 'García López',
    birth_date: null,
    email: 'ana@example.com',
    phone: null,
    country: 'ES',
    address: null,
    city: null,
    postal_code: null,
    identification_country: null,
    identification_type: null,
    identification_number: null,
    identification_expires_on: null,
  },
  asked: ['birth_date', 'address', 'city', 'identification_type', 'identification_number'],
  optional: ['phone', 'postal_code'],
  countries: [
    {
      code: 'ES',
      residence: true,
      identification_types: [{ type: 'GOVERNMENT_ID', needs_back: true, example: '12345678Z' }],
    },
  ],
  photos: [],
  reasons: [],
  expires_at: '2026-07-26T10:30:00.000000Z',
  min_age: 18,
  page_url: 'https://ramp.example.com/kyc/pX0cN4Vq1m8Zr2Jt6Yw9Kb3Ld7Sf5Gh0Aq2We4Rt6Yu',
  callback_url: 'https://shop.example.com/back?user_id=100001&status=unused',
  sandbox: null,
}
