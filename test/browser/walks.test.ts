import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { renderSVG } from 'uqr'
import { startWorkbench } from '../../web/fixtures/server.ts'
import { eventually } from '../support/app.ts'
import { openPage } from '../support/browser.ts'
import { focusOn, tabTo } from './keyboard.ts'

/** Walks through the pages as a customer goes them, on the page workbench. */

const wallet = '0x71C7656EC7ab88b098defB751B7401B5f6d8976F'
const workbench = await startWorkbench({ holdMs: 300 })
after(() => workbench.close())

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name })

describe('paying', () => {
  it('goes from the review to the coins with the keyboard alone', async () => {
    const { page, problems, close } = await openPage()
    await page.goto(`${workbench.origin}/payment/review--keyboard`)
    await heading(page, 'Review your purchase').waitFor()
    assert.equal(await page.title(), 'Review your purchase · Remesas Sol')

    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')
    await heading(page, 'How do you want to pay?').waitFor()
    await focusOn(page, 'How do you want to pay?')

    await tabTo(page, 'Card')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')
    await heading(page, 'Where should the tokens go?').waitFor()

    await tabTo(page, 'Wallet address')
    await page.keyboard.type(wallet)
    await page.getByText('The address is written correctly').waitFor()
    await page.keyboard.press('Enter')
    await page.getByText('Please confirm that this wallet is yours.').waitFor()
    await focusOn(page, 'I control this wallet.')
    await page.keyboard.press('Space')
    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')
    await heading(page, 'Confirm and pay').waitFor()

    await tabTo(page, /^Pay €150.50 by card/)
    await page.keyboard.press('Enter')
    await payByCard(page, '4242424242424242')
    await heading(page, 'Your tokens have arrived').waitFor()
    await page.getByText('0x9f2b8c5d').waitFor()
    await tabTo(page, 'See it in the block explorer')
    await tabTo(page, 'Back to Remesas Sol')
    assert.deepEqual(problems, [])
    await close()
  })

  it('shows a decline with its reason, lets another card be tried and 3-D Secure be passed', async () => {
    const { page, problems, close } = await openPage({ locale: 'es-ES' })
    await page.goto(`${workbench.origin}/payment/pay--declined#pay`)
    await page.getByRole('button', { name: /con tarjeta/ }).click()
    await page.getByRole('button', { name: /no tiene saldo/ }).click()
    await page.getByRole('button', { name: /^Pagar/ }).click()
    await page.getByText('No tiene saldo suficiente.').waitFor()
    await page.getByRole('button', { name: /pide 3-D Secure/ }).click()
    await page.getByRole('button', { name: /^Pagar/ }).click()
    await heading(page, 'Tu banco quiere asegurarse').waitFor()
    await page.getByLabel('Código del mensaje').fill('111111')
    await page.getByRole('button', { name: 'Confirmar' }).click()
    await page.getByText('Este código no es correcto.').waitFor()
    await page.getByRole('button', { name: '123456' }).click()
    await page.getByRole('button', { name: 'Confirmar' }).click()
    await heading(page, 'Tus tokens han llegado').waitFor()
    const own = problems.filter((problem) => !problem.includes('status of 422'))
    assert.deepEqual(own, [])
    await close()
  })

  it('hears a press on the button, though leaving a field would move it', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/simulators/card/open--moved`)
    await page.getByLabel('Card number').fill('4242 4242 4242 4241')
    await page.getByRole('button', { name: /^Pay/ }).click({ position: { x: 20, y: 4 } })
    await page.getByText('This card number is not right.').waitFor()
    await page.getByText('Please fill this in.').first().waitFor()
    await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'number')
    await close()
  })

  it('says at the payment page why the card was declined', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/payment/declined--again`)
    await page.getByRole('alert').getByText('There is not enough money').waitFor()
    await page.getByText('You have 3 more tries.').waitFor()
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    await close()
  })

  it('pays by open banking', async () => {
    const { page, problems, close } = await openPage({ screen: 'desktop' })
    await page.goto(`${workbench.origin}/payment/pay--bank#method`)
    await page.getByText('Log in to your bank and approve').click()
    await page.getByRole('button', { name: 'Continue', exact: true }).click()
    // The wallet is there already: this step only confirms it.
    await heading(page, 'Where should the tokens go?').waitFor()
    await page.getByLabel('I control this wallet.').check()
    await page.getByRole('button', { name: 'Continue', exact: true }).click()
    await page.getByRole('button', { name: /with your bank$/ }).click()
    await page.getByLabel('Search by name').fill('credit')
    await page.getByRole('button', { name: /Crédit Agricole/ }).click()
    await heading(page, 'Log in to Crédit Agricole').waitFor()
    await page.getByRole('button', { name: 'test / test' }).click()
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByText('Please choose an account.').waitFor()
    await page.getByLabel(/Cuenta Nómina/).check()
    await page.getByRole('button', { name: 'Approve' }).click()
    await heading(page, 'Your tokens have arrived').waitFor()
    assert.deepEqual(problems, [])
    await close()
  })

  it('gives the bank details with copy, and goes on when the transfer is sent', async () => {
    const { page, problems, close } = await openPage()
    await page.goto(`${workbench.origin}/payment/transfer--sent`)
    await page.getByRole('button', { name: 'Copy IBAN' }).click()
    await page.getByRole('button', { name: 'Copy IBAN' }).getByText('Copied').waitFor()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'ES6800490001512810011234')
    await page.getByRole('button', { name: 'Copy Amount' }).click()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), '150.50')
    await page.getByRole('img', { name: /QR code/ }).waitFor()
    await page.getByRole('button', { name: 'I have sent it' }).click()
    await heading(page, 'We are waiting for your transfer').waitFor()
    await page.getByText('Show the bank details again').click()
    await page.getByText('12003747').waitFor()
    assert.deepEqual(problems, [])
    await close()
  })

  it('never takes a new price in silence', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/payment/new-price--accept#pay`)
    await heading(page, 'There is a new price').waitFor()
    await page.getByText('You receive 2.147241 USDC less.').waitFor()
    await page.getByRole('button', { name: 'Accept the new price' }).click()
    await heading(page, 'Confirm and pay').waitFor()
    await page.getByText('155.801755 USDC').last().waitFor()
    await close()
  })

  it('asks before it cancels, and gives the focus back', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/payment/review--cancel`)
    await tabTo(page, 'Cancel payment')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Cancel this payment?' }).waitFor()
    await page.keyboard.press('Escape')
    // By its element, not its role: a closed dialog loses the role before the page has taken it away.
    await page.locator('dialog').waitFor({ state: 'detached' })
    await focusOn(page, 'Cancel payment')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Yes, cancel it' }).click()
    await heading(page, 'This payment was cancelled').waitFor()
    await close()
  })
})

describe('the wallet', () => {
  it('is refused beside its field, with the reason and the focus', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/payment/review--wallet#wallet`)
    const field = page.getByLabel('Wallet address on Polygon')
    await field.fill(`${wallet.slice(0, -1)}f`)
    await page.getByText('A letter or digit in this address is wrong.').waitFor()
    assert.equal(await field.getAttribute('aria-invalid'), 'true')
    await page.getByLabel('I control this wallet.').check()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA')

    await field.fill(`0x${'1'.repeat(36)}dead`)
    await page.getByText('We can’t send to this address.').waitFor()
    await close()
  })

  it('is read from a picture of its QR code', async () => {
    const code = await sharp(Buffer.from(renderSVG(`ethereum:${wallet}@137`, { pixelSize: 8 })))
      .png()
      .toBuffer()
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/payment/review--scan#wallet`)
    await page.getByRole('button', { name: 'Scan a QR code' }).click()
    await page.getByText('The camera can’t be used.').waitFor()
    const file = (buffer: Buffer) => ({ name: 'code.png', mimeType: 'image/png', buffer })
    await page.getByLabel('Use a picture of the code').setInputFiles(file(await grey()))
    await page.getByText('No QR code was found').waitFor()
    await page.getByLabel('Use a picture of the code').setInputFiles(file(code))
    await page.locator('dialog').waitFor({ state: 'detached' })
    assert.equal(await page.getByLabel('Wallet address on Polygon').inputValue(), wallet)
    await close()
  })
})

