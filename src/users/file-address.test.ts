import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../test/support/app.ts'
import { makePdf } from '../../test/support/documents.ts'
import { NO_CHAINS } from '../../test/support/hot-wallets.ts'
import { registerCustomer } from '../../test/support/kyc.ts'

/** A program with a customer, and what it says of a file by its address. */
async function start(env: Record<string, string> = {}) {
  const platform = await startTestApp({ lanes: false, localChains: false, env: { ...NO_CHAINS, ...env } })
  const { id } = await registerCustomer(platform)
  const send = (file: string) =>
    platform.api('POST', `/api/customers/${id}/documents`, { body: { type: 'other', file } })
  return { platform, send }
}

/** A port of this machine where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

let asked = 0
const server = createServer((request, response) => {
  asked += 1
  if (request.url === '/ok') response.end(makePdf())
  else if (request.url === '/away') response.writeHead(302, { Location: 'http://10.0.0.1/' }).end()
  else if (request.url === '/cut') response.writeHead(200, { 'content-length': '100' }).write('%PDF')
  else response.writeHead(404).end()
  if (request.url === '/cut') setImmediate(() => response.destroy())
})
let port: number
let closed: number
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  closed = await closedPort()
})
after(() => {
  server.closeAllConnections()
  server.close()
})

describe('files by their address in the sandbox', () => {
  let world: { platform: TestApp; send: Awaited<ReturnType<typeof start>>['send'] }
  before(async () => {
    world = await start()
  })
  after(() => world.platform.stop())

  test('never lie on this machine, and the answer does not tell what listens there', async () => {
    const texts = new Set<string>()
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '127.1', '[::ffff:127.0.0.1]', 'a.localhost']) {
      for (const at of [port, closed]) {
        const { status, body } = await world.send(`http://${host}:${at}/ok`)
        assert.deepEqual([status, body.error], [422, 'invalid_file'], host)
        texts.add(JSON.stringify(body))
      }
    }
    assert.equal(asked, 0)
    assert.equal(texts.size, 1, [...texts].join('\n'))
    assert.doesNotMatch([...texts][0] ?? '', /\.\./)
  })

  test('while webhooks may go there', async () => {
    const subscription = { type: 'PAY_IN', url: `http://127.0.0.1:${port}/` }
    const { body } = await world.platform.api('POST', '/api/subscribeToWebhook', { body: subscription })
    assert.equal(body.data, 'subscription_created')
  })
})

test('where the setting lets them lie here, what cannot be fetched is told in one text', async () => {
  const { platform, send } = await start({ FILES_FROM_LOOPBACK: 'true' })
  assert.deepEqual((await send(`http://127.0.0.1:${port}/ok`)).body, { status: 'ok' })
  const texts = new Set<string>()
  for (const address of [
    `http://127.0.0.1:${closed}/ok`,
    `http://127.0.0.1:${port}/none`,
    `http://127.0.0.1:${port}/away`,
    `http://127.0.0.1:${port}/cut`,
    'http://10.0.0.1/ok',
    'http://host.invalid/ok',
  ]) {
    const { status, body } = await send(address)
    assert.equal(status, 422)
    texts.add(JSON.stringify(body))
  }
  await platform.stop()
  assert.equal(texts.size, 1, [...texts].join('\n'))
})
