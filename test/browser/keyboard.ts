import type { Page } from 'playwright-core'

/** Presses Tab until an element of that name has the focus, as somebody without a mouse does. */
export async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const seen: string[] = []
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab')
    const found = await nameOfFocus(page)
    if (typeof name === 'string' ? found.startsWith(name) : name.test(found)) return
    seen.push(found)
  }
  throw new Error(`No Tab reached ${name}; the focus went: ${seen.join(' | ')}`)
}

/** Waits until the element of exactly that name has the focus: a page moves it a frame after what it shows. */
export async function focusOn(page: Page, name: string): Promise<void> {
  const deadline = Date.now() + 5_000
  let found = await nameOfFocus(page)
  while (found !== name) {
    if (Date.now() > deadline) throw new Error(`The focus is on “${found}”, not on “${name}”.`)
    await page.waitForTimeout(25)
    found = await nameOfFocus(page)
  }
}

/** The name a screen reader would say: label, legend, or the text itself. */
async function nameOfFocus(page: Page): Promise<string> {
  return await page.evaluate(() => {
    const element = document.activeElement
    if (!(element instanceof HTMLElement)) return ''
    const labels = 'labels' in element ? (element.labels as NodeListOf<HTMLLabelElement> | null) : null
    const name = element.getAttribute('aria-label') ?? labels?.[0]?.textContent ?? element.textContent
    return name.replace(/\s+/g, ' ').trim()
  })
}
