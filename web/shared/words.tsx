/** The page's texts. Each language is a file of its own, and only the one spoken is loaded. */
import { type ComponentChildren, createContext } from 'preact'
import { useContext, useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks'
import type { Language } from '../../src/hosted/wire.ts'
import { createFormat, type Format, localeFor } from './format.ts'
import { pickLanguage, readChosenLanguage, rememberLanguage } from './language.ts'
import type { SharedWords } from './messages/en.ts'

export type Loaders<W extends SharedWords> = Record<Language, () => Promise<W>>

export interface Speech<W extends SharedWords = SharedWords> {
  words: W
  language: Language
  format: Format
  /** The switch in the footer: remembered, and stronger than everything else. */
  choose(language: Language): void
  /** The integrator's word, from the view. */
  settle(registered: Language | null): void
  /** Whether this is the language that a page with such a word should speak. */
  speaks(registered: Language | null): boolean
}

const SpeechContext = createContext<Speech | null>(null)

export function useSpeech<W extends SharedWords = SharedWords>(): Speech<W> {
  return useContext(SpeechContext) as Speech<W>
}

export function Words<W extends SharedWords>(props: {
  loaders: Loaders<W>
  waiting: ComponentChildren
  children: ComponentChildren
}) {
  const [chosen, setChosen] = useState(readChosenLanguage)
  const [registered, setRegistered] = useState<Language | null>(null)
  const [loaded, setLoaded] = useState<{ words: W; language: Language } | null>(null)
  const [failures, setFailures] = useState(0)
  const wanted = pickLanguage({ chosen, registered, browser: navigator.languages })

  useEffect(() => {
    let current = true
    props.loaders[wanted]().then(
      (words) => current && setLoaded({ words, language: wanted }),
      // The network was away just then: the file is asked for again until it comes.
      () => current && setTimeout(setFailures, 2000, failures + 1),
    )
    return () => {
      current = false
    }
  }, [wanted, failures])

  useLayoutEffect(() => {
    if (loaded) document.documentElement.lang = loaded.language
  }, [loaded])

  const speech = useMemo(() => {
    if (!loaded) return null
    return {
      ...loaded,
      format: createFormat(localeFor(loaded.language, navigator.languages)),
      choose: (language: Language) => {
        rememberLanguage(language)
        setChosen(language)
      },
      settle: setRegistered,
      // While another language is on its way by the switch, the present one goes on being shown.
      speaks: (language: Language | null) =>
        chosen !== null ||
        pickLanguage({ chosen, registered: language, browser: navigator.languages }) === loaded.language,
    }
  }, [loaded, chosen, registered])

  if (!speech) return <>{props.waiting}</>
  return <SpeechContext.Provider value={speech as unknown as Speech}>{props.children}</SpeechContext.Provider>
}

/** Tells the words which language the integrator registered; false while the page still speaks another. */
export function useSettled(view: { language: Language | null } | null): boolean {
  const { settle, speaks } = useSpeech()
  useEffect(() => {
    if (view) settle(view.language)
  }, [view?.language])
  return view !== null && speaks(view.language)
}
