import {
  addCustomer,
  createGuided,
  findIban,
  type PaymentWorld,
  startPaymentWorld,
  takeInstructions,
} from './payments.ts'

export interface TemplateWorld {
  t: PaymentWorld
  /** The integration's account. */
  iban: string
  /** Of a payment by transfer, which invented payments are like (`putPayments`). */
  templateId: string
}

export async function startTemplateWorld(): Promise<TemplateWorld> {
  const t = await startPaymentWorld()
  const templateId = await createGuided(t, await addCustomer(t.app), { payment_type: 'transfer' })
  await takeInstructions(t, templateId)
  return { t, iban: await findIban(t.app), templateId }
}
