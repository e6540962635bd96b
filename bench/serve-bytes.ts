import Fastify from 'fastify'

/** The baseline: a bare Fastify route that answers the bytes it was given. */
const body = Buffer.from(process.argv[2] as string, 'base64')
const fastify = Fastify()
fastify.get('/api/quote', async (_request, reply) => {
  reply.header('Content-Type', 'application/json; charset=utf-8')
  return body
})
console.log(`ready ${await fastify.listen({ host: '127.0.0.1', port: 0 })}`)
process.once('SIGTERM', () => fastify.close())
