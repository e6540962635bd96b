import { boot } from '../shared/boot.tsx'
import { KybPage } from './kyb-page.tsx'
import type { KybWords } from './messages/en.ts'

boot<KybWords>(KybPage, {
  en: () => import('./messages/en.ts').then((file) => file.words),
  es: () => import('./messages/es.ts').then((file) => file.words),
  pt: () => import('./messages/pt.ts').then((file) => file.words),
})
