/** Starts a page: its texts, a net for what nobody foresaw, and the bones shown while the first answer is awaited. */
import { type ComponentChildren, type ComponentType, render } from 'preact'
import { useErrorBoundary } from 'preact/hooks'
import type { SharedWords } from './messages/en.ts'
import { type Loaders, useSpeech, Words } from './words.tsx'

export function boot<W extends SharedWords>(Page: ComponentType, loaders: Loaders<W>): void {
  const place = document.getElementById('page')!
  place.replaceChildren()
  render(
    <Words loaders={loaders} waiting={<Bones />}>
      <Net>
        <Page />
      </Net>
    </Words>,
    place,
  )
}

/** The same shapes as in the HTML files, where they stand before any script has run. */
export function Bones() {
  return (
    <div class="flex min-h-dvh flex-col lg:grid lg:grid-cols-2" aria-busy="true">
      <div class="bg-side px-5 pt-6 pb-6 sm:px-8 lg:px-12 lg:pt-14 xl:px-20">
        <div class="mx-auto w-full max-w-md lg:mr-0">
          <div class="bone mb-8 h-9 w-40" />
          <div class="bone mb-3 h-5 w-24" />
          <div class="bone h-10 w-48" />
        </div>
      </div>
      <div class="px-5 pt-8 sm:px-8 lg:px-12 lg:pt-14 xl:px-20">
        <div class="mx-auto w-full max-w-md lg:ml-0">
          <div class="bone mb-6 h-8 w-64" />
          <div class="bone mb-3 h-14" />
          <div class="bone mb-3 h-14" />
          <div class="bone mb-8 h-14" />
          <div class="bone h-12" />
        </div>
      </div>
    </div>
  )
}

function Net({ children }: { children: ComponentChildren }) {
  const [error] = useErrorBoundary((cause) => console.error(cause))
  return error === undefined ? children : <Broken />
}

function Broken() {
  const { words } = useSpeech()
  return (
    <main class="mx-auto flex min-h-dvh max-w-md flex-col justify-center gap-3 p-6">
      <h1 class="text-2xl font-semibold">{words.brokenTitle}</h1>
      <p class="mb-3 text-soft">{words.brokenText}</p>
      <button type="button" class="button button-main" onClick={() => location.reload()}>
        {words.reload}
      </button>
    </main>
  )
}
