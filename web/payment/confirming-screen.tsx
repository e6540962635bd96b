import { StepHeading } from '../shared/frame.tsx'
import { Spinner } from '../shared/icons.tsx'
import { BackToMerchant } from './back-to-merchant.tsx'
import { type Scene, usePaymentSpeech } from './scene.ts'

/** The customer has paid at the provider's; the provider's own word is still to come. */
export function ConfirmingScreen({ scene: { view } }: { scene: Scene }) {
  const { words } = usePaymentSpeech()
  const atBank = view.status === 'pending_bank'
  return (
    <>
      <span class="mb-5 grid size-14 place-items-center rounded-full bg-side text-brand-text">
        <Spinner class="size-7" />
      </span>
      <StepHeading page={view.brand.name}>{words.confirmingTitle}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{atBank ? words.confirmingBankText : words.confirmingText}</p>
      <BackToMerchant view={view} kind="plain" />
    </>
  )
}
