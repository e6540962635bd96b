import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import type { StatementFinding } from './settle-statement.ts'

/** What a person should know of a statement, a sentence each. */
export function describeFindings(findings: readonly StatementFinding[], currency: string): string[] {
  const money = (units: string): string => `${formatAmount(BigInt(units), assetOf(currency))} ${currency}`
  const describe = (finding: StatementFinding): string => {
    switch (finding.kind) {
      case 'gap':
        return `opens with ${money(finding.openingUnits)}, but the statement before it closed with ${money(finding.closingUnits)} on ${finding.closedOn}: is one missing?`
      case 'not_on_statement':
        return `does not hold line ${finding.transactionId} of ${finding.bookedOn}, ${finding.direction === 'debit' ? '-' : ''}${money(finding.units)}, which was told before.`
      case 'not_on_statement_more':
        return `does not hold ${finding.count} more lines that were told before.`
    }
  }
  return findings.map(describe)
}
