import type { Trx } from '../db/database.ts'
import type { Doubt } from './book-doubts.ts'

/** Doubts that were dismissed are as they were before, for what is decided of them now in the same transaction. */
export async function reopenDoubts(trx: Trx, doubts: readonly Pick<Doubt, 'iban' | 'id'>[]): Promise<void> {
  for (const { iban, id } of doubts) {
    await trx
      .updateTable('bankDoubts')
      .set({ state: 'open', decidedAt: null })
      .where('iban', '=', iban)
      .where('id', '=', id)
      .where('state', '=', 'dismissed')
      .execute()
  }
}
