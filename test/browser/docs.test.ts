import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { startTestApp, type TestApp } from '../support/app.ts'
import { openPage, screenshot } from '../support/browser.ts'
import { NO_CHAINS } from '../support/hot-wallets.ts'

const axe = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

let t: TestApp

before(async () => {
  t = await startTestApp({ lanes: false, env: NO_CHAINS })
})
after(() => t.stop())

async function axeFaults(page: Page): Promise<string[]> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const { violations } = (await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(tags)}, resultTypes: ['violations'] })`,
  )) as {
    violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
  }
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
  )
}

const PAGES = [
  '/docs',
  '/docs/sandbox',
  '/docs/reference#createGuidedPayment',
  '/docs/webhooks',
  '/docs/errors',
  '/docs/conventions',
  '/docs/pages',
]

describe('the documentation', () => {
  // The pages are long, and judging all of them takes seconds: each screen sees one of light and dark.
  for (const [screen, colorScheme] of [
    ['phone', 'dark'],
    ['desktop', 'light'],
  ] as const) {
    it(`is accessible, within the content policy and not wider than a ${screen}, in ${colorScheme}`, async () => {
      const { page, problems, close } = await openPage({ screen })
      await page.addInitScript(axe)
      await page.emulateMedia({ colorScheme })
      for (const path of PAGES) {
        await page.goto(t.url + path)
        await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' })
        assert.deepEqual(await axeFaults(page), [], path)
        const wider = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
        assert.equal(wider, 0, path)
        // The first screen of it: the reference as a whole is too long a picture for anybody to look at.
        const name = path.split('/')[2]?.split('#')[0] ?? 'guide'
        await screenshot(page, `docs-${screen}-${colorScheme}-${name}`, { whole: false })
      }
      assert.deepEqual(problems, [])
      await close()
    })
  }

  it('copies a call, and marks where one is', async () => {
    const { page, close } = await openPage({ screen: 'desktop' })
    await page.goto(`${t.url}/docs/reference#getQuote`)
    await page.locator('#getQuote').getByRole('button', { name: 'Copy' }).first().click()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    assert.ok(copied.startsWith(`curl "${t.url}/api/quote?amount=150.50`))
    await page.locator('aside a[aria-current=location]', { hasText: 'quote' }).waitFor()
    await close()
  })

  it('on a phone the contents open, lead to another page and to a place on it', async () => {
    const { page, close } = await openPage({ screen: 'phone' })
    await page.goto(`${t.url}/docs`)
    await page.getByText('Contents', { exact: true }).click()
    await page.locator('.menu').getByRole('link', { name: 'Errors' }).click()
    await page.getByRole('heading', { name: 'Errors', level: 1 }).waitFor()
    assert.ok(page.url().endsWith('/docs/errors'))
    await page.getByText('Contents', { exact: true }).click()
    await page.locator('.menu').getByRole('link', { name: 'require_kyc' }).click()
    await page.locator('#error-require_kyc').waitFor()
    assert.equal(await page.locator('.menu').getAttribute('open'), null)
    await close()
  })

  it('is read with the keyboard: past the navigation, and along the code', async () => {
    const { page, close } = await openPage({ screen: 'desktop' })
    await page.goto(`${t.url}/docs/webhooks`)
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the content')
    await page.keyboard.press('Enter')
    await page.locator('main:focus').waitFor()
    // The first things after the headings' and the texts' links are the code and its button.
    await page.locator('main figure button').first().focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'PRE')
    await close()
  })

  it('leads from page to page', async () => {
    const { page, close } = await openPage({ screen: 'desktop' })
    await page.goto(`${t.url}/docs`)
    for (const path of PAGES.slice(1)) {
      await page.locator('.neighbours a[rel=next]').click()
      await page.waitForURL(t.url + path.split('#')[0])
    }
    await close()
  })
})
