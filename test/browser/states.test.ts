import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { kybScenarios } from '../../web/fixtures/kyb-scenarios.ts'
import { kycScenarios } from '../../web/fixtures/kyc-scenarios.ts'
import { onboardingScenarios } from '../../web/fixtures/onboarding-scenarios.ts'
import { paymentScenarios } from '../../web/fixtures/payment-scenarios.ts'
import { startWorkbench } from '../../web/fixtures/server.ts'
import {
  bankScenarios,
  cardScenarios,
  localScenarios,
  payPalScenarios,
} from '../../web/fixtures/simulator-scenarios.ts'
import { openPage } from '../support/browser.ts'

/** Every page in every state, in every language: accessible, within the content policy, nothing cut off. */

const axe = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
const workbench = await startWorkbench({ holdMs: 20_000 })
after(() => workbench.close())

const paths = [
  ...Object.keys(paymentScenarios).map((name) => `/payment/${name}`),
  '/payment/review#method',
  '/payment/review#wallet',
  '/payment/review-transfer#method',
  '/payment/missing',
  '/payment/review#h=used',
  '/gateway/transfer?token=secret',
  ...Object.keys(kycScenarios).map((name) => `/kyc/${name}`),
  '/kyc/missing',
  ...Object.keys(kybScenarios).map((name) => `/kyb/${name}`),
  '/kyb/people-some#person-new',
  '/kyb/people-some#person-1',
  '/kyb/people-some#photos-2',
  '/kyb/missing',
  ...Object.keys(onboardingScenarios).map((name) => `/onboarding/${name}`),
  '/onboarding/check#work',
  '/onboarding/check#funds',
  '/onboarding/check#use',
  '/onboarding/check#status',
  '/onboarding/missing',
  '/payment/limit-liftable#method',
  ...Object.keys(cardScenarios).map((name) => `/simulators/card/${name}`),
  ...Object.keys(bankScenarios).map((name) => `/simulators/bank/${name}`),
  ...Object.keys(payPalScenarios).map((name) => `/simulators/paypal/${name}`),
  ...Object.keys(localScenarios).map((name) => `/simulators/local/${name}`),
]

const locales = { en: 'en-GB', es: 'es-ES', pt: 'pt-PT' } as const

interface AxeNode {
  html: string
  failureSummary: string
}

interface AxeResult {
  violations: { id: string; nodes: AxeNode[] }[]
}

const EVERYTHING = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** The rules look at the page's elements, which no language changes; colours are the dark's own. */
async function axeFaults(page: Page, rules: readonly string[]): Promise<string[]> {
  const result = (await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(rules)}, resultTypes: ['violations'] })`,
  )) as AxeResult
  return result.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
  )
}

/** Runs in the page: what a person would see is wrong. */
function visibleFaults(): string[] {
  const faults: string[] = []
  const root = document.documentElement
  if (root.scrollWidth > root.clientWidth) faults.push(`wider than the screen: ${root.scrollWidth}`)
  if (document.title === '' || ['Payment', 'Verification', 'Onboarding'].includes(document.title)) {
    faults.push(`no title of its own: ${document.title}`)
  }
  // The brand's colours stand on the root, set by script.
  if (document.body.querySelector('[style]')) faults.push('an inline style')
  for (const element of document.querySelectorAll<HTMLElement>('button, a[href], input, select, textarea')) {
    const target = element.matches('[type=radio], [type=checkbox]') ? element.closest('label')! : element
    const { width, height } = target.getBoundingClientRect()
    // Kept for screen readers, or inside something closed.
    if (element.matches('.sr-only, .hidden') || width <= 1 || !element.checkVisibility()) continue
    if (height < 43.9) faults.push(`smaller than a fingertip: ${element.outerHTML.slice(0, 120)} ${height}`)
  }
  const text = document.body.textContent ?? ''
  if (/undefined|null|NaN|\[object/.test(text)) faults.push(text)
  return faults
}

let looks = 0

async function look(page: Page, path: string): Promise<void> {
  // A new hash alone would not load the page anew; another query does.
  const url = new URL(path, workbench.origin)
  url.searchParams.set('look', String((looks += 1)))
  await page.goto(url.href)
  await page.getByRole('heading', { level: 1 }).waitFor()
  // What is still appearing has not its colours yet.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished)))
}

describe('every state of every page', () => {
  for (const [language, locale] of Object.entries(locales)) {
    // Light and dark, phone and desktop: each language sees one pair, all pairs are seen.
    const dark = language === 'es'
    const screen = language === 'pt' ? 'desktop' : 'phone'
    const rules = { en: EVERYTHING, es: ['color-contrast'], pt: [] }[language as keyof typeof locales]
    it(`is clean in ${language}, ${dark ? 'dark' : 'light'}, on a ${screen}`, async (test) => {
      const { page, problems, close } = await openPage({ locale, screen })
      // By the debugger's door: the content policy, rightly, lets no such script in by the page's own.
      await page.addInitScript(axe)
      await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce' })
      for (const path of paths) {
        await test.test(path, async () => {
          problems.length = 0
          await look(page, path)
          const wanted = path === '/payment/review-es' ? 'es' : language
          assert.equal(await page.evaluate(() => document.documentElement.lang), wanted)
          if (rules.length > 0) assert.deepEqual(await axeFaults(page, rules), [])
          assert.deepEqual(await page.evaluate(visibleFaults), [])
          // A refused call shows as a failed resource, which these states are about.
          const own = problems.filter((problem) => !/status of (404|410)/.test(problem))
          assert.deepEqual(own, [])
        })
      }
      await close()
    })
  }
})
