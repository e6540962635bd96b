/** What stands around every step: who asks for the money, the sandbox band, the offline word, who operates it. */
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { Brand, Language, PageView } from '../../src/hosted/wire.ts'
import { applyBrand } from './brand.ts'
import { Icon } from './icons.tsx'
import { languages } from './language.ts'
import { useSpeech } from './words.tsx'

interface FrameProps {
  view: Pick<PageView, 'brand' | 'environment'>
  offline: boolean
  /** Beside the step on wide screens, above it on phones. */
  aside: ComponentChildren
  children: ComponentChildren
}

export function Frame({ view, offline, aside, children }: FrameProps) {
  const { words } = useSpeech()
  useLayoutEffect(() => applyBrand(view.brand.color), [view.brand.color])
  return (
    <div class="flex min-h-dvh flex-col">
      <button
        type="button"
        class="button button-main fixed top-2 left-2 z-20 w-auto not-focus:sr-only"
        onClick={() => document.getElementById('main')?.focus()}
      >
        {words.skip}
      </button>
      {view.environment === 'sandbox' && <SandboxBand />}
      <Offline offline={offline} />
      <div class="flex flex-1 flex-col lg:grid lg:grid-cols-2 lg:grid-rows-[1fr_auto]">
        <div class="bg-side px-5 pt-5 pb-4 sm:px-8 lg:row-start-1 lg:px-12 lg:pt-14 xl:px-20">
          <div class="mx-auto w-full max-w-md lg:mr-0">
            <Masthead brand={view.brand} />
            {aside}
          </div>
        </div>
        <main
          id="main"
          tabIndex={-1}
          class="flex-1 px-5 pt-8 pb-12 sm:px-8 lg:col-start-2 lg:row-span-2 lg:row-start-1 lg:px-12 lg:pt-14 xl:px-20"
        >
          <div class="mx-auto w-full max-w-md lg:ml-0">{children}</div>
        </main>
        <div class="px-5 py-6 sm:px-8 lg:row-start-2 lg:bg-side lg:px-12 xl:px-20">
          <div class="mx-auto w-full max-w-md lg:mr-0">
            <Footer brand={view.brand} />
          </div>
        </div>
      </div>
    </div>
  )
}

function Masthead({ brand }: { brand: Brand }) {
  return (
    <header class="mb-4 flex min-h-9 items-center gap-3 lg:mb-10">
      {brand.logo_url && (
        <img src={brand.logo_url} alt="" class="h-9 max-w-32 rounded-md object-contain" height="36" />
      )}
      <p class="text-lg font-semibold tracking-tight">{brand.name}</p>
    </header>
  )
}

function SandboxBand() {
  const { words } = useSpeech()
  return (
    <section aria-label={words.sandboxBand} class="border-b border-warn/25 bg-warn-back text-sm text-warn">
      <p class="px-5 py-2 text-center">
        <strong class="font-semibold">{words.sandboxBand}</strong>
        <span class="mx-1.5" aria-hidden="true">
          ·
        </span>
        {words.sandboxText}
      </p>
    </section>
  )
}

/** Values to try with, in the sandbox alone, filled in on tap. `of` tells several of them apart. */
export function TestValues({ of, children }: { of?: string; children: ComponentChildren }) {
  const { words } = useSpeech()
  return (
    <section
      aria-label={of ? `${words.testValues}: ${of}` : words.testValues}
      class="flex flex-wrap items-center gap-x-2 rounded-xl border border-dashed border-warn/60 bg-warn-back px-4 py-0.5 text-sm text-warn"
    >
      <p class="py-2 font-semibold">{words.testValues}</p>
      <div class="-mx-2 flex min-w-0 flex-wrap gap-x-2">{children}</div>
    </section>
  )
}

export function TestValue({ children, onPress }: { children: ComponentChildren; onPress: () => void }) {
  return (
    <button
      type="button"
      class="inline-flex min-h-11 items-center rounded-lg px-2 py-2 text-left underline decoration-warn/50 underline-offset-4 hover:decoration-warn"
      onClick={onPress}
    >
      {children}
    </button>
  )
}

function Offline({ offline }: { offline: boolean }) {
  const { words } = useSpeech()
  return (
    <div role="status" class="sticky top-0 z-10">
      {offline && (
        <p class="appear flex items-center justify-center gap-2 bg-ink px-5 py-2.5 text-center text-sm font-medium text-page">
          <Icon name="offline" class="size-4.5" />
          {words.offline}
        </p>
      )}
    </div>
  )
}

const names: Record<Language, string> = { en: 'English', es: 'Español', pt: 'Português' }

function Footer({ brand }: { brand: Brand }) {
  const { words, language, choose } = useSpeech()
  const { operator } = brand
  return (
    <footer class="text-sm text-soft">
      <p>{words.operatedBy(operator.name)}</p>
      <div class="flex flex-wrap items-center gap-x-5">
        {operator.terms_url && <FooterLink href={operator.terms_url}>{words.terms}</FooterLink>}
        {operator.privacy_url && <FooterLink href={operator.privacy_url}>{words.privacy}</FooterLink>}
        {operator.support_email && (
          <FooterLink href={`mailto:${operator.support_email}`}>{words.help}</FooterLink>
        )}
      </div>
      <ul class="-mx-2 flex flex-wrap" aria-label={words.language}>
        {languages.map((code) => (
          <li key={code}>
            <button
              type="button"
              lang={code}
              aria-pressed={code === language}
              class="min-h-11 rounded-md px-2 underline-offset-4 hover:underline aria-pressed:font-semibold aria-pressed:text-ink"
              onClick={() => choose(code)}
            >
              {names[code]}
            </button>
          </li>
        ))}
      </ul>
    </footer>
  )
}

function FooterLink({ href, children }: { href: string; children: string }) {
  const away = href.startsWith('http')
  return (
    <a
      href={href}
      class="inline-flex min-h-11 items-center underline-offset-4 hover:text-ink hover:underline"
      target={away ? '_blank' : undefined}
      rel={away ? 'noreferrer' : undefined}
    >
      {children}
    </a>
  )
}

/** The heading of a step. When the step changes it takes the focus, so a screen reader begins there. */
export function StepHeading({ children, page }: { children: string; page: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useLayoutEffect(() => {
    document.title = `${children} · ${page}`
  }, [children, page])
  useEffect(() => {
    if (firstHeading) firstHeading = false
    else {
      heading.current?.focus({ preventScroll: true })
      scrollTo({ top: 0 })
    }
  }, [])
  return (
    <h1 ref={heading} tabIndex={-1} class="text-2xl leading-tight font-semibold">
      {children}
    </h1>
  )
}

/** On the first load the browser itself reads the title; taking the focus would skip the page's beginning. */
let firstHeading = true
