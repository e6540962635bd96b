import { boot } from '../shared/boot.tsx'
import type { PaymentWords } from './messages/en.ts'
import { PaymentPage } from './payment-page.tsx'

boot<PaymentWords>(PaymentPage, {
  en: () => import('./messages/en.ts').then((file) => file.words),
  es: () => import('./messages/es.ts').then((file) => file.words),
  pt: () => import('./messages/pt.ts').then((file) => file.words),
})
