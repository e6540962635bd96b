import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { startWorkbench } from '../../web/fixtures/server.ts'
import { startTestApp } from '../support/app.ts'
import { openPage } from '../support/browser.ts'
import { registerCompany } from '../support/companies.ts'
import { focusOn, tabTo } from './keyboard.ts'

/** Walks through the company's page, on the page workbench and against the program itself. */

const workbench = await startWorkbench({ holdMs: 300 })
after(() => workbench.close())

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name })
const press = (page: Page, key: string) => page.keyboard.press(key)

/** A step that was gone on to: shown, and its heading has the focus, which would else be taken from the next key. */
async function reach(page: Page, name: string): Promise<void> {
  await heading(page, name).waitFor()
  await focusOn(page, name)
}

async function choose(page: Page, name: string | RegExp): Promise<void> {
  await tabTo(page, name)
  await press(page, 'Enter')
}

/** Each paper by the sandbox's sample. */
async function giveSamples(page: Page): Promise<void> {
  for (const name of ['Deed or register extract', 'Tax document', 'Proof of address']) {
    await choose(page, `Use a sample document ${name}`)
    await page.getByRole('region', { name }).getByText('Received: PDF').waitFor()
  }
}

async function givePhotos(page: Page): Promise<void> {
  for (const name of ['Front side', 'Back side']) {
    await choose(page, `Use a sample picture ${name}`)
    await page
      .getByRole('region', { name, exact: true })
      .getByText('Good: sharp and bright enough.')
      .waitFor()
  }
}

/** From the first field to the sent form, with the keyboard alone. */
async function walk(page: Page): Promise<void> {
  await heading(page, 'Your company').waitFor()
  await choose(page, 'Continue')
  await page.getByText('Please fill this in.').first().waitFor()
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-invalid') === 'true')
  await page.reload()
  await heading(page, 'Your company').waitFor()
  await choose(page, 'Fill in test data')
  await choose(page, 'Continue')
  await reach(page, 'What does it do, and where?')
  await choose(page, 'Fill in test data')
  await choose(page, 'Continue')
  await reach(page, 'The company’s documents')
  await choose(page, 'Continue')
  await page.getByText('Something is still missing').waitFor()
  await giveSamples(page)
  await choose(page, 'Continue')
  await reach(page, 'Who stands behind it?')
  await choose(page, 'Add a person')
  await heading(page, 'Add a person').waitFor()
  await focusOn(page, 'Add a person')
  await choose(page, 'Fill in test data')
  await choose(page, 'Continue')
  await heading(page, /^The document of/).waitFor()
  await givePhotos(page)
  await choose(page, 'Continue')
  await reach(page, 'Who stands behind it?')
  await page.getByText('Representative · Owns 60%').waitFor()
  await choose(page, 'Continue')
  await reach(page, 'Is everything right?')
  await choose(page, 'Send')
  await page.getByText('Please confirm this.').waitFor()
  await tabTo(page, 'Your role in the company')
  await page.keyboard.type('Director')
  await tabTo(page, /^All of this is true/)
  await press(page, 'Space')
  await choose(page, 'Send')
}

