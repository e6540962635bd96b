import { Type } from 'typebox'
import type { App } from '../app.ts'
import { endpoint } from '../server/endpoint.ts'
import { fail } from '../server/errors.ts'
import { CallbackRefused, type ProviderNotification, type RawCallback } from './callback.ts'
import { receiveCallbacks } from './callbacks/inbox.ts'

/** Many notifications may come in one body. */
const LIMIT_BYTES = 1024 * 1024

interface Receiver {
  /** The name of the provider's kind, under which its notifications are stored. */
  provider: 'card' | 'open_banking' | 'bank' | 'paypal' | 'local'
  path: string
  name: string
  summary: string
  /** The configured provider; undefined when there is none. */
  find(app: App): { parseCallback(callback: RawCallback): ProviderNotification[] } | undefined
}

/** An address that a provider calls: the signature is checked, the notifications stored, the call answered at once. */
function callbackEndpoint({ provider, path, name, summary, find }: Receiver) {
  return endpoint({
    method: 'POST',
    path,
    section: 'providers',
    name,
    summary,
    description:
      "For the provider alone: the body must carry the provider's signature. Notifications are stored as they came and worked off afterwards; the same one twice is one.",
    audience: 'provider',
    raw: { contentTypes: ['application/json'], limitBytes: LIMIT_BYTES },
    data: Type.Object({
      received: Type.Integer({ description: 'How many notifications were not known before.' }),
    }),
    errors: ['not_found'],
    examples: { answer: { received: 1 } },
    async handle(app, { headers, rawBody }) {
      const configured = find(app) ?? fail('not_found', 'No such provider is configured.')
      const notifications = readNotifications(app, configured, { headers, rawBody })
      const received = await receiveCallbacks(
        app,
        notifications.map((payload) => ({ provider, externalId: payload.id, payload })),
      )
      return { received }
    },
  })
}

function readNotifications(
  { log }: Pick<App, 'log'>,
  provider: { parseCallback(callback: RawCallback): ProviderNotification[] },
  callback: RawCallback,
): ProviderNotification[] {
  try {
    return provider.parseCallback(callback)
  } catch (error) {
    if (!(error instanceof CallbackRefused)) throw error
    log.warn({ reason: error.message }, 'A callback was refused.')
    return fail('authorization_incorrect', "The callback does not carry the provider's signature.")
  }
}

export const receiveCardCallback = callbackEndpoint({
  provider: 'card',
  path: '/providers/card/callback',
  name: 'receiveCardCallback',
  summary: 'The card provider tells of payments, refunds and chargebacks',
  find: (app) => app.providers.card,
})

export const receiveOpenBankingCallback = callbackEndpoint({
  provider: 'open_banking',
  path: '/providers/open-banking/callback',
  name: 'receiveOpenBankingCallback',
  summary: 'The open-banking provider tells of payments that were initiated or refused',
  find: (app) => app.providers.openBanking,
})

export const receivePayPalCallback = callbackEndpoint({
  provider: 'paypal',
  path: '/providers/paypal/callback',
  name: 'receivePayPalCallback',
  summary: 'PayPal tells of payments and refunds',
  find: (app) => app.providers.paypal,
})

export const receiveLocalCallback = callbackEndpoint({
  provider: 'local',
  path: '/providers/local/callback',
  name: 'receiveLocalCallback',
  summary: 'The provider of the local methods tells of payments, also late ones, and refunds',
  find: (app) => app.providers.local,
})

export const receiveBankCallback = callbackEndpoint({
  provider: 'bank',
  path: '/providers/bank/callback',
  name: 'receiveBankCallback',
  summary: 'The bank tells of lines on our accounts and of our transfers',
  find: (app) => app.providers.bank,
})
