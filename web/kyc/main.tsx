import { boot } from '../shared/boot.tsx'
import { KycPage } from './kyc-page.tsx'
import type { KycWords } from './messages/en.ts'

boot<KycWords>(KycPage, {
  en: () => import('./messages/en.ts').then((file) => file.words),
  es: () => import('./messages/es.ts').then((file) => file.words),
  pt: () => import('./messages/pt.ts').then((file) => file.words),
})
