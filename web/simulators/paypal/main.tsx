import { boot } from '../../shared/boot.tsx'
import type { SimulatorWords } from '../messages/en.ts'
import { PayPalPage } from './paypal-page.tsx'

boot<SimulatorWords>(PayPalPage, {
  en: () => import('../messages/en.ts').then((file) => file.words),
  es: () => import('../messages/es.ts').then((file) => file.words),
  pt: () => import('../messages/pt.ts').then((file) => file.words),
})
