import type { CardView } from '../../../src/providers/simulated-pages-wire.ts'
import { Bones } from '../../shared/boot.tsx'
import { LonelyMessage } from '../../shared/lonely-message.tsx'
import { useSettled } from '../../shared/words.tsx'
import { SimulatorEnd, SimulatorFrame, useSimulator, useSimulatorSpeech } from '../simulator.tsx'
import { CardForm } from './card-form.tsx'
import { SecureStep } from './secure-step.tsx'

/** Plays the card provider's own page. The platform never sees what is typed here, as with a real provider. */
export function CardPage() {
  const { words } = useSimulatorSpeech()
  const page = useSimulator<CardView>('card')
  const settled = useSettled(page.view)
  if (page.missing) return <LonelyMessage title={words.notFoundTitle} text={words.notFoundText} />
  if (!page.view || !settled) return <Bones />
  return (
    <SimulatorFrame provider={words.cardProvider} icon="card" view={page.view}>
      <div key={page.view.state} class="appear">
        <Body page={page} view={page.view} />
      </div>
    </SimulatorFrame>
  )
}

export interface CardScreenProps {
  page: ReturnType<typeof useSimulator<CardView>>
  view: CardView
}

function Body({ page, view }: CardScreenProps) {
  const { words } = useSimulatorSpeech()
  const end = { view, provider: words.cardProvider }
  switch (view.state) {
    case 'open':
      return <CardForm page={page} view={view} />
    case 'declined':
      if (view.tries_left > 0) return <CardForm page={page} view={view} />
      return (
        <SimulatorEnd {...end} icon="cross" tone="bad" title={words.declinedTitle} text={words.noTries} />
      )
    case 'three_d_secure_required':
      return <SecureStep page={page} view={view} />
    case 'paid':
      return (
        <SimulatorEnd
          {...end}
          icon="check"
          tone="good"
          title={words.paidTitle}
          text={words.paidText}
          leaves
        />
      )
    case 'cancelled':
      return (
        <SimulatorEnd
          {...end}
          icon="back"
          tone="soft"
          title={words.cancelledTitle}
          text={words.cancelledText}
          leaves
        />
      )
    case 'expired':
      return (
        <SimulatorEnd {...end} icon="clock" tone="soft" title={words.expiredTitle} text={words.expiredText} />
      )
  }
}
