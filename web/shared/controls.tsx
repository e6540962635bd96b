import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { Icon, type IconName, Spinner } from './icons.tsx'
import { useSpeech } from './words.tsx'

interface ButtonProps {
  children: ComponentChildren
  kind?: 'main' | 'plain'
  type?: 'button' | 'submit'
  icon?: IconName
  /** At work: it keeps its focus, and a second press does nothing. */
  busy?: boolean
  onPress?: () => void
  describedBy?: string
}

export function Button({ kind = 'main', type = 'button', busy = false, ...props }: ButtonProps) {
  const { words } = useSpeech()
  return (
    <button
      type={type}
      class={`button button-${kind}`}
      aria-disabled={busy || undefined}
      aria-describedby={props.describedBy}
      // A field that is left by this press may show what is wrong with it and move the button from under the finger
      // before it is let go. The field keeps the focus instead; sending looks at every field anyway.
      onMouseDown={type === 'submit' ? (event) => event.preventDefault() : undefined}
      onClick={(event) => {
        if (busy) event.preventDefault()
        else props.onPress?.()
      }}
    >
      {busy ? <Spinner /> : props.icon && <Icon name={props.icon} />}
      <span>{busy ? words.working : props.children}</span>
    </button>
  )
}

interface TextButtonProps {
  children: ComponentChildren
  icon?: IconName
  /** A way out, not a way on: it stays in the background. */
  quiet?: boolean
  onPress: () => void
}

export function TextButton(props: TextButtonProps) {
  return (
    <button type="button" class={`link ${props.quiet ? 'text-soft' : ''}`} onClick={props.onPress}>
      {props.icon && <Icon name={props.icon} class="size-4.5" />}
      {props.children}
    </button>
  )
}

interface FieldProps {
  label: ComponentChildren
  hint?: ComponentChildren
  error?: string | null
  optional?: boolean
  /** Something good to say, as "looks right". */
  good?: string | null
  /** A button beside the label. */
  action?: ComponentChildren
  children: (control: { id: string; describedBy: string | undefined; invalid: boolean }) => ComponentChildren
}

/** Label, control, hint and error, tied together for screen readers. */
export function Field({ label, hint, error, good, optional, action, children }: FieldProps) {
  const id = useId()
  const { words } = useSpeech()
  const describedBy = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined
  return (
    <div>
      <div class="mb-1.5 flex items-end justify-between gap-3">
        <label for={id} class="text-sm font-medium">
          {label} {optional && <span class="font-normal text-soft">({words.optional})</span>}
        </label>
        {action}
      </div>
      {children({ id, describedBy, invalid: Boolean(error) })}
      {hint && (
        <p id={`${id}-hint`} class="mt-1.5 text-sm text-soft">
          {hint}
        </p>
      )}
      <div aria-live="polite">
        {error && (
          <p id={`${id}-error`} class="mt-1.5 flex items-start gap-1.5 text-sm font-medium text-bad">
            <Icon name="alert" class="mt-0.5 size-4" />
            {error}
          </p>
        )}
        {good && !error && (
          <p class="mt-1.5 flex items-start gap-1.5 text-sm text-good">
            <Icon name="check" class="mt-0.5 size-4" />
            {good}
          </p>
        )}
      </div>
    </div>
  )
}

interface InputProps extends Omit<FieldProps, 'children'> {
  value: string
  onValue: (value: string) => void
  onLeave?: () => void
  name: string
  type?: 'text' | 'email' | 'tel' | 'date' | 'password' | 'search'
  autoComplete?: string
  inputMode?: 'numeric' | 'tel' | 'email' | 'text'
  placeholder?: string
  maxLength?: number
  min?: string
  max?: string
  mono?: boolean
  readOnly?: boolean
}

export function TextField(props: InputProps) {
  return (
    <Field {...props}>
      {({ id, describedBy, invalid }) => (
        <input
          id={id}
          class={`input ${props.mono ? 'font-mono text-[0.9375rem] tracking-tight' : ''}`}
          name={props.name}
          // Preact's types want one literal; any of ours is a kind of text.
          type={(props.type ?? 'text') as 'text'}
          value={props.value}
          autocomplete={props.autoComplete ?? 'off'}
          inputMode={props.inputMode}
          placeholder={props.placeholder}
          maxLength={props.maxLength}
          min={props.min}
          max={props.max}
          readOnly={props.readOnly}
          autocapitalize={props.mono ? 'none' : undefined}
          spellcheck={false}
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

interface SelectProps extends Omit<FieldProps, 'children'> {
  value: string
  onValue: (value: string) => void
  name: string
  autoComplete?: string
  options: { value: string; label: string }[]
}

export function SelectField(props: SelectProps) {
  const { words } = useSpeech()
  return (
    <Field {...props}>
      {({ id, describedBy, invalid }) => (
        <select
          id={id}
          class="input"
          name={props.name}
          autocomplete={props.autoComplete}
          aria-required={!props.optional}
          aria-invalid={invalid}
          aria-describedby={describedBy}
          value={props.value}
          onChange={(event) => props.onValue(event.currentTarget.value)}
        >
          <option value="" disabled={!props.optional}>
            {words.choose}
          </option>
          {props.options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

interface CheckProps {
  /** May stay as it is. */
  optional?: boolean
  checked: boolean
  onChecked: (checked: boolean) => void
  children: ComponentChildren
  error?: string | null
}

export function CheckField({ checked, onChecked, children, error, optional = false }: CheckProps) {
  const id = useId()
  return (
    <div>
      <label class="flex min-h-11 items-start gap-3 py-2.5">
        <input
          type="checkbox"
          class="mt-0.5 size-5 shrink-0 accent-(--brand-text)"
          checked={checked}
          aria-required={!optional}
          aria-invalid={Boolean(error)}
          aria-describedby={error ? `${id}-error` : undefined}
          onChange={(event) => onChecked(event.currentTarget.checked)}
        />
        <span>{children}</span>
      </label>
      <div aria-live="polite">
        {error && (
          <p id={`${id}-error`} class="flex items-start gap-1.5 text-sm font-medium text-bad">
            <Icon name="alert" class="mt-0.5 size-4" />
            {error}
          </p>
        )}
      </div>
    </div>
  )
}

const tones = {
  bad: { box: 'bg-bad-back text-bad', icon: 'alert' },
  warn: { box: 'bg-warn-back text-warn', icon: 'alert' },
  good: { box: 'bg-good-back text-good', icon: 'check' },
  info: { box: 'bg-side text-ink', icon: 'info' },
} as const

interface NoticeProps {
  tone: keyof typeof tones
  title?: ComponentChildren
  children?: ComponentChildren
  /** Spoken at once when it appears. */
  urgent?: boolean
}

export function Notice({ tone, title, children, urgent }: NoticeProps) {
  const { box, icon } = tones[tone]
  return (
    <div class={`appear flex gap-3 rounded-xl px-4 py-3.5 ${box}`} role={urgent ? 'alert' : undefined}>
      <Icon name={icon} class="mt-0.5 size-5" />
      <div class="min-w-0 text-[0.9375rem]">
        {title && <p class="font-semibold">{title}</p>}
        {children && <div class="text-ink">{children}</div>}
      </div>
    </div>
  )
}

/** After a refused form the first marked field gets the focus, so nobody has to look for it. */
export function focusFirstInvalid(form: HTMLElement | null): void {
  requestAnimationFrame(() => form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
}
