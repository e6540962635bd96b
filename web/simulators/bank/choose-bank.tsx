import { useState } from 'preact/hooks'
import { Notice, TextButton, TextField } from '../../shared/controls.tsx'
import { StepHeading } from '../../shared/frame.tsx'
import { Icon } from '../../shared/icons.tsx'
import { useSimulatorSpeech } from '../simulator.tsx'
import type { BankScreenProps } from './bank-page.tsx'
import { findBanks } from './bank-search.ts'

export function ChooseBank({ page, view }: BankScreenProps) {
  const { words, format } = useSimulatorSpeech()
  const [typed, setTyped] = useState('')
  const found = findBanks(view.banks, typed)
  return (
    <>
      <StepHeading page={words.bankProvider}>{words.bankTitle}</StepHeading>
      <div class="mt-5 space-y-4">
        <TextField label={words.bankSearch} name="bank" type="search" value={typed} onValue={setTyped} />
        <p class="sr-only" role="status">
          {words.bankFound(found.length)}
        </p>
        {page.problem && (
          <Notice tone="bad" urgent>
            {page.problem.text}
          </Notice>
        )}
        {found.length === 0 && <p class="text-soft">{words.bankNone}</p>}
        <ul class="max-h-80 divide-y divide-line overflow-y-auto rounded-xl border border-line">
          {found.map((bank) => (
            <li key={bank.id}>
              <button
                type="button"
                class="flex min-h-14 w-full items-center gap-3 px-4 py-2 text-left -outline-offset-2 hover:bg-side"
                onClick={() => void page.post('bank', { bank_id: bank.id })}
              >
                <span class="grid size-9 shrink-0 place-items-center rounded-full bg-side text-soft">
                  <Icon name="bank" />
                </span>
                <span class="min-w-0 flex-1">
                  <span class="block font-medium">{bank.name}</span>
                  <span class="block text-sm text-soft">{format.country(bank.country)}</span>
                </span>
                <Icon name="chevron" class="size-4 -rotate-90 text-soft" />
              </button>
            </li>
          ))}
        </ul>
        <div class="text-center">
          <TextButton quiet onPress={() => void page.post('cancel')}>
            {words.goBack}
          </TextButton>
        </div>
      </div>
    </>
  )
}
