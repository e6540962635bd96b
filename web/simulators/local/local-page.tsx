import type { RedirectView } from '../../../src/providers/simulated-pages-wire.ts'
import { Bones } from '../../shared/boot.tsx'
import { LonelyMessage } from '../../shared/lonely-message.tsx'
import { useSettled } from '../../shared/words.tsx'
import { RedirectEnd } from '../redirect-end.tsx'
import { SimulatorFrame, useSimulator, useSimulatorSpeech } from '../simulator.tsx'
import { PayLocal } from './pay-local.tsx'

const NAMES: Record<string, string> = {
  khipu: 'Khipu',
  spei: 'SPEI',
  pse: 'PSE',
  pagoefectivo: 'PagoEfectivo',
  cvu: 'CVU',
}

/** Plays whoever takes the local methods' money: at the bank, or with a code that is paid elsewhere. */
export function LocalPage() {
  const { words } = useSimulatorSpeech()
  const page = useSimulator<RedirectView>('local')
  const settled = useSettled(page.view)
  if (page.missing) return <LonelyMessage title={words.notFoundTitle} text={words.notFoundText} />
  if (!page.view || !settled) return <Bones />
  const name = NAMES[page.view.method] ?? page.view.method
  const provider = words.localProvider(name)
  return (
    <SimulatorFrame provider={provider} icon="bank" view={page.view}>
      <div key={page.view.state} class="appear">
        {page.view.state === 'open' ? (
          <PayLocal page={page} view={page.view} provider={provider} name={name} />
        ) : (
          <RedirectEnd view={page.view} provider={provider} />
        )}
      </div>
    </SimulatorFrame>
  )
}

export interface LocalScreenProps {
  page: ReturnType<typeof useSimulator<RedirectView>>
  view: RedirectView
  provider: string
  name: string
}
