import type { App } from '../app.ts'
import { DEFAULT_SETTINGS } from '../common/integration.ts'
import { createIntegration } from '../common/integration-store.ts'
import { giveBankAccounts } from './bank-account.ts'

/** The credentials that the documentation names: public by design, refused in production. */
export const SANDBOX_INTEGRATIONS = [
  { name: 'Sandbox Remittances', apiKey: 'sandbox-key', apiSecret: 'sandbox-secret', color: '#3454d1' },
  { name: 'Second Sandbox', apiKey: 'sandbox-key-2', apiSecret: 'sandbox-secret-2', color: '#0f766e' },
] as const

/** Creates the sandbox's integrations where they are missing. Safe to run at every start, by several processes at once. */
export async function seedIntegrations(app: Pick<App, 'config' | 'db' | 'clock' | 'secrets'>): Promise<void> {
  for (const { name, apiKey, apiSecret, color } of SANDBOX_INTEGRATIONS) {
    await createIntegration(app, {
      name,
      settings: { ...DEFAULT_SETTINGS, brand: { name, logoUrl: null, color } },
      apiKey,
      apiSecret,
      who: 'sandbox',
      why: 'The integrations that the documentation names.',
    })
  }
  await giveBankAccounts(app)
}