describe('the camera', () => {
  it('reads the wallet’s QR code', async () => {
    const { page, problems, close } = await openPage()
    const code = renderSVG(wallet, { pixelSize: 8 })
    await page.addInitScript(playCamera, `data:image/svg+xml,${encodeURIComponent(code)}`)
    await page.goto(`${workbench.origin}/payment/review--camera#wallet`)
    await page.getByRole('button', { name: 'Scan a QR code' }).click()
    // The code is in the very first picture: the dialog may be gone before anybody sees it.
    const field = page.getByLabel('Wallet address on Polygon')
    await eventually('the wallet to be read', async () => (await field.inputValue()) === wallet)
    await page.locator('dialog').waitFor({ state: 'detached' })
    assert.deepEqual(problems, [])
    await close()
  })

  it('takes the photo of the face', async () => {
    const { page, problems, close } = await openPage({ screen: 'desktop' })
    const code = renderSVG('as sharp as a picture can be', { pixelSize: 12 })
    await page.addInitScript(playCamera, `data:image/svg+xml,${encodeURIComponent(code)}`)
    await page.goto(`${workbench.origin}/kyc/face--camera`)
    await page.getByRole('button', { name: 'Take a photo Your face' }).click()
    await page.getByText('Bring your face into the oval.').waitFor()
    await page.getByRole('button', { name: 'Take the photo' }).click()
    await page.getByRole('img', { name: 'Preview: Your face' }).waitFor()
    await page.getByText('Good: sharp and bright enough.').waitFor()
    assert.deepEqual(problems, [])
    await close()
  })
})

