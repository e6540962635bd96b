import { useRef, useState } from 'preact/hooks'
import { Button, focusFirstInvalid, Notice, TextButton, TextField } from '../../shared/controls.tsx'
import { StepHeading, TestValue, TestValues } from '../../shared/frame.tsx'
import { useSimulatorSpeech } from '../simulator.tsx'
import type { CardScreenProps } from './card-page.tsx'
import { brandOf, type CardFields, checkCard, digitsOf, groupExpiry, groupNumber } from './card-rules.ts'

const brandNames = { visa: 'Visa', mastercard: 'Mastercard', amex: 'American Express', other: '' }

export function CardForm({ page, view }: CardScreenProps) {
  const { words, format } = useSimulatorSpeech()
  const form = useRef<HTMLFormElement>(null)
  const [card, setCard] = useState<CardFields>({ number: '', expiry: '', code: '', name: '' })
  const [seen, setSeen] = useState<readonly (keyof CardFields)[]>([])
  const problems = checkCard(card, view.server_time)
  const brand = brandOf(card.number)

  const set = (field: keyof CardFields, value: string) => {
    page.clear()
    setCard((before) => ({ ...before, [field]: value }))
  }
  const left = (field: keyof CardFields) => () =>
    setSeen((before) => (before.includes(field) || card[field] === '' ? before : [...before, field]))
  const error = (field: keyof CardFields) => {
    const own = seen.includes(field) && problems[field]
    return own ? words[`problem_${own}`] : page.problem?.errors[field] ? words.fixErrors : null
  }
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (page.busy) return
    setSeen(['number', 'expiry', 'code', 'name'])
    if (Object.keys(problems).length > 0) return focusFirstInvalid(form.current)
    await page.post('pay', { ...card, number: digitsOf(card.number) })
  }
  const fill = (number: string) => {
    page.clear()
    const year = String(Number(view.server_time.slice(2, 4)) + 3)
    setCard({ number: groupNumber(number), expiry: `12/${year}`, code: '123', name: 'TEST CARD' })
  }
  return (
    <form ref={form} noValidate onSubmit={submit}>
      <StepHeading page={words.cardProvider}>{words.cardTitle}</StepHeading>
      <div class="mt-5 space-y-4">
        <Decline view={view} />
        <TestValues>
          {view.test_cards.map(({ number, does }) => (
            <TestValue key={number} onPress={() => fill(number)}>
              <span>
                <span class="font-mono">{groupNumber(number)}</span> {words[`does_${does}`]}
              </span>
            </TestValue>
          ))}
        </TestValues>
        <TextField
          label={words.cardNumber}
          name="number"
          value={card.number}
          onValue={(value) => set('number', groupNumber(value))}
          onLeave={left('number')}
          error={error('number')}
          action={<span class="text-sm text-soft">{brandNames[brand]}</span>}
          inputMode="numeric"
          autoComplete="cc-number"
          placeholder="1234 1234 1234 1234"
        />
        <div class="grid grid-cols-2 items-start gap-4">
          <TextField
            label={words.cardExpiry}
            name="expiry"
            value={card.expiry}
            onValue={(value) => set('expiry', groupExpiry(value))}
            onLeave={left('expiry')}
            error={error('expiry')}
            hint={words.cardExpiryHint}
            inputMode="numeric"
            autoComplete="cc-exp"
            placeholder="MM/YY"
          />
          <TextField
            label={words.cardCode}
            name="code"
            value={card.code}
            onValue={(value) => set('code', digitsOf(value).slice(0, 4))}
            onLeave={left('code')}
            error={error('code')}
            hint={brand === 'amex' ? words.cardCodeHintAmex : words.cardCodeHint}
            inputMode="numeric"
            autoComplete="cc-csc"
            placeholder={brand === 'amex' ? '1234' : '123'}
          />
        </div>
        <TextField
          label={words.cardName}
          name="name"
          value={card.name}
          onValue={(value) => set('name', value)}
          onLeave={left('name')}
          error={error('name')}
          autoComplete="cc-name"
          maxLength={100}
        />
        {page.problem && (
          <Notice tone="bad" urgent>
            {page.problem.text}
          </Notice>
        )}
        <Button type="submit" icon="lock" busy={page.busy}>
          {words.cardPay(format.money(view.amount))}
        </Button>
        <div class="text-center">
          <TextButton quiet onPress={() => void page.post('cancel')}>
            {words.goBack}
          </TextButton>
        </div>
      </div>
    </form>
  )
}

function Decline({ view }: Pick<CardScreenProps, 'view'>) {
  const { words } = useSimulatorSpeech()
  if (view.state !== 'declined' || !view.decline) return null
  const texts = words as unknown as Record<string, string | undefined>
  return (
    <Notice tone="bad" title={words.declinedTitle} urgent>
      {texts[`decline_${view.decline.code}`] ?? words.decline_other} {words.triesLeft(view.tries_left)}
    </Notice>
  )
}
