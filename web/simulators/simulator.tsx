/** What all simulated providers share: their frame, plainly another company's, and one call at a time. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Language, Money } from '../../src/hosted/wire.ts'
import { applyBrand } from '../shared/brand.ts'
import { CallError, call } from '../shared/call.ts'
import { StepHeading } from '../shared/frame.tsx'
import { Icon, type IconName } from '../shared/icons.tsx'
import { safeUrl } from '../shared/safe-url.ts'
import { type Problem, problemOf } from '../shared/use-action.ts'
import { useSpeech } from '../shared/words.tsx'
import type { SimulatorWords } from './messages/en.ts'

export interface Session {
  merchant_name: string
  amount: Money
  reference: string
  language: Language | null
  return_url: string
}

export const useSimulatorSpeech = () => useSpeech<SimulatorWords>()

export interface SimulatorPage<V> {
  view: V | null
  missing: boolean
  busy: boolean
  problem: Problem | null
  clear(): void
  post(end: string, body?: unknown): Promise<V | null>
}

const COLORS = { card: '#5b3df5', bank: '#0b6b5e', paypal: '#1546a0', local: '#9a3412' }

export function useSimulator<V extends Session>(kind: keyof typeof COLORS): SimulatorPage<V> {
  const { words } = useSimulatorSpeech()
  const [view, setView] = useState<V | null>(null)
  const [missing, setMissing] = useState(false)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const session = new RegExp(`^/simulators/${kind}/([^/]+)`).exec(location.pathname)?.[1] ?? ''
  const path = `/simulators/${kind}/${session}/api`

  async function ask<T>(work: () => Promise<T>): Promise<T | null> {
    setBusy(true)
    setProblem(null)
    try {
      return await work()
    } catch (error) {
      if (error instanceof CallError && error.httpStatus === 404) setMissing(true)
      else setProblem(problemOf(error, words, () => undefined))
      return null
    } finally {
      setBusy(false)
    }
  }
  const load = () => ask(async () => setView(await call<V>('GET', path)))

  async function post(end: string, body: unknown = {}): Promise<V | null> {
    const next = await ask(() => call<V>('POST', `${path}/${end}`, { body }))
    if (next) setView(next)
    return next
  }
  useEffect(() => {
    applyBrand(COLORS[kind])
    void load()
  }, [])
  useEffect(() => {
    if (view || missing || !problem) return
    const again = setTimeout(load, 2000)
    return () => clearTimeout(again)
  }, [problem])
  return { view, missing, busy, problem, clear: () => setProblem(null), post }
}

interface FrameProps {
  provider: string
  icon: IconName
  view: Session
  children: ComponentChildren
}

export function SimulatorFrame({ provider, icon, view, children }: FrameProps) {
  const { words, format } = useSimulatorSpeech()
  return (
    <div class="flex min-h-dvh flex-col bg-side">
      <section
        aria-label={words.sandboxBand}
        class="border-b border-warn/25 bg-warn-back px-5 py-2 text-center text-sm text-warn"
      >
        <strong class="font-semibold">{words.sandboxBand}</strong>
        <span aria-hidden="true"> · </span>
        {words.simulated}
      </section>
      <div class="mx-auto w-full max-w-lg flex-1 px-4 py-6 sm:py-12">
        <header class="mb-4 flex items-center justify-between gap-4 px-1">
          <p class="flex items-center gap-2 text-lg font-bold tracking-tight text-brand-text">
            <Icon name={icon} class="size-6" />
            {provider}
          </p>
          <div class="text-right">
            <p class="text-xl font-semibold tabular-nums">{format.money(view.amount)}</p>
            <p class="text-sm text-soft">{words.payingTo(view.merchant_name)}</p>
          </div>
        </header>
        <main id="main" tabIndex={-1} class="rounded-2xl bg-page p-5 shadow-sm ring-1 ring-line sm:p-8">
          {children}
        </main>
        <footer class="mt-4 px-1 text-center text-sm text-soft">{words.reference(view.reference)}</footer>
      </div>
    </div>
  )
}

interface EndProps {
  view: Session
  provider: string
  icon: IconName
  tone: 'good' | 'bad' | 'soft'
  title: string
  text: string
  /** Goes back by itself: only when there is nothing to read or decide. */
  leaves?: boolean
}

export function SimulatorEnd({ view, provider, icon, tone, title, text, leaves }: EndProps) {
  const { words } = useSimulatorSpeech()
  const back = safeUrl(view.return_url)
  useEffect(() => {
    if (!leaves || !back) return
    const timer = setTimeout(() => location.assign(back), 1500)
    return () => clearTimeout(timer)
  }, [leaves, back])
  const tones = { good: 'bg-good-back text-good', bad: 'bg-bad-back text-bad', soft: 'bg-side text-soft' }
  return (
    <div class="text-center">
      <span class={`mx-auto mb-4 grid size-14 place-items-center rounded-full ${tones[tone]}`}>
        <Icon name={icon} class="size-7" />
      </span>
      <StepHeading page={provider}>{title}</StepHeading>
      <p class="mt-1.5 mb-6 text-soft">{text}</p>
      {back && (
        <a class="button button-main" href={back} rel="noreferrer">
          {words.returnTo(view.merchant_name)}
        </a>
      )}
    </div>
  )
}
