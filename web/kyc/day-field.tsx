import { useEffect, useId, useState } from 'preact/hooks'
import { Icon } from '../shared/icons.tsx'
import { useSpeech } from '../shared/words.tsx'
import { useKycSpeech } from './scene.ts'

interface DayFieldProps {
  label: string
  name: string
  /** `YYYY-MM-DD`, or unfinished. */
  value: string
  onValue: (value: string) => void
  onLeave: () => void
  optional: boolean
  error: string | null
  hint?: string
  autoComplete?: string | undefined
}

/** Day, month, year as three fields: a birth year is typed at once, where a calendar would be turned back for minutes. */
export function DayField(props: DayFieldProps) {
  const { words } = useKycSpeech()
  const { language } = useSpeech()
  const id = useId()
  const [parts, setParts] = useState(() => split(props.value))
  useEffect(() => {
    if (join(parts) !== props.value) setParts(split(props.value))
  }, [props.value])

  const change = (part: keyof Parts, text: string) => {
    const next = { ...parts, [part]: text }
    setParts(next)
    props.onValue(join(next))
  }
  const describedBy = [props.hint && `${id}-hint`, props.error && `${id}-error`].filter(Boolean).join(' ')
  const shared = {
    'aria-invalid': Boolean(props.error),
    'aria-required': !props.optional,
    'aria-describedby': describedBy || undefined,
  }
  const digits = (text: string) => text.replace(/\D/g, '')
  const fill = (part: string) => (props.autoComplete ? `${props.autoComplete}-${part}` : 'off')
  return (
    <fieldset
      onFocusOut={(event) => {
        const next = event.relatedTarget
        if (!(next instanceof Node && event.currentTarget.contains(next))) props.onLeave()
      }}
    >
      <legend class="mb-1.5 text-sm font-medium">
        {props.label} {props.optional && <span class="font-normal text-soft">({words.optional})</span>}
      </legend>
      <div class="grid grid-cols-[4.5rem_1fr_6rem] gap-2.5">
        <label>
          <span class="mb-1 block text-sm text-soft">{words.day}</span>
          <input
            class="input"
            inputMode="numeric"
            maxLength={2}
            autocomplete={fill('day')}
            value={parts.day}
            onInput={(event) => change('day', digits(event.currentTarget.value))}
            {...shared}
          />
        </label>
        <label>
          <span class="mb-1 block text-sm text-soft">{words.month}</span>
          <select
            class="input"
            autocomplete={fill('month')}
            value={parts.month}
            onChange={(event) => change('month', event.currentTarget.value)}
            {...shared}
          >
            <option value="">{words.choose}</option>
            {monthNames(language).map((name, at) => (
              <option key={name} value={String(at + 1).padStart(2, '0')}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span class="mb-1 block text-sm text-soft">{words.year}</span>
          <input
            class="input"
            inputMode="numeric"
            maxLength={4}
            autocomplete={fill('year')}
            value={parts.year}
            onInput={(event) => change('year', digits(event.currentTarget.value))}
            {...shared}
          />
        </label>
      </div>
      {props.hint && (
        <p id={`${id}-hint`} class="mt-1.5 text-sm text-soft">
          {props.hint}
        </p>
      )}
      <div aria-live="polite">
        {props.error && (
          <p id={`${id}-error`} class="mt-1.5 flex items-start gap-1.5 text-sm font-medium text-bad">
            <Icon name="alert" class="mt-0.5 size-4" />
            {props.error}
          </p>
        )}
      </div>
    </fieldset>
  )
}

interface Parts {
  day: string
  month: string
  year: string
}

function split(value: string): Parts {
  const [year = '', month = '', day = ''] = value.split('-')
  return { year, month, day: day.replace(/^0/, '') }
}

/** Empty when all is empty, so that an untouched field is missing and not wrong. */
function join({ year, month, day }: Parts): string {
  if (!year && !month && !day) return ''
  return `${year}-${month}-${day ? day.padStart(2, '0') : ''}`
}

function monthNames(language: string): string[] {
  const format = new Intl.DateTimeFormat(language, { month: 'long', timeZone: 'UTC' })
  return Array.from({ length: 12 }, (_, month) => format.format(new Date(Date.UTC(2024, month, 1))))
}
