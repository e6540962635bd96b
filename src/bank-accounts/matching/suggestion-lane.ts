import { sql } from 'kysely'
import type { App } from '../../app.ts'
import type { Lane } from '../../kernel/lanes.ts'
import { BANK_LINE_LANE } from '../record-lines.ts'
import { pruneNames } from './payment-names.ts'

const AT_ONCE = 500

/**
 * Has lines judged again whose proposed payments are no more what they were: paid by card, ended, or matched by a
 * person. Forgets the names of payments that nobody pays any more.
 */
export function suggestionLane(app: Pick<App, 'db' | 'clock' | 'wake'>): Lane {
  return {
    name: 'bank-suggestions',
    pollMs: 30_000,
    recurring: true,
    async step() {
      const { rows } = await sql<{ id: string }>`
        update bank_transactions set due_at = ${app.clock.now()}
         where (iban, id) in (
               select lines.iban, lines.id from bank_suggestions suggestions
                 join payments on payments.integration_id = suggestions.integration_id
                              and payments.id = suggestions.payment_id
                 join bank_transactions lines on lines.iban = suggestions.iban
                                             and lines.id = suggestions.transaction_id
                where payments.state is distinct from suggestions.payment_state
                  and lines.state = 'suggested' and lines.due_at is null
                limit ${AT_ONCE} for update of lines skip locked)
        returning id`.execute(app.db)
      if (rows.length > 0) app.wake(BANK_LINE_LANE)
      const pruned = await pruneNames(app)
      return rows.length === AT_ONCE ? rows.length : pruned
    },
    nextDue: async () => null,
  }
}
