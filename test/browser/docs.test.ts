import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { startTestApp, type TestApp } from '../support/app.ts'
import { openPage } from '../support/browser.ts'
import { NO_CHAINS } from '../support/hot-wallets.ts'

const axe = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

let t: TestApp

before(async () => {
  t = await startTestApp({ lanes: false, env: NO_CHAINS })
})
after(() => t.stop())

async function axeFaults(page: Page): Promise<string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const { violations } = (await page.evaluate(`axe.run({ runOnly: ${JSON.stringify(tags)} })`)) as {
    violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
  }
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
  )
}

describe('the documentation', () => {
  // The page is long, and judging all of it takes seconds: each screen sees one of light and dark.
  for (const [screen, colorScheme] of [
    ['phone', 'dark'],
    ['desktop', 'light'],
  ] as const) {
    it(`is accessible, within the content policy and not wider than a ${screen}, in ${colorScheme}`, async () => {
      const { page, problems, close } = await openPage({ screen })
      await page.addInitScript(axe)
      await page.emulateMedia({ colorScheme })
      await page.goto(`${t.url}/docs#createGuidedPayment`)
      await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' })
      assert.deepEqual(await axeFaults(page), [])
      const wider = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      assert.equal(wider, 0)
      assert.deepEqual(problems, [])
      await close()
    })
  }

  it('copies a call, and marks where one is', async () => {
    const { page, close } = await openPage({ screen: 'desktop' })
    await page.goto(`${t.url}/docs#getQuote`)
    await page.locator('#getQuote').getByRole('button', { name: 'Copy' }).first().click()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    assert.ok(copied.startsWith(`curl "${t.url}/api/quote?amount=150.50`))
    await page.locator('aside a[aria-current]', { hasText: 'quote' }).waitFor()
    await close()
  })

  it('on a phone the contents open, lead there and close', async () => {
    const { page, close } = await openPage({ screen: 'phone' })
    await page.goto(`${t.url}/docs`)
    await page.getByText('Contents', { exact: true }).click()
    await page.locator('.menu').getByRole('link', { name: 'Errors' }).click()
    await page.getByRole('heading', { name: 'Errors', level: 2 }).waitFor()
    assert.equal(await page.locator('.menu').getAttribute('open'), null)
    assert.ok(page.url().endsWith('#errors'))
    await close()
  })
})
