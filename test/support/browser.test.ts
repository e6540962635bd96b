import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { openPage, screenshot } from './browser.ts'

const server = createServer((request, response) => {
  if (request.url !== '/') return response.writeHead(404).end()
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'",
  })
  response.end('<title>Hello</title><h1>¡Hola!</h1><script>document.title = "inline ran"</script>')
}).listen(0, '127.0.0.1')
await once(server, 'listening')
after(() => server.close())
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

test('shows a page, keeps the content policy and tells what was refused', async () => {
  const { page, problems, close } = await openPage({ locale: 'es-ES' })
  await page.goto(url)
  assert.equal(await page.title(), 'Hello')
  assert.equal(await page.textContent('h1'), '¡Hola!')
  assert.equal(await page.evaluate('navigator.language'), 'es-ES')
  assert.ok(
    problems.some((problem) => problem.includes('Content Security Policy')),
    String(problems),
  )
  const picture = readFileSync(await screenshot(page, 'support-browser'))
  assert.equal(picture.subarray(1, 4).toString(), 'PNG')
  await close()
})

test('reaches nothing beyond this machine', async () => {
  const { page, problems, close } = await openPage({ screen: 'desktop' })
  await assert.rejects(page.goto('http://example.com/'), /ERR_NAME_NOT_RESOLVED/)
  assert.equal(problems.length, 1)
  await close()
})