describe('the page', () => {
  it('keeps its step and what was typed over a reload, and goes back with the browser’s button', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/payment/review--reload`)
    await page.getByRole('button', { name: 'Continue' }).click()
    await heading(page, 'How do you want to pay?').waitFor()
    await page.reload()
    await heading(page, 'How do you want to pay?').waitFor()
    await page.goBack()
    await heading(page, 'Review your purchase').waitFor()

    await page.goto(`${workbench.origin}/kyc/form--reload`)
    await page.getByLabel('First names').fill('Žofia')
    await page.reload()
    await page.getByLabel('First names').waitFor()
    assert.equal(await page.getByLabel('First names').inputValue(), 'Žofia')
    await close()
  })

  it('says when the connection is lost, keeps what is there, and goes on when it is back', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/payment/review--offline`)
    await heading(page, 'Review your purchase').waitFor()
    workbench.setOffline(true)
    await page.getByText('No connection.').waitFor()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Bank transfer').click()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('There is no connection right now.').waitFor()
    workbench.setOffline(false)
    await page.getByText('No connection.').waitFor({ state: 'detached', timeout: 15_000 })
    await page.getByRole('button', { name: 'Continue' }).click()
    await heading(page, 'Where should the tokens go?').waitFor()
    await close()
  })

  it('begins as soon as there is a connection', async () => {
    const { page, close } = await openPage()
    workbench.setOffline(true)
    await page.goto(`${workbench.origin}/payment/review--later`)
    await heading(page, 'No connection').waitFor()
    workbench.setOffline(false)
    await heading(page, 'Review your purchase').waitFor()
    await close()
  })

  it('remembers the language that was chosen', async () => {
    const { page, close } = await openPage({ locale: 'de-DE' })
    await page.goto(`${workbench.origin}/payment/review-es`)
    await heading(page, 'Revisa tu compra').waitFor()
    await page.getByRole('button', { name: 'Português' }).click()
    await heading(page, 'Reveja a sua compra').waitFor()
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'pt')
    await page.goto(`${workbench.origin}/kyc/form`)
    await heading(page, 'Quem é?').waitFor()
    await close()
  })

  it('takes secrets out of its address', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/payment/review--here#h=secret-code`)
    await heading(page, 'Review your purchase').waitFor()
    assert.equal(page.url(), `${workbench.origin}/payment/review--here`)
    await page.goto(`${workbench.origin}/gateway/transfer?token=secret`)
    await heading(page, 'Send the transfer').waitFor()
    assert.equal(page.url(), `${workbench.origin}/payment/transfer`)
    await close()
  })

  it('hands the payment over by a link and a code', async () => {
    const { page, close } = await openPage({ screen: 'desktop' })
    await page.goto(`${workbench.origin}/payment/review--handover`)
    await page.getByRole('button', { name: 'Continue on your phone' }).click()
    await page.getByRole('img', { name: 'Continue on your phone' }).waitFor()
    await page.getByRole('button', { name: 'Copy the link' }).click()
    await page.getByText('Copied').waitFor()
    const link = await page.evaluate(() => navigator.clipboard.readText())
    assert.equal(link, `${workbench.origin}/payment/review--handover#h=one-time-code`)
    await close()
  })
})

