import { createHmac } from 'node:crypto'
import type { App } from '../app.ts'
import { findPaymentOfToken } from '../onramp/gateway-token.ts'
import type { Payment } from '../onramp/payment.ts'
import { findPaymentById } from '../onramp/payment-store.ts'
import type { ApiRequest } from '../server/endpoint.ts'
import { ownerCookie, ownerHash } from './payment-owner.ts'
import { notFound } from './payment-scene.ts'

type Needs = Pick<App, 'db' | 'config' | 'secrets'>

/**
 * Whoever has the gateway's token is the payment's owner: the cookie follows from the token, so that two browsers with
 * the link don't take the page from each other. `if free` leaves the page to a device that took it over by a hand-over
 * link. Answers the cookie.
 */
export async function ownByToken(
  app: Needs,
  { integrationId, id }: Pick<Payment, 'integrationId' | 'id'>,
  token: string,
  when: 'if free' | 'always',
): Promise<string> {
  const secret = createHmac('sha256', app.secrets.index('gateway-owner', id))
    .update(token)
    .digest('base64url')
  await app.db
    .updateTable('payments')
    .set({ browserHash: ownerHash(secret), handoverHash: null, handoverExpiresAt: null })
    .where('integrationId', '=', integrationId)
    .where('id', '=', id)
    .$if(when === 'if free', (query) => query.where('browserHash', 'is', null))
    .execute()
  return ownerCookie(app, id, secret)
}

/** Makes the browser that brings a gateway's token the owner, and answers the payment's id. */
export async function openByToken(
  app: Needs,
  browser: Pick<ApiRequest, 'setHeader'>,
  token: string,
): Promise<string> {
  const id = (await findPaymentOfToken(app.db, token)) ?? notFound()
  const payment = (await findPaymentById(app.db, id)) ?? notFound()
  browser.setHeader('Set-Cookie', await ownByToken(app, payment, token, 'always'))
  return id
}
