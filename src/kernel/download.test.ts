import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { after, describe, test } from 'node:test'
import {
  createOutgoingHttp,
  OutgoingError,
  type OutgoingOptions,
  type OutgoingReason,
} from './outgoing-http.ts'

const closers: (() => unknown)[] = []
after(async () => {
  for (const close of closers) await close()
})

function makeDoor(options: Partial<OutgoingOptions> = {}) {
  const door = createOutgoingHttp({
    allowPlainHttp: true,
    allowLoopback: true,
    resolve: async () => [],
    ...options,
  })
  closers.push(() => door.close())
  return door
}

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const serve = (listener: RequestListener): Promise<string> => listen(createServer(listener))

/** A server that answers these very bytes and leaves the connection open, or ends it. */
const answerBytes = (text: string, ends: boolean): Promise<string> =>
  listen(
    createTcpServer((socket) => {
      socket.once('data', () => (ends ? socket.end(text) : socket.write(text)))
    }),
  )

const rules = { timeoutMs: 3_000, limitBytes: 100_000, redirects: 3 }

const failsWith = (reason: OutgoingReason) => (error: unknown) => {
  assert.ok(error instanceof OutgoingError, String(error))
  assert.equal(error.reason, reason, error.message)
  return true
}

describe('a file is fetched', () => {
  const bytes = randomBytes(100_000)

  test('up to the limit, whether its length is said or not, without anything that names somebody', async () => {
    const seen: string[] = []
    const said = await serve((request, response) => {
      seen.push(...Object.keys(request.headers))
      response.end(bytes)
    })
    const unsaid = await serve((_request, response) => {
      response.write(bytes.subarray(0, 10))
      response.end(bytes.subarray(10))
    })
    for (const url of [said, unsaid]) {
      assert.deepEqual(await makeDoor().download({ ...rules, url }), bytes)
    }
    assert.deepEqual(seen.sort(), ['accept', 'accept-encoding', 'connection', 'host', 'user-agent'])
  })

  test('through redirects to other hosts, each of which is judged', async () => {
    const target = await serve((_request, response) => response.end(bytes))
    const far = target.replace('127.0.0.1', 'files.example.com')
    const start = await serve((_request, response) => response.writeHead(302, { Location: far }).end())
    const known = makeDoor({ resolve: async () => ['127.0.0.1'] })
    assert.deepEqual(await known.download({ ...rules, url: start }), bytes)
    const inward = makeDoor({ resolve: async () => ['10.1.2.3'] })
    await assert.rejects(inward.download({ ...rules, url: start }), failsWith('forbidden_address'))
    const outside = makeDoor({ allowLoopback: false })
    await assert.rejects(outside.download({ ...rules, url: start }), failsWith('forbidden_address'))
  })

  test('empty, when the file is', async () => {
    const url = await serve((_request, response) => response.end())
    assert.equal((await makeDoor().download({ ...rules, url })).length, 0)
  })
})

describe('a file is not fetched', () => {
  test('from a name that has become a private one between two redirects', async () => {
    let asked = 0
    const rebinding = async (): Promise<string[]> => {
      asked += 1
      return asked === 1 ? ['127.0.0.1'] : ['192.168.0.10']
    }
    const hit: (string | undefined)[] = []
    const second = await serve((_request, response) => response.end('inside'))
    const port = new URL(second).port
    const first = await serve((request, response) => {
      hit.push(request.headers.host)
      response.writeHead(307, { Location: `http://changing.example.com:${port}/` }).end()
    })
    const url = `http://changing.example.com:${new URL(first).port}/`
    const download = makeDoor({ resolve: rebinding }).download({ ...rules, url })
    await assert.rejects(download, failsWith('forbidden_address'))
    assert.equal(hit.length, 1)
  })

  test('from a name with one private address among public ones', async () => {
    const door = makeDoor({ resolve: async () => ['93.184.215.14', '169.254.169.254'] })
    await assert.rejects(
      door.download({ ...rules, url: 'http://two-faced.example.com/' }),
      failsWith('forbidden_address'),
    )
  })

  test('that redirects in a circle, to another kind of address, or with credentials', async () => {
    const circle = await serve((_request, response) => response.writeHead(302, { Location: '/' }).end())
    await assert.rejects(makeDoor().download({ ...rules, url: circle }), failsWith('too_many_redirects'))
    for (const location of ['file:///etc/passwd', 'ftp://example.com/', 'http://user:pw@example.com/']) {
      const url = await serve((_request, response) => response.writeHead(302, { Location: location }).end())
      await assert.rejects(makeDoor().download({ ...rules, url }), failsWith('invalid_url'))
    }
  })

  test('that comes too slowly, however steadily', async () => {
    const url = await serve((_request, response) => {
      const timer = setInterval(() => response.write('x'), 10)
      response.once('close', () => clearInterval(timer))
    })
    const download = makeDoor().download({ ...rules, url, timeoutMs: 200 })
    await assert.rejects(download, failsWith('timed_out'))
  })

  test('that is too large, by its word or by its bytes', async () => {
    const endless = await serve((_request, response) => {
      const write = (): void =>
        void response.write('y'.repeat(10_000), (error) => error ?? setImmediate(write))
      write()
    })
    await assert.rejects(makeDoor().download({ ...rules, url: endless }), failsWith('too_large'))
    const boasting = await answerBytes('HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n', false)
    await assert.rejects(makeDoor().download({ ...rules, url: boasting }), failsWith('too_large'))
  })

  test('that is shorter than its length says; what is longer is cut there', async () => {
    const short = await answerBytes('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', true)
    await assert.rejects(makeDoor().download({ ...rules, url: short }), failsWith('connection_lost'))
    const long = await answerBytes('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef', true)
    assert.equal((await makeDoor().download({ ...rules, url: long })).toString(), 'abc')
  })

  test('where there is none', async () => {
    for (const status of [204, 401, 404, 500]) {
      const url = await serve((_request, response) => response.writeHead(status).end())
      await assert.rejects(makeDoor().download({ ...rules, url }), failsWith('refused'))
    }
  })
})
