/** Two controls that only this page needs. */
import { useId } from 'preact/hooks'
import { Field } from '../shared/controls.tsx'
import { Icon } from '../shared/icons.tsx'

interface AreaProps {
  label: string
  hint?: string | undefined
  error: string | null
  optional: boolean
  name: string
  value: string
  maxLength: number
  onValue: (value: string) => void
  onLeave?: () => void
}

/** A few sentences. */
export function AreaField(props: AreaProps) {
  return (
    <Field {...props}>
      {({ id, describedBy, invalid }) => (
        <textarea
          id={id}
          class="input min-h-24"
          name={props.name}
          rows={3}
          maxLength={props.maxLength}
          value={props.value}
          aria-required={!props.optional}
          aria-invalid={invalid}
          aria-describedby={describedBy}
          onInput={(event) => props.onValue(event.currentTarget.value)}
          onBlur={props.onLeave}
        />
      )}
    </Field>
  )
}

interface RadioProps {
  label: string
  hint?: string | undefined
  error: string | null
  name: string
  value: string
  options: { value: string; label: string }[]
  onValue: (value: string) => void
}

/** Few choices, all in sight, each as large as a fingertip. */
export function RadioField({ label, hint, error, name, value, options, onValue }: RadioProps) {
  const id = useId()
  const describedBy = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined
  return (
    <fieldset aria-describedby={describedBy}>
      <legend class="mb-1.5 text-sm font-medium">{label}</legend>
      {hint && (
        <p id={`${id}-hint`} class="mb-2.5 text-sm text-soft">
          {hint}
        </p>
      )}
      <div class="grid grid-cols-2 gap-3">
        {options.map((option) => (
          <label
            key={option.value}
            class={`card flex min-h-12 items-center gap-3 px-4 has-focus-visible:outline-3 has-focus-visible:outline-offset-2 has-focus-visible:outline-brand-text ${
              value === option.value ? 'border-brand-text ring-1 ring-brand-text' : 'border-edge'
            }`}
          >
            <input
              type="radio"
              class="size-4.5 accent-(--brand-text)"
              name={name}
              value={option.value}
              checked={value === option.value}
              aria-invalid={Boolean(error)}
              onChange={() => onValue(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
      <div aria-live="polite">
        {error && (
          <p id={`${id}-error`} class="mt-1.5 flex items-start gap-1.5 text-sm font-medium text-bad">
            <Icon name="alert" class="mt-0.5 size-4" />
            {error}
          </p>
        )}
      </div>
    </fieldset>
  )
}
