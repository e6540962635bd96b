import { boot } from '../shared/boot.tsx'
import type { OnboardingWords } from './messages/en.ts'
import { OnboardingPage } from './onboarding-page.tsx'

boot<OnboardingWords>(OnboardingPage, {
  en: () => import('./messages/en.ts').then((file) => file.words),
  es: () => import('./messages/es.ts').then((file) => file.words),
  pt: () => import('./messages/pt.ts').then((file) => file.words),
})
