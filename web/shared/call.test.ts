import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import { CallError, ConnectionLost, call } from './call.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const answers: Record<string, Answer> = {
  '/ok': (request, response) => {
    response.end(JSON.stringify({ status: 'ok', data: { header: request.headers['x-page'] } }))
  },
  '/echo': async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    response.end(JSON.stringify({ status: 'ok', data: [request.headers['content-type'], text] }))
  },
  '/no': (_request, response) => {
    response.statusCode = 422
    const errors = { wallet: ['checksum'] }
    response.end(JSON.stringify({ status: 'error', error: 'invalid_wallet', message: 'No.', errors }))
  },
  '/proxy': (_request, response) => {
    response.statusCode = 502
    response.end('<h1>Bad gateway</h1>')
  },
  '/odd': (_request, response) => void response.end('{"hello":"world"}'),
  '/cut': (request) => void request.destroy(),
  '/never': () => {},
}

const server = createServer((request, response) => answers[request.url ?? '']?.(request, response))
await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
after(() => {
  server.closeAllConnections()
  server.close()
})
const at = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`

describe('call', () => {
  it('opens the envelope and always says that a page asks', async () => {
    assert.deepEqual(await call('GET', at('/ok')), { header: '1' })
  })

  it('sends JSON, or a picture as it is', async () => {
    const json = await call('POST', at('/echo'), { body: { a: '1' } })
    assert.deepEqual(json, ['application/json', '{"a":"1"}'])
    assert.deepEqual(await call('POST', at('/echo')), ['application/json', '{}'])
    const picture = new Blob(['bytes'], { type: 'image/jpeg' })
    assert.deepEqual(await call('PUT', at('/echo'), { picture }), ['image/jpeg', 'bytes'])
  })

  it('throws the server’s no with its code, status and fields', async () => {
    await assert.rejects(call('GET', at('/no')), (error) => {
      assert.ok(error instanceof CallError)
      assert.equal(error.code, 'invalid_wallet')
      assert.equal(error.httpStatus, 422)
      assert.deepEqual(error.errors, { wallet: ['checksum'] })
      return true
    })
  })

  it('takes whatever isn’t our server’s word for a lost connection', async () => {
    for (const path of ['/proxy', '/odd', '/cut']) {
      await assert.rejects(call('GET', at(path)), ConnectionLost, path)
    }
  })

  it('gives up after its time, or when the caller does', async () => {
    await assert.rejects(call('GET', at('/never'), { timeoutMs: 20 }), ConnectionLost)
    const leave = new AbortController()
    const asked = call('GET', at('/never'), { signal: leave.signal })
    leave.abort()
    await assert.rejects(asked, ConnectionLost)
    await assert.rejects(call('GET', at('/never'), { signal: leave.signal }), ConnectionLost)
  })
})
