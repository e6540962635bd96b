import assert from 'node:assert/strict'
import { it } from 'node:test'
import { startTestApp } from '../../test/support/app.ts'
import { addFaults } from '../providers/faults.ts'
import { statementLane } from './statement-lane.ts'

it('a bank that does not answer is asked again after ten seconds, its account kept by nobody meanwhile', async () => {
  const { app, stop } = await startTestApp({ lanes: false, localChains: false })
  try {
    const now = app.clock.now()
    await app.db.updateTable('bankAccounts').set({ dueAt: now }).execute()
    const lane = statementLane(app)
    await addFaults(app, { provider: 'bank', kind: 'fail', count: 1 })
    await assert.rejects(lane.step(), /bank/)
    const { dueAt, leaseUntil } = await app.db
      .selectFrom('bankAccounts')
      .selectAll()
      .where('dueAt', '>', now)
      .executeTakeFirstOrThrow()
    assert.equal(leaseUntil, null)
    assert.ok(dueAt && dueAt.getTime() - now.getTime() < 12_000)
    // The other accounts don't wait for it.
    assert.equal(await lane.step(), 1)
  } finally {
    await stop()
  }
})
