import type { BankView } from '../../../src/providers/simulated-pages-wire.ts'
import { Bones } from '../../shared/boot.tsx'
import { LonelyMessage } from '../../shared/lonely-message.tsx'
import { useSettled } from '../../shared/words.tsx'
import { SimulatorEnd, SimulatorFrame, useSimulator, useSimulatorSpeech } from '../simulator.tsx'
import { ChooseBank } from './choose-bank.tsx'
import { Consent } from './consent.tsx'
import { Login } from './login.tsx'

/** Plays the open-banking provider and the customer's bank. */
export function BankPage() {
  const { words } = useSimulatorSpeech()
  const page = useSimulator<BankView>('bank')
  const settled = useSettled(page.view)
  if (page.missing) return <LonelyMessage title={words.notFoundTitle} text={words.notFoundText} />
  if (!page.view || !settled) return <Bones />
  return (
    <SimulatorFrame provider={words.bankProvider} icon="bank" view={page.view}>
      <div key={page.view.state} class="appear">
        <Body page={page} view={page.view} />
      </div>
    </SimulatorFrame>
  )
}

export interface BankScreenProps {
  page: ReturnType<typeof useSimulator<BankView>>
  view: BankView
}

function Body({ page, view }: BankScreenProps) {
  const { words } = useSimulatorSpeech()
  const end = { view, provider: words.bankProvider }
  switch (view.state) {
    case 'choose_bank':
      return <ChooseBank page={page} view={view} />
    case 'login':
      return <Login page={page} view={view} />
    case 'consent':
      return <Consent page={page} view={view} />
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
    case 'refused':
      return (
        <SimulatorEnd
          {...end}
          icon="cross"
          tone="bad"
          title={words.refusedTitle}
          text={refusalText(words, view)}
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

function refusalText(words: ReturnType<typeof useSimulatorSpeech>['words'], { refusal }: BankView): string {
  const texts = words as unknown as Record<string, string | undefined>
  return texts[`refusal_${refusal}`] ?? words.refusal_other
}
