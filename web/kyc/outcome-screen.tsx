import { Outcome, type OutcomeKind } from '../shared/outcome.tsx'
import { fieldName, problemText, type Scene, useKycSpeech } from './scene.ts'

export function OutcomeScreen({ scene: { view }, outcome }: { scene: Scene; outcome: OutcomeKind }) {
  const { words } = useKycSpeech()
  const merchant = view.brand.name
  const text = outcome === 'expired' ? words.expiredText(merchant) : words[`${outcome}Text`]
  const reasons = outcome === 'fail' ? view.reasons : []
  return (
    <Outcome
      outcome={outcome}
      title={words[`${outcome}Title`]}
      texts={outcome === 'fail' ? [text, words.failAgain(merchant)] : [text]}
      reasons={reasons.map(({ field, code, text: spare }) => ({
        part: field && fieldName(words, field as 'name'),
        text: problemText(words, view, code, spare),
      }))}
      merchant={merchant}
      callbackUrl={view.callback_url}
    />
  )
}
