import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { startWorkbench } from '../../web/fixtures/server.ts'
import { openPage } from '../support/browser.ts'
import { makePdf } from '../support/documents.ts'
import { focusOn, tabTo } from './keyboard.ts'

/** The enhanced verification as a customer goes through it, on the page workbench. */

const workbench = await startWorkbench({ holdMs: 300 })
after(() => workbench.close())

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name })
const file = (name: string) => ({ name, mimeType: 'application/pdf', buffer: makePdf() })

/** Chooses in a select by the beginning of an option's text, without a space, which would open the list. */
async function choose(page: Page, label: string, text: string): Promise<void> {
  await tabTo(page, label)
  await page.keyboard.type(text)
}

describe('the enhanced verification', () => {
  it('goes from the first question to the result with the keyboard alone', async () => {
    const { page, problems, close } = await openPage()
    await page.goto(`${workbench.origin}/onboarding/form-production--keyboard`)
    await heading(page, 'What do you do?').waitFor()
    assert.equal(await page.title(), 'What do you do? · Remesas Sol')

    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')
    await focusOn(page, 'Employment')
    await page.getByText('Please fill this in.').first().waitFor()
    await page.keyboard.type('Employed')
    await tabTo(page, 'Occupation')
    await page.keyboard.type('Nurse')
    await tabTo(page, 'Employer or company')
    await page.keyboard.type('Hospital del Mar')
    await choose(page, 'Sector', 'Health')
    await choose(page, 'Yearly income', 'Up')
    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')

    await heading(page, 'Where does the money come from?').waitFor()
    await focusOn(page, 'Where does the money come from?')
    await choose(page, 'Main source', 'Salary')
    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')
    await page.getByText('Please add a document at least.').waitFor()
    await page.locator('input[type=file]').setInputFiles(file('payslip may.pdf'))
    await page.getByText('payslip may.pdf').waitFor()
    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')

    await heading(page, 'What will you use it for?').waitFor()
    await choose(page, 'Purpose', 'Support')
    await choose(page, 'Expected amount', 'Up')
    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')

    await heading(page, 'Two more questions').waitFor()
    await tabTo(page, 'No')
    await page.keyboard.press('Space')
    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')

    await heading(page, 'Is everything right?').waitFor()
    await page.getByText('Hospital del Mar').waitFor()
    await page.getByText('Up to €1,000', { exact: true }).waitFor()
    await tabTo(page, 'Everything I have declared')
    await page.keyboard.press('Space')
    await tabTo(page, 'Signature')
    await page.keyboard.type('Somebody Else')
    await page.keyboard.press('Enter')
    await page.getByText('This is not the name that was verified.').first().waitFor()
    await page.getByLabel(/^Signature/).fill('María Gómez Ruiz')
    await page.keyboard.press('Enter')
    await heading(page, 'Your limits are higher now').waitFor()
    await tabTo(page, 'Back to Remesas Sol')
    // A refused call shows as a failed resource.
    assert.deepEqual(
      problems.filter((problem) => !problem.includes('status of 422')),
      [],
    )
    await close()
  })

  it('is filled in on tap in the sandbox, and keeps what was typed over a reload', async () => {
    const { page, problems, close } = await openPage({ locale: 'es-ES' })
    await page.goto(`${workbench.origin}/onboarding/form--tap`)
    await page.getByLabel('Situación laboral').selectOption('retired')
    assert.equal(await page.getByLabel('Empresa para la que trabajas').count(), 0)
    await page.reload()
    await heading(page, '¿A qué te dedicas?').waitFor()
    assert.equal(await page.getByLabel('Situación laboral').inputValue(), 'retired')
    for (const title of ['¿De dónde viene el dinero?', '¿Para qué lo usarás?', 'Dos preguntas más']) {
      await page.getByRole('button', { name: 'Rellenar con datos de prueba' }).click()
      if (title === '¿Para qué lo usarás?') {
        await page.getByRole('button', { name: 'Usar un documento de muestra' }).click()
        await page.getByText('muestra.pdf').waitFor()
      }
      await page.getByRole('button', { name: 'Continuar', exact: true }).click()
      await heading(page, title).waitFor()
    }
    await page.getByRole('button', { name: 'Rellenar con datos de prueba' }).click()
    await page.getByRole('button', { name: 'Continuar', exact: true }).click()
    await page.getByText('De 24.000 € a 48.000 €').waitFor()
    await page.getByLabel(/^Todo lo que he declarado/).check()
    await page.getByRole('button', { name: 'María Gómez Ruiz' }).click()
    await page.getByRole('button', { name: 'Firmar y enviar' }).click()
    await heading(page, 'Ya tienes límites más altos').waitFor()
    assert.deepEqual(problems, [])
    await close()
  })

  it('takes documents out again, and says what it can’t read', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/onboarding/funds--documents`)
    const input = page.locator('input[type=file]')
    await input.setInputFiles({ name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('short') })
    await page.getByText('We can’t read this file.').waitFor()
    await input.setInputFiles({
      name: 'film.pdf',
      mimeType: 'application/pdf',
      buffer: Buffer.alloc(10 * 1024 * 1024 + 1),
    })
    await page.getByText('This file is larger than 10 MB.').waitFor()
    await page.getByLabel('Type of document').selectOption('invoice')
    await input.setInputFiles(file('one.pdf'))
    await page.getByRole('button', { name: 'Remove one.pdf' }).click()
    await page.getByRole('button', { name: 'Remove one.pdf' }).waitFor({ state: 'detached' })
    await close()
  })

  it('lets just the rejected parts be mended', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/onboarding/mend--mend`)
    await heading(page, 'A few things need another look').waitFor()
    await page.getByText('This is not what the documents say.').waitFor()
    assert.equal(await page.getByLabel('Occupation').count(), 0)
    await page.getByLabel('Employer or company').fill('Horno Sol, S.L.')
    await page.getByRole('button', { name: 'Sign and send again' }).click()
    await page.getByText('Please add a document at least.').waitFor()
    await page.locator('input[type=file]').setInputFiles(file('new.pdf'))
    await page.getByText('new.pdf').waitFor()
    await page.getByLabel(/^Everything I have declared/).check()
    await page.getByLabel(/^Signature/).fill('María Gómez Ruiz')
    await page.getByRole('button', { name: 'Sign and send again' }).click()
    await heading(page, 'Your limits are higher now').waitFor()
    await close()
  })

  it('is reached from a payment whose method is over the limit', async () => {
    const { page, close } = await openPage({ screen: 'desktop' })
    await page.goto(`${workbench.origin}/payment/limit-liftable--raise#method`)
    await page.getByRole('button', { name: 'Raise my limit Card' }).click()
    await heading(page, 'What do you do?').waitFor()
    assert.match(page.url(), /\/onboarding\//)
    await close()
  })
})
