import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { browserBinary } from './browser-binary.ts'

const OUTPUT = join(import.meta.dirname, '../output')

/** The widths the pages are made for: a cheap phone first. */
export const SCREENS = {
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  desktop: { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1, isMobile: false, hasTouch: false },
} as const

export interface OpenPageOptions {
  screen?: keyof typeof SCREENS
  /** A BCP 47 tag; what the browser asks for in Accept-Language. */
  locale?: string
  reducedMotion?: boolean
}

export interface OpenedPage {
  page: Page
  context: BrowserContext
  /** What went wrong on the page by itself: exceptions, console errors (refused by the content policy, too), failed requests. */
  problems: string[]
  close(): Promise<void>
}

let browser: Promise<Browser> | undefined

/** A fresh browser profile with one page. The browser itself is shared by the tests of a file and ends with them. */
export async function openPage(options: OpenPageOptions = {}): Promise<OpenedPage> {
  browser ??= launch()
  const { screen = 'phone', locale = 'en-GB', reducedMotion = true } = options
  const context = await (await browser).newContext({
    ...SCREENS[screen],
    locale,
    timezoneId: 'Europe/Madrid',
    reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`)
  })
  page.on('requestfailed', (request) => {
    // A page that is left takes its open requests with it.
    const reason = request.failure()?.errorText
    if (reason !== 'net::ERR_ABORTED') problems.push(`request: ${request.url()} ${reason}`)
  })
  return { page, context, problems, close: () => context.close() }
}

/** Keeps a picture of the page in `test/output/<name>.png`, for a person to look at; answers its path. */
export async function screenshot(page: Page, name: string, { whole = true } = {}): Promise<string> {
  mkdirSync(OUTPUT, { recursive: true })
  const path = join(OUTPUT, `${name}.png`)
  await page.screenshot({ path, fullPage: whole, animations: 'disabled', scale: 'css' })
  return path
}

async function launch(): Promise<Browser> {
  const { path, env } = await browserBinary()
  return chromium.launch({
    executablePath: path,
    env: { ...(process.env as Record<string, string>), ...env },
    // Root, and containers without user namespaces, can't have Chromium's sandbox; it only ever sees our own pages.
    chromiumSandbox: false,
    args: [
      '--no-zygote',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--font-render-hinting=none',
      '--disable-domain-reliability',
      '--no-pings',
      // Nothing beyond this machine: a page that asks another host for a script or a font fails its test.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]',
    ],
  })
}

after(async () => {
  await (await browser)?.close()
})
