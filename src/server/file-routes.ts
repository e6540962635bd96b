import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest, RequestPayload } from 'fastify'
import type { App } from '../app.ts'
import { createMemoryGate, type MemoryGate } from '../kernel/memory-gate.ts'
import { authenticate } from './call.ts'
import { fail } from './errors.ts'
import { type FileBodyRules, readFileBody } from './file-body.ts'

/** A smaller body is nothing to wait for: as large as any call's may be, though it may be held for longer. */
const SMALL_BYTES = 32 * 1024

/** The gate for bodies with files: 48 MiB as they are sent, which is 36 MiB decoded. */
export function createUploadGate(): MemoryGate {
  return createMemoryGate({
    totalBytes: 48 * 1024 * 1024,
    ownerBytes: 32 * 1024 * 1024,
    mostWaiting: 200,
    longestWaitMs: 20_000,
  })
}

/** The gate for files from the customer's pages, apart: nobody is known before the whole body was read. */
export function createPageUploadGate(): MemoryGate {
  return createMemoryGate({
    totalBytes: 64 * 1024 * 1024,
    ownerBytes: 24 * 1024 * 1024,
    mostWaiting: 200,
    longestWaitMs: 20_000,
  })
}

/** For a page's route that takes a file: no body is read before there is memory for it. */
export const awaitRoomForPage =
  ({ pageUploads }: Pick<App, 'pageUploads'>, limitBytes: number) =>
  async (request: FastifyRequest, reply: FastifyReply, payload: RequestPayload): Promise<RequestPayload> => {
    const owner = `address:${request.ip}`
    await awaitRoom(pageUploads, { owner, bytes: lengthOf(request) ?? limitBytes, limitBytes }, reply)
    return payload
  }

/** Holds the bytes until the answer is out, or its receiver is gone. Throws `too_many_requests` when there is no room. */
async function awaitRoom(
  gate: MemoryGate,
  { owner, bytes, limitBytes }: { owner: string; bytes: number; limitBytes: number },
  reply: FastifyReply,
): Promise<void> {
  // What is larger is not held at all.
  if (bytes <= SMALL_BYTES || bytes > limitBytes) return
  const leave = await gate.enter(owner, bytes)
  if (!leave) return fail('too_many_requests', 'Too many large files at once.', { retryAfterSeconds: 5 })
  if (reply.raw.destroyed) leave()
  else reply.raw.once('close', leave)
}

/**
 * Lets the routes of a scope of their own receive files: no body is read before its sender is known and there is
 * memory for it.
 */
export function receiveFiles(app: App, scope: FastifyInstance, rules: FileBodyRules): void {
  scope.addHook('preParsing', async (request, reply, payload) => {
    const integration = await authenticate(app, request)
    rules.judgeRight?.(integration)
    const limitBytes = rules.bodyLimitBytes
    // A larger body may have a file that is not held; what is left of it is held as far as the limit.
    const bytes = Math.min(lengthOf(request) ?? limitBytes, limitBytes)
    const asked = { owner: `integration:${integration.id}`, bytes, limitBytes }
    await awaitRoom(app.uploads, asked, reply)
    return payload
  })
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const head = { contentType: request.headers['content-type'], contentLength: lengthOf(request) }
    try {
      return await readFileBody(payload, head, rules)
    } catch (error) {
      cutOff(payload)
      throw error
    }
  })
}

/** Who still sends what nobody reads has this long to hear the answer. */
const LINGER_MS = 2_000

function cutOff(payload: IncomingMessage): void {
  if (payload.complete || payload.destroyed) return
  const linger = setTimeout(() => payload.destroy(), LINGER_MS)
  payload.once('close', () => clearTimeout(linger))
}

function lengthOf({ headers }: FastifyRequest): number | undefined {
  const length = headers['content-length']
  return length === undefined ? undefined : Number(length)
}