describe('the company’s page', () => {
  it('asks for the password first, and says what is wrong with it', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/kyb/password--walk`)
    await heading(page, 'This form is protected').waitFor()
    await choose(page, 'Open the form')
    await page.getByText('Please fill this in.').waitFor()
    await focusOn(page, 'Password')
    await page.keyboard.type('wrong')
    await press(page, 'Enter')
    await page.getByText('This is not the password of this form.').waitFor()
    await focusOn(page, 'Password')
    await page.getByLabel('Password').fill('too-fast')
    await press(page, 'Enter')
    await page.getByText('A wrong password was given just now.').waitFor()
    await page.getByLabel('Password').fill('xK9mP2nQ4rTv')
    await press(page, 'Enter')
    await heading(page, 'Your company').waitFor()
    await close()
  })

  it('goes from the first field to the decision with the keyboard alone', async () => {
    const { page, problems, close } = await openPage()
    await page.goto(`${workbench.origin}/kyb/form--keyboard`)
    await walk(page)
    await heading(page, 'Your company is verified').waitFor()
    await tabTo(page, 'Back to Remesas Sol')
    assert.deepEqual(problems, [])
    await close()
  })

  it('names the company’s number by its country, and checks a person as typed', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/kyb/form--number`)
    await page.getByLabel('Country of registration').selectOption('CL')
    await page.getByLabel('RUT').waitFor()
    await page.goto(`${workbench.origin}/kyb/people--person#person-new`)
    await heading(page, 'Add a person').waitFor()
    await page.getByLabel('Country of residence').selectOption('ES')
    await page.getByLabel('Type of document').selectOption('GOVERNMENT_ID')
    await page.getByLabel('Document number').fill('12345678A')
    await page.getByLabel('Document number').blur()
    await page.getByText('A digit or letter of this number is wrong.').waitFor()
    await page.getByLabel('Document number').fill('12345678Z')
    await page.getByText('The number is right.').waitFor()
    assert.equal(await page.getByLabel('Share in percent').count(), 0)
    await page.getByLabel('Owns more than 25% of it').check()
    await page.getByLabel('Share in percent').fill('120')
    await page.getByLabel('Share in percent').blur()
    await page.getByText('More than 100% is not possible.').waitFor()
    await page.reload()
    assert.equal(await page.getByLabel('Share in percent').inputValue(), '120')
    await close()
  })

  it('changes a person and takes one out', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/kyb/people-some--change`)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Photos of a document are still missing.').waitFor()
    await choose(page, 'Remove João Pereira')
    await page.getByText('The data and photos of this person').waitFor()
    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByRole('heading', { name: 'João Pereira', exact: true }).waitFor({ state: 'detached' })
    await choose(page, 'Change María')
    await heading(page, 'María de los Ángeles Gómez Ruiz').waitFor()
    await page.getByLabel('Share in percent').fill('55.5')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Representative · Owns 55.5%').waitFor()
    await page.getByRole('button', { name: 'Continue' }).click()
    await heading(page, 'Is everything right?').waitFor()
    await close()
  })

  it('lets just that be mended which was rejected', async () => {
    const { page, problems, close } = await openPage()
    await page.goto(`${workbench.origin}/kyb/mend--again`)
    await heading(page, 'A few things need another look').waitFor()
    assert.equal(await page.getByLabel('Legal form').count(), 0)
    assert.equal(await page.getByRole('heading', { name: 'Tax document' }).count(), 0)
    assert.equal(await page.getByRole('heading', { name: 'Back side' }).count(), 0)
    await page.getByText('We could not read it.').waitFor()
    await page.getByText('The photo was blurred.').waitFor()
    await page.getByRole('button', { name: 'Send again' }).click()
    await page.getByText('Something is still missing').waitFor()
    await page.getByLabel('Town or city').fill('Getafe')
    await page.getByLabel('Day').fill('24')
    assert.equal(await page.getByText('This is not what the document says.').count(), 0)
    await page.getByRole('button', { name: 'Use a sample document' }).click()
    await page.getByText('Received: PDF').waitFor()
    await page.getByRole('button', { name: 'Use a sample picture' }).click()
    await page.getByText('Good: sharp and bright enough.').waitFor()
    await page.getByLabel(/^All of this is true/).check()
    await page.getByRole('button', { name: 'Send again' }).click()
    await heading(page, 'Your company is verified').waitFor()
    assert.deepEqual(problems, [])
    await close()
  })
})

describe('the company’s page on the program itself', () => {
  it('goes from the link and the password to the decision', async () => {
    const platform = await startTestApp({ localChains: false })
    const { page, problems, close } = await openPage({ screen: 'desktop' })
    try {
      const company = await registerCompany(platform, { open: false })
      await page.goto(company.page.link)
      await heading(page, 'This form is protected').waitFor()
      assert.equal(await page.getByText('Remesas Sol').count(), 0)
      await tabTo(page, 'Password')
      await page.keyboard.type(company.password)
      await press(page, 'Enter')
      await walk(page)
      await heading(page, 'Your company is verified').waitFor({ timeout: 20_000 })
      assert.equal((await company.check()).kyc_status, 'valid')
      assert.deepEqual(problems, [])
    } finally {
      await close()
      await platform.stop()
    }
  })

  it('shows what was sent back, takes just that, and is decided again', async () => {
    const platform = await startTestApp({ localChains: false })
    const { page, problems, close } = await openPage()
    try {
      const company = await registerCompany(platform)
      await company.page.fill()
      const reasons = [{ field: 'company_deed', code: 'unreadable' }]
      const body = { user_id: company.id, outcome: 'mend', reasons }
      assert.equal((await platform.api('POST', '/api/sandbox/kyc', { body })).body.status, 'ok')
      await page.goto(company.page.link)
      await page.getByLabel('Password').fill(company.password)
      await press(page, 'Enter')
      await heading(page, 'A few things need another look').waitFor()
      assert.equal(await page.getByLabel('Legal form').count(), 0)
      await page.getByText('We could not read it.').waitFor()
      await page.getByRole('button', { name: 'Use a sample document' }).click()
      await page.getByText('Received: PDF').waitFor()
      await page.getByLabel('Your name').fill('Ana García López')
      await page.getByLabel('Your role in the company').fill('Director')
      await page.getByLabel(/^All of this is true/).check()
      await page.getByRole('button', { name: 'Send again' }).click()
      await heading(page, 'Your company is verified').waitFor({ timeout: 20_000 })
      assert.equal((await company.check()).kyc_status, 'valid')
      assert.deepEqual(problems, [])
    } finally {
      await close()
      await platform.stop()
    }
  })
})
