import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { openDatabase } from '../../src/db/database.ts'
import { createClock } from '../../src/kernel/clock.ts'
import type { Lane } from '../../src/kernel/lanes.ts'
import { createSecrets } from '../../src/kernel/secrets.ts'
import type { RawCallback } from '../../src/providers/callback.ts'
import { simulatedCallbacksLane } from '../../src/providers/simulated/callbacks-lane.ts'
import type { RunningSimulator } from '../../src/providers/simulated/simulator.ts'
import { createTestDatabase } from './database.ts'

export interface SimulatorWorld {
  simulator: RunningSimulator
  /** What the providers delivered, oldest first, with the path it came to. */
  delivered: (RawCallback & { path: string })[]
  /** The status our side answers callbacks with; 200 unless a test sets another. */
  answerWith(status: number): void
  advance(ms: number): void
  /** Runs the lanes, and the delivery of callbacks, until nothing is due. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** The simulated outside world on a database of its own, with a listener in our place. */
export async function openSimulatorWorld(
  lanesOf: (simulator: RunningSimulator) => Lane[],
): Promise<SimulatorWorld> {
  const database = await createTestDatabase()
  const { db } = openDatabase({ url: database.url, poolSize: 5, onPoolError: () => {} })
  const clock = createClock()
  const delivered: SimulatorWorld['delivered'] = []
  let status = 200
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      delivered.push({ path: request.url ?? '', headers: request.headers, rawBody: Buffer.concat(chunks) })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const simulator = {
    db,
    clock,
    secrets: createSecrets(Buffer.alloc(32, 7)),
    publicUrl: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    wake: () => {},
    timeoutMs: 20,
    log: pino({ level: 'silent' }),
  }
  const lanes = [...lanesOf(simulator), simulatedCallbacksLane(simulator)]
  return {
    simulator,
    delivered,
    answerWith: (next) => {
      status = next
    },
    advance: (ms) => clock.setOffsetMs(clock.offsetMs() + ms),
    async settle() {
      for (let rows = 1; rows > 0; ) {
        rows = 0
        for (const lane of lanes) rows += await lane.step()
      }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await db.destroy()
      await database.drop()
    },
  }
}
