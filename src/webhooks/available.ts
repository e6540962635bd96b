import { Type } from 'typebox'
import { endpoint } from '../server/endpoint.ts'
import { EVENT_TYPES, findEventType, SUBSCRIBABLE_NAMES } from './event-types.ts'

export const availableWebhooks = endpoint({
  method: 'GET',
  path: '/api/webhooks/available',
  section: 'webhooks',
  name: 'availableWebhooks',
  summary: 'Event types',
  description:
    'Every type that can be subscribed to and when it is sent. `older_name_of`: an older name, accepted and sent as it is.',
  audience: 'token',
  data: Type.Array(
    Type.Object({
      type: Type.String(),
      description: Type.String(),
      older_name_of: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
  errors: [],
  examples: { answer: [{ type: 'PAY_IN', description: EVENT_TYPES.PAY_IN, older_name_of: null }] },
  async handle() {
    return SUBSCRIBABLE_NAMES.map((name) => {
      const type = findEventType(name)!
      return { type: name, description: EVENT_TYPES[type], older_name_of: name === type ? null : type }
    })
  },
})
