import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import type { App } from '../app.ts'

/** Something the platform waits for, as `/readyz` says it. */
export interface Waiting {
  what: string
  why: string
  /** How an operator mends it. */
  mend: string
}

/** Asks one part of the platform what it waits for; an empty list means that it is ready. */
export type ReadinessCheck = () => Promise<Waiting[]>

/**
 * `/livez`: the process answers. `/readyz`: 200 when it can do its work, else 503 with what it waits for.
 * `/metrics`: Prometheus' text format. None of them holds anything personal; the reverse proxy keeps `/metrics` inside.
 */
export function registerHealth(
  app: App,
  fastify: FastifyInstance,
  checks: readonly ReadinessCheck[],
  refreshMetrics: () => Promise<void>,
): void {
  fastify.get('/livez', async () => ({ status: 'ok' }))
  fastify.get('/readyz', async (_request, reply) => {
    const waiting = (await Promise.all([databaseAnswers(app), ...checks.map(safely)])).flat()
    for (const [lane, why] of Object.entries(app.lanes.failing())) {
      waiting.push({ what: `lane ${lane}`, why, mend: 'It is tried again by itself; the log has the cause.' })
    }
    reply.code(waiting.length === 0 ? 200 : 503).header('Cache-Control', 'no-store')
    return { status: waiting.length === 0 ? 'ok' : 'waiting', waiting }
  })
  fastify.get('/metrics', async (_request, reply) => {
    await refreshMetrics()
    reply.header('Content-Type', app.metrics.registry.contentType)
    return app.metrics.registry.metrics()
  })

  async function safely(check: ReadinessCheck): Promise<Waiting[]> {
    try {
      return await check()
    } catch (error) {
      return [
        {
          what: 'a readiness check',
          why: error instanceof Error ? error.message : String(error),
          mend: 'See the log.',
        },
      ]
    }
  }
}

async function databaseAnswers(app: App): Promise<Waiting[]> {
  try {
    await sql`select 1`.execute(app.db)
    return []
  } catch (error) {
    app.log.warn({ err: error }, 'PostgreSQL does not answer.')
    return [
      {
        what: 'PostgreSQL',
        why: 'It does not answer.',
        mend: 'Check that it runs and that DATABASE_URL is right.',
      },
    ]
  }
}
