import { Type } from 'typebox'
import {
  addFaults,
  FAULT_KINDS,
  FAULT_PROVIDERS,
  type FaultKind,
  type FaultProvider,
  listFaults,
} from '../providers/faults.ts'
import { endpoint } from '../server/endpoint.ts'
import type { FieldErrors } from '../server/errors.ts'

/** What can happen to each provider: the same kind twice on one provider adds up. */
export const FAULTS_OF: Record<FaultProvider, readonly FaultKind[]> = {
  bank: ['fail', 'reject', 'hang', 'lost_answer', 'twice', 'late', 'return'],
  card: ['fail', 'reject', 'hang', 'lost_answer', 'twice', 'late', 'lost', 'return'],
  open_banking: ['fail', 'reject', 'hang', 'lost_answer', 'twice', 'late', 'lost'],
  paypal: ['fail', 'reject', 'hang', 'lost_answer', 'twice', 'late', 'lost', 'return'],
  local: ['fail', 'reject', 'hang', 'lost_answer', 'twice', 'late', 'lost', 'return'],
  kyc: ['fail', 'reject', 'hang', 'lost_answer', 'twice', 'late'],
  price: ['fail', 'hang', 'late', 'stale', 'jump'],
  chain: ['fail', 'reject', 'hang', 'lost_answer', 'twice', 'late'],
}

const Fault = Type.Object({
  provider: Type.String(),
  kind: Type.String(),
  remaining: Type.Integer({ description: 'On how many occasions it still happens.' }),
})

export const orderFaults = endpoint({
  method: 'POST',
  path: '/api/sandbox/faults',
  section: 'sandbox',
  name: 'orderFaults',
  summary: 'Make a provider fail',
  description: [
    'The next `count` calls to the provider, or notifications of it, go wrong in the way of `kind`:',
    '',
    '- `fail`: it answers an error before doing anything.',
    '- `reject`: it refuses what it is asked to do.',
    '- `hang`: it does nothing and never answers: whoever asks gives up after 10 s, or when the clock is moved.',
    '- `lost_answer`: it does what it is asked, and the answer is lost.',
    '- `twice`: it tells twice.',
    '- `late`: it tells late, so that later news overtakes it.',
    '- `lost`: it never tells; the platform learns of it by asking, some minutes later.',
    '- `return`: what went out comes back (a refund by a payment provider fails, a bank transfer is returned).',
    '- `stale`, `jump`: prices alone: of a quarter of an hour ago, 10 % up.',
    '',
    'The simulated world is one for all integrations: whoever calls the provider next meets the fault.',
  ].join('\n'),
  audience: 'token',
  sandboxOnly: true,
  body: Type.Object({
    provider: Type.Unsafe<FaultProvider>({
      type: 'string',
      enum: [...FAULT_PROVIDERS],
      description: 'Who goes wrong.',
      examples: ['card'],
    }),
    kind: Type.Unsafe<FaultKind>({
      type: 'string',
      enum: [...FAULT_KINDS],
      description: 'How. See GET /api/sandbox for what each provider can do.',
      examples: ['hang'],
    }),
    count: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000,
        description:
          'How often; once unless told. 0 takes back what was ordered of this kind. What was ordered stays until it happened, after a reset too.',
        examples: [3],
      }),
    ),
  }),
  data: Type.Object({
    faults: Type.Array(Fault, { description: 'All that is ordered and has not happened yet.' }),
  }),
  errors: [],
  examples: {
    request: { provider: 'price', kind: 'stale', count: 1 },
    answer: { faults: [{ provider: 'price', kind: 'stale', remaining: 1 }] },
  },
  check({ body }): FieldErrors {
    if (body.provider === undefined || body.kind === undefined) return {}
    const kinds = FAULTS_OF[body.provider]
    return kinds.includes(body.kind)
      ? {}
      : { kind: [`must be one of: ${kinds.join(', ')} for ${body.provider}`] }
  },
  async handle(app, { body }) {
    await addFaults(app, { provider: body.provider, kind: body.kind, count: body.count ?? 1 })
    return { faults: await listFaults(app.db) }
  },
})
