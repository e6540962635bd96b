import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { App } from '../app.ts'
import { createMemoryGate, type MemoryGate } from '../kernel/memory-gate.ts'
import { authenticate } from './call.ts'
import { fail } from './errors.ts'
import { type FileBodyRules, readFileBody } from './file-body.ts'

/** A smaller body is nothing to wait for. */
const SMALL_BYTES = 256 * 1024

/** The gate for bodies with files: 48 MiB as they are sent, which is 36 MiB decoded. */
export function createUploadGate(): MemoryGate {
  return createMemoryGate({
    totalBytes: 48 * 1024 * 1024,
    ownerBytes: 32 * 1024 * 1024,
    mostWaiting: 200,
    longestWaitMs: 20_000,
  })
}

/**
 * Lets the routes of a scope of their own receive files: no body is read before its sender is known and there is
 * memory for it.
 */
export function receiveFiles(app: App, scope: FastifyInstance, rules: FileBodyRules): void {
  scope.addHook('preParsing', async (request, reply, payload) => {
    const { id } = await authenticate(app, request)
    const bytes = lengthOf(request) ?? rules.bodyLimitBytes
    // What is larger is not held at all.
    if (bytes > SMALL_BYTES && bytes <= rules.bodyLimitBytes) {
      const leave = await app.uploads.enter(`integration:${id}`, bytes)
      if (!leave) return fail('too_many_requests', 'Too many large files at once.', { retryAfterSeconds: 5 })
      if (reply.raw.destroyed) leave()
      else reply.raw.once('close', leave)
    }
    return payload
  })
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
    readFileBody(
      payload,
      { contentType: request.headers['content-type'], contentLength: lengthOf(request) },
      rules,
    ),
  )
}

function lengthOf({ headers }: FastifyRequest): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length)
}