describe('verification', () => {
  it('goes from the first name to the decision with the keyboard alone', async () => {
    const { page, problems, close } = await openPage()
    await page.goto(`${workbench.origin}/kyc/form--keyboard`)
    await heading(page, 'Who are you?').waitFor()
    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')
    // Nothing filled in: the first field is marked and has the focus.
    await page.getByText('Please fill this in.').first().waitFor()
    await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'name')

    await page.keyboard.type('María de los Ángeles')
    await tabTo(page, 'Last names')
    await page.keyboard.type('Gómez Ruiz')
    await tabTo(page, 'Day')
    await page.keyboard.type('23')
    await tabTo(page, 'Month')
    await page.keyboard.type('April')
    await tabTo(page, 'Year')
    await page.keyboard.type('2015')
    await tabTo(page, 'Mobile phone')
    await page.getByText('You must be at least 18 years old.').waitFor()
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.type('1990')
    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')

    await heading(page, 'Where do you live?').waitFor()
    await focusOn(page, 'Where do you live?')
    await fillByTestData(page)
    await heading(page, 'Which document will you use?').waitFor()
    await fillByTestData(page)
    await heading(page, 'Photograph your document').waitFor()
    await samplePhoto(page, 'Front side')
    await samplePhoto(page, 'Back side')
    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')
    await heading(page, 'Now a photo of your face').waitFor()
    await samplePhoto(page, 'Your face')
    await tabTo(page, 'Continue')
    await page.keyboard.press('Enter')

    await heading(page, 'Is everything right?').waitFor()
    await page.getByText('23 April 1990').waitFor()
    await tabTo(page, 'My data is true')
    await page.keyboard.press('Space')
    await tabTo(page, 'Send')
    await page.keyboard.press('Enter')
    await heading(page, 'You are verified').waitFor()
    await tabTo(page, 'Back to Remesas Sol')
    assert.deepEqual(problems, [])
    await close()
  })

  it('checks the number as it is typed, by the rule of its country', async () => {
    const { page, close } = await openPage({ locale: 'es-ES' })
    await page.goto(`${workbench.origin}/kyc/document--number`)
    await page.getByLabel('Tipo de documento').selectOption({ label: 'DNI' })
    const number = page.getByLabel('Número del documento')
    await number.fill('12345678A')
    await number.press('Tab')
    await page.getByText('Hay una cifra o letra equivocada').waitFor()
    await number.fill('12345678Z')
    await page.getByText('El número es correcto.').waitFor()
    await page.getByLabel('País que emitió el documento').selectOption({ label: 'Colombia' })
    assert.deepEqual(await page.getByLabel('Tipo de documento').locator('option').allTextContents(), [
      'Elige…',
      'Cédula de ciudadanía',
      'Cédula de extranjería',
      'Tarjeta de identidad',
      'Permiso por protección temporal (PPT)',
      'Pasaporte',
      'Permiso especial de permanencia (PEP)',
    ])
    await close()
  })

  it('looks at a photo before it is sent, and says what is poor', async () => {
    const { page, close } = await openPage()
    await page.goto(`${workbench.origin}/kyc/photos--poor`)
    const choose = (buffer: Buffer) =>
      page
        .locator('input[name=document_front]')
        .setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer })
    await choose(Buffer.from('no picture at all'))
    await page.getByText('This file is not a picture we can read.').waitFor()
    await choose(await blurred())
    await page.getByText('The picture is blurred.').waitFor()
    await page.getByRole('img', { name: 'Preview: Front side' }).waitFor()
    await page.getByRole('button', { name: 'Use it anyway' }).click()
    await page.getByRole('button', { name: 'Take another' }).waitFor()
    await close()
  })

  it('lets just that be mended which was rejected', async () => {
    const { page, problems, close } = await openPage()
    await page.goto(`${workbench.origin}/kyc/mend--again`)
    await heading(page, 'A few things need another look').waitFor()
    await page.getByText('This is not what the document says.').waitFor()
    assert.equal(await page.getByLabel('First names').count(), 0)
    assert.equal(await page.getByRole('heading', { name: 'Back side' }).count(), 0)
    await page.getByLabel('Day').fill('24')
    assert.equal(await page.getByText('This is not what the document says.').count(), 0)
    await page.getByRole('button', { name: 'Send again' }).click()
    await page.getByText('Something is still missing').waitFor()
    await page.getByRole('button', { name: 'Use a sample picture' }).click()
    await page.getByText('Good: sharp and bright enough.').waitFor()
    await page.getByRole('button', { name: 'Send again' }).click()
    await heading(page, 'You are verified').waitFor()
    assert.deepEqual(problems, [])
    await close()
  })
})

