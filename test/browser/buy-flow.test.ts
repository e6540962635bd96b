import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { type Corridor, openCorridor, usdcUnits } from '../corridors/corridor.ts'
import { type OpenedPage, openPage, screenshot } from '../support/browser.ts'

/** The customer's way through the real program, in a real browser: from the first name to the coins in the wallet. */

const title = (page: Page, name: string | RegExp) =>
  page.getByRole('heading', { level: 1, name }).waitFor({ timeout: 30_000 })
const press = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: true }).first().click()

describe('the buy flow in a browser', () => {
  let corridor: Corridor
  const opened: OpenedPage[] = []
  before(async () => {
    corridor = await openCorridor()
  })
  after(async () => {
    for (const { close } of opened) await close()
    await corridor.stop()
  })

  async function visit(url: string, options: Parameters<typeof openPage>[0] = {}): Promise<OpenedPage> {
    const visitor = await openPage(options)
    opened.push(visitor)
    await visitor.page.goto(url)
    return visitor
  }

  it('verifies the customer on the form’s own link', async () => {
    const { company } = corridor
    const customer = await company.call<{ id: number; kyc_form_url: string }>('POST', '/api/registerUser', {
      name: 'María',
      email: 'maria@example.com',
      language: 'es',
      callback_url: 'https://remesas.example/back',
    })
    const { page, problems } = await visit(customer.kyc_form_url)
    await title(page, '¿Quién eres?')
    assert.equal(await page.getByLabel('Nombre', { exact: true }).inputValue(), 'María')
    await press(page, 'Rellenar con datos de prueba')
    await press(page, 'Continuar')
    await title(page, '¿Dónde vives?')
    await press(page, 'Rellenar con datos de prueba')
    await press(page, 'Continuar')
    await title(page, '¿Qué documento vas a usar?')
    await press(page, 'Rellenar con datos de prueba')
    await page.getByText('El número es correcto.').waitFor()
    await press(page, 'Continuar')
    await title(page, 'Fotografía tu documento')
    for (const side of ['Anverso', 'Reverso']) await takeSample(page, side)
    await press(page, 'Continuar')
    await title(page, 'Ahora, una foto de tu cara')
    await takeSample(page, 'Tu cara')
    await press(page, 'Continuar')
    await title(page, '¿Está todo bien?')
    await page.getByLabel(/Mis datos son verdaderos/).check()
    await press(page, 'Enviar')
    await title(page, 'Verificación completada')
    const back = await page.getByRole('link', { name: /^Volver a/ }).getAttribute('href')
    assert.match(back ?? '', /^https:\/\/remesas\.example\/back\?user_id=\d+&status=valid$/)
    assert.deepEqual(problems, [])
    const { kyc_status: status } = await company.call('GET', '/api/kyc/check', { user_id: customer.id })
    assert.equal(status, 'valid')
  })

  it('names what was rejected and lets just that be mended', async () => {
    const { company } = corridor
    const customer = await company.call<{ id: number; kyc_form_url: string }>('POST', '/api/registerUser', {
      name: 'Ana',
      email: 'ana+kycslow@example.com',
      language: 'en',
    })
    const { page, problems } = await visit(customer.kyc_form_url, { screen: 'desktop' })
    for (const step of ['Who are you?', 'Where do you live?', 'Which document will you use?']) {
      await title(page, step)
      await press(page, 'Fill in test data')
      await press(page, 'Continue')
    }
    await title(page, 'Photograph your document')
    for (const side of ['Front side', 'Back side']) await takeSample(page, side)
    await press(page, 'Continue')
    await title(page, 'Now a photo of your face')
    await takeSample(page, 'Your face')
    await press(page, 'Continue')
    await page.getByLabel(/My data is true/).check()
    await press(page, 'Send')
    await title(page, 'We are checking your data')
    await company.call('POST', '/api/sandbox/kyc', {
      user_id: customer.id,
      outcome: 'mend',
      reasons: [
        { field: 'document_front', code: 'blurred' },
        { field: 'birth_date', code: 'does_not_match_document' },
      ],
    })
    await title(page, 'A few things need another look')
    await screenshot(page, 'kyc-mend')
    await page.getByText('The photo was blurred.').waitFor()
    await page.getByText('This is not what the document says.').waitFor()
    assert.equal(await page.getByLabel('First names').count(), 0)
    await page.getByLabel('Year').fill('1991')
    await takeSample(page, 'Front side')
    await press(page, 'Send again')
    await title(page, 'We are checking your data')
    await company.call('POST', '/api/sandbox/kyc', { user_id: customer.id, outcome: 'valid' })
    await title(page, 'You are verified')
    assert.deepEqual(problems, [])
  })

  it('pays a guided payment by card, from the review to the hash', async () => {
    const user = await corridor.verifiedCustomer()
    const { payment_id: id, gateway_url: gateway } = await corridor.guidedPayment({ user_id: user })
    const { page, problems } = await visit(gateway)
    await title(page, 'Review your purchase')
    await screenshot(page, 'payment-review')
    await press(page, 'Continue')
    await title(page, 'How do you want to pay?')
    await screenshot(page, 'payment-method')
    await page.getByText('Credit or debit card').click()
    await press(page, 'Continue')
    await title(page, 'Where should the tokens go?')
    const wallet = corridor.newWallet()
    await page.getByLabel(/^Wallet address/).fill(wallet)
    await page.getByText('The address is written correctly').waitFor()
    await page.getByLabel('I control this wallet.').check()
    await press(page, 'Continue')
    await title(page, 'Confirm and pay')
    await press(page, /by card$/)
    await title(page, 'Card details')
    await screenshot(page, 'simulator-card')
    await press(page, /is declined/)
    await press(page, /^Pay/)
    await page.getByText('Your card was declined').waitFor()
    await press(page, /asks for 3-D Secure/)
    await press(page, /^Pay/)
    await title(page, 'Your bank wants to be sure')
    await press(page, '123456')
    await press(page, 'Confirm')
    await title(page, 'Your tokens have arrived')
    await screenshot(page, 'payment-sent')
    const payment = await corridor.payment(id)
    assert.equal(payment.status, 'coins_sent')
    await page.getByText(payment.txid as string).waitFor()
    assert.equal(await corridor.usdcOf(wallet), usdcUnits(payment.coin_amount_exact as string))
    assert.deepEqual(problems, [])
  })

  it('lets a second browser only look, until the payment is handed over', async () => {
    const user = await corridor.verifiedCustomer()
    const { gateway_url: gateway } = await corridor.guidedPayment({ user_id: user })
    const first = await visit(gateway, { screen: 'desktop' })
    await title(first.page, 'Review your purchase')
    const second = await visit(gateway)
    await title(second.page, 'This payment is open on another device')
    await press(first.page, 'Continue on your phone')
    await press(first.page, 'Copy the link')
    await first.page.getByText('Copied').waitFor()
    const link = await first.page.evaluate(() => navigator.clipboard.readText())
    await second.page.goto('about:blank')
    await second.page.goto(link)
    await title(second.page, 'Review your purchase')
    assert.equal(second.page.url(), gateway)
    await title(first.page, 'This payment is open on another device')
    assert.deepEqual([...first.problems, ...second.problems], [])
    const third = await visit(link)
    await title(third.page, 'This link was already used')
  })

  it('pays by bank transfer, in two parts', async () => {
    const user = await corridor.verifiedCustomer()
    const { gateway_url: gateway, payment_id: id } = await corridor.guidedPayment({
      user_id: user,
      payment_type: 'transfer',
      wallet: corridor.newWallet(),
    })
    const { page, problems } = await visit(gateway, { screen: 'desktop' })
    await title(page, 'Review your purchase')
    await press(page, 'Continue')
    await press(page, 'Continue')
    await press(page, 'Show the bank details')
    await title(page, 'Send the transfer')
    await screenshot(page, 'payment-transfer')
    const copy = async (what: string) => {
      await press(page, `Copy ${what}`)
      await page
        .getByRole('button', { name: `Copy ${what}` })
        .getByText('Copied')
        .waitFor()
      return page.evaluate(() => navigator.clipboard.readText())
    }
    const [iban, concept] = [await copy('IBAN'), await copy('Reference')]
    await press(page, 'I have sent it')
    await title(page, 'We are waiting for your transfer')
    const send = (amount: string) =>
      corridor.company.call('POST', '/api/sandbox/bank/transfer', {
        iban,
        amount,
        concept,
        name: 'Ana García',
      })
    await send('60.00')
    await page.getByText('€40.00 is still missing').waitFor({ timeout: 30_000 })
    await page.getByText('Show the bank details again').click()
    assert.equal(await copy('Amount'), '40.00')
    await send('40.00')
    await title(page, 'Your tokens have arrived')
    assert.equal((await corridor.payment(id)).status, 'coins_sent')
    assert.deepEqual(problems, [])
  })

  it('pays by open banking', async () => {
    const user = await corridor.verifiedCustomer()
    const { gateway_url: gateway } = await corridor.guidedPayment({
      user_id: user,
      payment_type: 'psd2',
      wallet: corridor.newWallet(),
    })
    const { page, problems } = await visit(`${gateway}#pay`)
    await press(page, /with your bank$/)
    await title(page, 'Choose your bank')
    await page.getByRole('listitem').first().getByRole('button').click()
    await title(page, /^Log in to/)
    await page.getByRole('region', { name: 'Test values' }).getByRole('button').click()
    await press(page, 'Log in')
    await title(page, 'Approve the payment')
    await page.getByRole('radio').first().check()
    await screenshot(page, 'simulator-bank')
    await press(page, 'Approve')
    await title(page, 'Your tokens have arrived')
    assert.deepEqual(problems, [])
  })

  it('shows a new price when the old one has run out, and goes on with the one accepted', async () => {
    const user = await corridor.verifiedCustomer()
    const { gateway_url: gateway, payment_id: id } = await corridor.guidedPayment({
      user_id: user,
      wallet: corridor.newWallet(),
    })
    const { page } = await visit(`${gateway}#pay`)
    await title(page, 'Confirm and pay')
    await corridor.advance('11m')
    await title(page, 'There is a new price')
    await press(page, 'Accept the new price')
    await title(page, 'Confirm and pay')
    await press(page, 'Cancel payment')
    await press(page, 'Yes, cancel it')
    await title(page, 'This payment was cancelled')
    assert.equal((await corridor.payment(id)).status, 'cancelled')
  })
})

async function takeSample(page: Page, of: string): Promise<void> {
  const slot = page.getByRole('region', { name: of, exact: true })
  await slot.getByRole('region').getByRole('button').click()
  await slot.getByRole('img').waitFor()
  await slot.getByRole('status').waitFor({ state: 'detached' })
  // The server judged it, and found nothing poor.
  await slot.getByText(/^(Good|Bien)/).waitFor()
}
