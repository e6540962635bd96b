import { after } from 'node:test'
import { DEFAULT_SETTINGS } from '../../src/common/integration.ts'
import type { TestApp } from './app.ts'
import {
  addCustomer,
  checkBooks,
  createGuided,
  type PaymentWorld,
  setSettings,
  startPaymentWorld,
  takeInstructions,
} from './payments.ts'

/** The world of all tests of one file: after them its books are checked, and it is stopped. */
export async function sharePaymentWorld(env: Record<string, string> = {}): Promise<PaymentWorld> {
  const t = await startPaymentWorld(env)
  after(async () => {
    await checkBooks(t.app)
    await t.stop()
  })
  return t
}

/** The first sandbox integration has the settings of a new one, and its brand. */
export const resetSettings = (t: TestApp): Promise<void> =>
  setSettings(t, ({ brand }) => ({ ...DEFAULT_SETTINGS, brand }))

/** A payment of 100.00 unless told that waits for its transfer, and what the payer has to write. */
export async function startTransfer(
  t: TestApp,
  changes: Record<string, unknown> = {},
): Promise<{ id: string; iban: string; concept: string }> {
  const id = await createGuided(t, await addCustomer(t.app), {
    fiat_amount: '100.00',
    payment_type: 'transfer',
    ...changes,
  })
  return { id, ...(await takeInstructions(t, id)) }
}
