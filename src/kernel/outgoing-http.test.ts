import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net'
import { after, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import {
  createOutgoingHttp,
  OutgoingError,
  type OutgoingOptions,
  type OutgoingReason,
} from './outgoing-http.ts'

const closers: (() => Promise<unknown>)[] = []
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

async function listen(server: TcpServer, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, host)
  await once(server, 'listening')
  closers.push(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

const serve = (listener: RequestListener, host?: string): Promise<number> =>
  listen(createServer(listener), host)

const ask = { method: 'GET', timeoutMs: 5_000, limitBytes: 1_000 } as const

const failsWith = (reason: OutgoingReason) => (error: unknown) => {
  assert.ok(error instanceof OutgoingError, String(error))
  assert.equal(error.reason, reason, error.message)
  return true
}

test('the answer arrives with status, headers and body, and the connection is used again', async () => {
  let connections = 0
  const server = createServer((request, response) => {
    response.setHeader('X-Told', `${request.method} ${request.url} ${request.headers['x-mine']}`)
    request.pipe(response.writeHead(201))
  })
  server.on('connection', () => (connections += 1))
  const port = await listen(server)
  const door = makeDoor()
  for (let count = 0; count < 10; count += 1) {
    const answer = await door.request({
      ...ask,
      method: 'POST',
      url: `http://127.0.0.1:${port}/a?b=c#d`,
      headers: { 'X-Mine': 'yes' },
      body: 'hello',
    })
    assert.equal(answer.status, 201)
    assert.equal(answer.headers['x-told'], 'POST /a?b=c yes')
    assert.equal(answer.body.toString(), 'hello')
  }
  assert.ok(connections <= 2, `${connections} connections were opened`)
})

const INWARD = [
  'http://127.0.0.1/',
  'http://127.0.0.1./',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.1/',
  'http://0177.0.0.1/',
  'http://017700000001/',
  'http://１２７.0.0.1/',
  'http://127。0。0。1/',
  'http://[::1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[0:0:0:0:0:ffff:7f00:0001]/',
  'http://localhost/',
  'http://LOCALHOST./',
  'http://anything.localhost/',
]

const NEVER = [
  'http://0.0.0.0/',
  'http://0/',
  'http://10.0.0.1/',
  'http://169.254.169.254/latest/meta-data/',
  'http://2852039166/',
  'http://0xa9fea9fe/',
  'http://[::ffff:169.254.169.254]/',
  'http://[::]/',
  'http://[fe80::1]/',
  'http://[fd00:ec2::254]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[2002:7f00:1::1]/',
  'http://[::127.0.0.1]/',
  'http://192.168.1.1:8080/',
  'http://172.16.0.1/',
  'http://100.64.0.1/',
  'http://255.255.255.255/',
]

for (const url of INWARD) {
  test(`${url} is refused where loopback is not allowed`, async () => {
    const door = makeDoor({ allowLoopback: false })
    assert.match((await door.findProblem(url)) ?? '', /private, local or reserved/)
    await assert.rejects(door.request({ ...ask, url }), failsWith('forbidden_address'))
    assert.equal(await makeDoor().findProblem(url), undefined)
  })
}

for (const url of NEVER) {
  test(`${url} is refused in the sandbox too`, async () => {
    const door = makeDoor()
    assert.match((await door.findProblem(url)) ?? '', /private, local or reserved/)
    await assert.rejects(door.request({ ...ask, url }), failsWith('forbidden_address'))
  })
}

for (const url of [
  '',
  'example.com',
  '/path',
  'http://',
  'http://%zz/',
  'http://1.2.3.4.5/',
  'ftp://example.com/',
  'file:///etc/passwd',
]) {
  test(`${JSON.stringify(url)} is no address for a request`, async () => {
    const door = makeDoor()
    assert.ok(await door.findProblem(url))
    await assert.rejects(door.request({ ...ask, url }), failsWith('invalid_url'))
  })
}

test('credentials in the URL and plain http outside the sandbox are refused', async () => {
  const door = makeDoor({ allowPlainHttp: false, allowLoopback: false })
  await assert.rejects(
    door.request({ ...ask, url: 'https://user:word@example.com/' }),
    failsWith('invalid_url'),
  )
  await assert.rejects(door.request({ ...ask, url: 'https://user@example.com/' }), failsWith('invalid_url'))
  await assert.rejects(door.request({ ...ask, url: 'http://example.com/' }), failsWith('invalid_url'))
})

test('a name with one forbidden address among its addresses is refused', async () => {
  const door = makeDoor({ resolve: async () => ['93.184.216.34', '10.0.0.7'] })
  assert.match((await door.findProblem('https://example.com/')) ?? '', /example\.com leads to a private/)
  await assert.rejects(door.request({ ...ask, url: 'https://example.com/' }), failsWith('forbidden_address'))
})

test('a name that has no address yet may be given, but not reached', async () => {
  const door = makeDoor()
  assert.equal(await door.findProblem('https://new.example.com/hook'), undefined)
  await assert.rejects(
    door.request({ ...ask, url: 'https://new.example.com/hook' }),
    failsWith('unknown_host'),
  )
})

test('silent name servers hold nobody who gives a name', async () => {
  const door = makeDoor({ resolve: () => new Promise(() => {}) })
  assert.equal(await door.findProblem('https://slow.example.com/hook'), undefined)
  const request = door.request({ ...ask, url: 'https://slow.example.com/hook', timeoutMs: 100 })
  await assert.rejects(request, failsWith('timed_out'))
})

test('a name that turns inward after it was judged is refused at the connection', async () => {
  const answers = [['93.184.216.34'], ['169.254.169.254']]
  const door = makeDoor({ resolve: async () => answers.shift() ?? [] })
  assert.equal(await door.findProblem('http://rebinding.example.com/'), undefined)
  await assert.rejects(
    door.request({ ...ask, url: 'http://rebinding.example.com/' }),
    failsWith('forbidden_address'),
  )
})

test('a connection goes to the very address that was judged: the name is asked once for it', async () => {
  const port = await serve((request, response) => response.end(request.headers.host))
  let asked = 0
  const door = makeDoor({
    resolve: async () => {
      asked += 1
      return asked === 1 ? ['127.0.0.1'] : ['10.0.0.1']
    },
  })
  const answer = await door.request({ ...ask, url: `http://hooks.example.com:${port}/` })
  assert.equal(answer.body.toString(), `hooks.example.com:${port}`)
  assert.equal(asked, 1)
})

test('the next address of a name is tried when one does not answer', async () => {
  const port = await serve((_request, response) => response.end('here'))
  const door = makeDoor({ resolve: async () => ['127.0.0.9', '127.0.0.1'] })
  const answer = await door.request({ ...ask, url: `http://two.example.com:${port}/` })
  assert.equal(answer.body.toString(), 'here')
})

test('over TLS the server is asked for by its name, and one that proves nothing is refused', async () => {
  const asked: string[] = []
  const port = await listen(
    createTlsServer({
      SNICallback(name, done) {
        asked.push(name)
        done(new Error('no certificate'))
      },
    }),
  )
  const door = makeDoor({ resolve: async () => ['127.0.0.1'] })
  await assert.rejects(
    door.request({ ...ask, url: `https://hooks.example.com:${port}/` }),
    failsWith('connection_failed'),
  )
  assert.deepEqual(asked, ['hooks.example.com'])
})

test('a redirect is an answer, and is followed only when asked, each step judged', async () => {
  const port = await serve((request, response) => {
    const target = new URL(request.url ?? '/', 'http://x').searchParams.get('to')
    if (target) response.writeHead(302, { Location: target }).end()
    else response.end('arrived')
  })
  const door = makeDoor()
  const start = `http://127.0.0.1:${port}/?to=`
  const seen = await door.request({ ...ask, url: `${start}/there` })
  assert.equal(seen.status, 302)
  const followed = await door.request({
    ...ask,
    url: `${start}${encodeURIComponent('/?to=/there')}`,
    redirects: 2,
  })
  assert.equal(followed.body.toString(), 'arrived')
  const inward = door.request({ ...ask, url: `${start}http://169.254.169.254/`, redirects: 2 })
  await assert.rejects(inward, failsWith('forbidden_address'))
  const file = door.request({ ...ask, url: `${start}file:///etc/passwd`, redirects: 2 })
  await assert.rejects(file, failsWith('invalid_url'))
  const loop = await serve((_request, response) => response.writeHead(302, { Location: '/' }).end())
  const round = door.request({ ...ask, url: `http://127.0.0.1:${loop}/`, redirects: 3 })
  await assert.rejects(round, failsWith('too_many_redirects'))
})

test('time is limited whether the server is silent, slow with its body, or does not even greet', async () => {
  const silent = await serve(() => {})
  const slow = await serve((_request, response) => response.writeHead(200).write('begun'))
  const mute = await listen(createTcpServer(() => {}))
  const door = makeDoor()
  for (const port of [silent, slow, mute]) {
    const request = door.request({ ...ask, url: `http://127.0.0.1:${port}/`, timeoutMs: 100 })
    await assert.rejects(request, failsWith('timed_out'))
  }
  const untrusted = door.request({ ...ask, url: `https://127.0.0.1:${mute}/`, timeoutMs: 100 })
  await assert.rejects(untrusted, failsWith('timed_out'))
})

test('size is limited, and a discarded body over the limit is no failure', async () => {
  const port = await serve((_request, response) => response.end('x'.repeat(5_000)))
  const endless = await serve((_request, response) => {
    const write = (): void => void response.write('y'.repeat(10_000), (error) => error ?? setImmediate(write))
    write()
  })
  const door = makeDoor()
  await assert.rejects(door.request({ ...ask, url: `http://127.0.0.1:${port}/` }), failsWith('too_large'))
  await assert.rejects(door.request({ ...ask, url: `http://127.0.0.1:${endless}/` }), failsWith('too_large'))
  const answer = await door.request({ ...ask, url: `http://127.0.0.1:${endless}/`, discardBody: true })
  assert.equal(answer.status, 200)
  assert.equal(answer.body.length, 0)
})

test('a discarded body that never ends leaves the status standing when time is up', async () => {
  const port = await serve((_request, response) => response.writeHead(204 + 2).write('begun'))
  const answer = await makeDoor().request({
    ...ask,
    url: `http://127.0.0.1:${port}/`,
    discardBody: true,
    timeoutMs: 100,
  })
  assert.equal(answer.status, 206)
})

test('a refused connection and a broken one are told apart', async () => {
  const breaking = await listen(createTcpServer((socket) => socket.once('data', () => socket.destroy())))
  const door = makeDoor()
  await assert.rejects(
    door.request({ ...ask, url: `http://127.0.0.1:${breaking}/` }),
    failsWith('connection_lost'),
  )
  const free = await listen(createTcpServer())
  await closers.pop()?.()
  await assert.rejects(
    door.request({ ...ask, url: `http://127.0.0.1:${free}/` }),
    failsWith('connection_failed'),
  )
})

test('the connections of many origins do not pile up', async () => {
  const sockets = new Set<unknown>()
  const server = createServer((_request, response) => response.end())
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const port = await listen(server)
  const door = makeDoor({ resolve: async () => ['127.0.0.1'], mostPools: 5 })
  for (let count = 0; count < 40; count += 1) {
    await door.request({ ...ask, url: `http://host-${count}.example.com:${port}/` })
  }
  const deadline = performance.now() + 3_000
  while (sockets.size > 5 && performance.now() < deadline) await new Promise(setImmediate)
  assert.ok(sockets.size <= 5, `${sockets.size} connections are open`)
})
