import type { App } from '../app.ts'
import type { Db, Trx } from '../db/database.ts'
import { newUuid } from '../kernel/ids.ts'
import { sha256 } from '../kernel/secrets.ts'

const PURPOSE = 'gateway-token'

/** Gives a payment the secret of its gateway address, once for its life. */
export async function insertGateway(
  { clock, secrets }: Pick<App, 'clock' | 'secrets'>,
  trx: Trx,
  integrationId: number,
  paymentId: string,
): Promise<string> {
  const token = newUuid()
  await trx
    .insertInto('paymentGateways')
    .values({
      integrationId,
      paymentId,
      tokenHash: sha256(token),
      tokenSealed: secrets.seal(PURPOSE, token),
      createdAt: clock.now(),
    })
    .execute()
  return token
}

/** The payment's token, to answer its address again; undefined for one that began on the guided page. */
export async function findGatewayToken(
  { db, secrets }: Pick<App, 'db' | 'secrets'>,
  integrationId: number,
  paymentId: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('paymentGateways')
    .select('tokenSealed')
    .where('integrationId', '=', integrationId)
    .where('paymentId', '=', paymentId)
    .executeTakeFirst()
  return row && secrets.open(PURPOSE, row.tokenSealed).toString('utf8')
}

/** The id of the payment that a token opens. */
export async function findPaymentOfToken(db: Db, token: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('paymentGateways')
    .select('paymentId')
    .where('tokenHash', '=', sha256(token))
    .executeTakeFirst()
  return row?.paymentId
}

/** Where the integrator sends the customer of a payment that it created without our page. */
export const gatewayAddress = ({ config }: Pick<App, 'config'>, paymentType: string, token: string): string =>
  `${config.publicUrl}/gateway/${paymentType}?token=${token}`
