import type { RedirectView } from '../../../src/providers/simulated-pages-wire.ts'
import { Bones } from '../../shared/boot.tsx'
import { LonelyMessage } from '../../shared/lonely-message.tsx'
import { useSettled } from '../../shared/words.tsx'
import { RedirectEnd } from '../redirect-end.tsx'
import { SimulatorFrame, useSimulator, useSimulatorSpeech } from '../simulator.tsx'
import { Approve } from './approve.tsx'

/** Plays PayPal: the customer chooses what to pay with, and approves. */
export function PayPalPage() {
  const { words } = useSimulatorSpeech()
  const page = useSimulator<RedirectView>('paypal')
  const settled = useSettled(page.view)
  if (page.missing) return <LonelyMessage title={words.notFoundTitle} text={words.notFoundText} />
  if (!page.view || !settled) return <Bones />
  return (
    <SimulatorFrame provider={words.payPalProvider} icon="lock" view={page.view}>
      <div key={page.view.state} class="appear">
        {page.view.state === 'open' ? (
          <Approve page={page} view={page.view} />
        ) : (
          <RedirectEnd view={page.view} provider={words.payPalProvider} />
        )}
      </div>
    </SimulatorFrame>
  )
}

export interface RedirectScreenProps {
  page: ReturnType<typeof useSimulator<RedirectView>>
  view: RedirectView
}
