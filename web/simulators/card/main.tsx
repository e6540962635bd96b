import { boot } from '../../shared/boot.tsx'
import type { SimulatorWords } from '../messages/en.ts'
import { CardPage } from './card-page.tsx'

boot<SimulatorWords>(CardPage, {
  en: () => import('../messages/en.ts').then((file) => file.words),
  es: () => import('../messages/es.ts').then((file) => file.words),
  pt: () => import('../messages/pt.ts').then((file) => file.words),
})
