import { Command } from 'commander'
import { accountCommand } from './bank-account.ts'
import { closeCommand } from './bank-close.ts'
import { doubtsCommand } from './bank-doubts.ts'
import { importCommand, importsCommand, statementCommand } from './bank-import.ts'
import { lineCommand, linesCommand } from './bank-lines.ts'
import { matchCommand, seenCommand, undoCommand } from './bank-match.ts'
import { openingCommand } from './bank-opening.ts'
import { ordersCommand, refundLineCommand, simulatorCommand } from './bank-orders.ts'

/** `bank …`: what the bank says, against what the books say. */
export function bankCommand(): Command {
  return new Command('bank')
    .description('our accounts at banks, their statements, lines and orders')
    .addCommand(accountCommand())
    .addCommand(importCommand())
    .addCommand(importsCommand())
    .addCommand(statementCommand())
    .addCommand(doubtsCommand())
    .addCommand(closeCommand())
    .addCommand(openingCommand())
    .addCommand(linesCommand())
    .addCommand(lineCommand())
    .addCommand(matchCommand())
    .addCommand(undoCommand())
    .addCommand(seenCommand())
    .addCommand(ordersCommand())
    .addCommand(refundLineCommand())
    .addCommand(simulatorCommand())
}