/** Runs in the page, before it: a camera that sees this picture. */
function playCamera(picture: string): void {
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = document.createElement('canvas')
    canvas.width = 800
    canvas.height = 800
    const image = new Image()
    image.src = picture
    await image.decode()
    const draw = () => {
      const context = canvas.getContext('2d')!
      context.fillStyle = '#cccccc'
      context.fillRect(0, 0, 800, 800)
      context.drawImage(image, 200, 200, 400, 400)
      requestAnimationFrame(draw)
    }
    draw()
    return canvas.captureStream()
  }
}

async function payByCard(page: Page, number: string): Promise<void> {
  await heading(page, 'Card details').waitFor()
  await tabTo(page, 'Card number')
  await page.keyboard.type(number)
  await tabTo(page, 'Expiry')
  await page.keyboard.type('1239')
  await tabTo(page, 'Security code')
  await page.keyboard.type('123')
  await tabTo(page, 'Name on the card')
  await page.keyboard.type('MARIA GOMEZ')
  await page.keyboard.press('Enter')
}

async function fillByTestData(page: Page): Promise<void> {
  await tabTo(page, 'Fill in test data')
  await page.keyboard.press('Enter')
  await tabTo(page, 'Continue')
  await page.keyboard.press('Enter')
}

async function samplePhoto(page: Page, of: string): Promise<void> {
  await tabTo(page, `Use a sample picture ${of}`)
  await page.keyboard.press('Enter')
  await page.getByRole('img', { name: `Preview: ${of}` }).waitFor()
  await page
    .getByRole('region', { name: of, exact: true })
    .getByText('Good: sharp and bright enough.')
    .waitFor()
}

/** A soft slope from dark to light, as the camera sees a card out of focus. */
async function blurred(): Promise<Buffer> {
  const width = 1200
  const height = 800
  const pixels = Buffer.alloc(width * height, 0)
  for (let at = 0; at < pixels.length; at++) pixels[at] = 60 + Math.floor(((at % width) / width) * 150)
  return await sharp(pixels, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer()
}

async function grey(): Promise<Buffer> {
  return await sharp({ create: { width: 300, height: 300, channels: 3, background: '#888888' } })
    .png()
    .toBuffer()
}
