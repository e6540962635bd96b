import type { App } from '../app.ts'
import { RefusedOperation } from '../effects/operate-effects.ts'
import { takeOrderFile } from '../providers/bank/simulated/file-bank.ts'
import { readOrderFile } from '../providers/bank/simulated/read-order-file.ts'
import {
  type StatementOrder,
  writeSimulatedStatement,
} from '../providers/bank/simulated/write-simulated-statement.ts'

type Needs = Pick<App, 'db' | 'clock' | 'secrets' | 'config' | 'wake'>

/** Whether an account is the simulated bank's: only then can it be told how to behave. */
async function findSimulated({ db, config }: Needs, iban: string): Promise<boolean> {
  if (config.mode !== 'sandbox' || config.providers.bank !== 'simulated') return false
  const account = await db
    .selectFrom('simulated.bankAccounts')
    .select('iban')
    .where('iban', '=', iban)
    .executeTakeFirst()
  return account !== undefined
}

/** The simulated bank of an account has an API for it, or goes by files alone. Of other banks nothing changes. */
export async function setSimulatedApi(app: Needs, iban: string, by: 'api' | 'file'): Promise<void> {
  if (!(await findSimulated(app, iban))) return
  await app.db
    .updateTable('simulated.bankAccounts')
    .set({ filesOnly: by === 'file' })
    .where('iban', '=', iban)
    .execute()
}

/** Gives the simulated bank a file of orders. Answers its pain.002. Throws `RefusedOperation` for any other. */
export async function giveOrderFile(app: Needs, xml: string): Promise<string> {
  if (app.config.mode !== 'sandbox') throw new RefusedOperation('There is no simulated bank in production.')
  for (const iban of readOrders(xml)) {
    if (!(await findSimulated(app, iban))) throw notSimulated(iban)
  }
  const answer = await takeOrderFile(simulatorOf(app), xml)
  app.wake('simulated-bank')
  return answer
}

const notSimulated = (iban: string): RefusedOperation =>
  new RefusedOperation(`${iban} is no account of the simulated bank.`)

/** The accounts that a file orders from. */
function readOrders(xml: string): Set<string> {
  try {
    return new Set(readOrderFile(xml).payments.map(({ iban }) => iban))
  } catch (error) {
    throw new RefusedOperation(
      `This is no file of orders (pain.001.001.03 or pain.001.001.09). ${(error as Error).message}`.trim(),
    )
  }
}

/** The simulated bank's statement of an account, camt.053. */
export async function drawStatement(app: Needs, order: StatementOrder): Promise<string> {
  if (!(await findSimulated(app, order.iban))) {
    throw notSimulated(order.iban)
  }
  return writeSimulatedStatement(simulatorOf(app), order)
}

const simulatorOf = ({ db, clock, secrets, config }: Needs) => ({
  db,
  clock,
  secrets,
  publicUrl: () => config.publicUrl,
})
