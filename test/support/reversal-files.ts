import type { App } from '../../src/app.ts'
import { importStatement } from '../../src/bank-accounts/import-statement.ts'
import { openStatement } from '../../src/bank-accounts/statements/detect-format.ts'

export const PAYER = 'ES9121000418450200051332'
const ANA = 'Ana Pérez García'

/** An entry of 100.00 of a camt file. */
export interface Entry {
  side: 'CRDT' | 'DBIT'
  concept: string
  ref?: string
  name?: string
  payer?: string
  reversal?: boolean
}

let files = 0

/** Files of a bank as it tells of credits and takes them back, and how they are imported. */
export function reversalFiles(app: App) {
  const today = () => app.clock.now().toISOString().slice(0, 10)

  /** A day's notification, or its statement of account from the balance given: entries of 100.00 each. */
  function camt(iban: string, entries: readonly Entry[], kind: '053' | '054' = '054', opening = 0): string {
    files += 1
    const day = today()
    const [root, part] = kind === '053' ? ['BkToCstmrStmt', 'Stmt'] : ['BkToCstmrDbtCdtNtfctn', 'Ntfctn']
    const closing = entries.reduce((sum, { side }) => sum + (side === 'CRDT' ? 100 : -100), opening)
    const balance = (code: string, euros: number) =>
      `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">${Math.abs(euros)}.00</Amt><CdtDbtInd>${euros < 0 ? 'DBIT' : 'CRDT'}</CdtDbtInd><Dt><Dt>${day}</Dt></Dt></Bal>`
    const told = entries.map(({ side, concept, ref, name = ANA, payer = PAYER, reversal = false }) => {
      // A reversal as most banks tell it: the parties of a new transfer.
      const party = side === 'CRDT' ? 'Dbtr' : 'Cdtr'
      return `<Ntry><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>${side}</CdtDbtInd>${reversal ? '<RvslInd>true</RvslInd>' : ''}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>${day}</Dt></BookgDt><ValDt><Dt>${day}</Dt></ValDt>${ref ? `<AcctSvcrRef>${ref}</AcctSvcrRef>` : ''}<NtryDtls><TxDtls><RltdPties><${party}><Pty><Nm>${name}</Nm></Pty></${party}><${party}Acct><Id><IBAN>${payer}</IBAN></Id></${party}Acct></RltdPties><RmtInf><Ustrd>${concept}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`
    })
    return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.${kind}.001.08"><${root}><GrpHdr><MsgId>M${files}</MsgId><CreDtTm>${day}T23:00:00</CreDtTm></GrpHdr><${part}><Id>S${files}</Id><CreDtTm>${day}T23:00:00</CreDtTm><FrToDt><FrDtTm>${day}T00:00:00</FrDtTm><ToDtTm>${day}T23:59:59</ToDtTm></FrToDt><Acct><Id><IBAN>${iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>${kind === '053' ? balance('OPBD', opening) + balance('CLBD', closing) : ''}
${told.join('\n')}
</${part}></${root}></Document>`
  }

  async function take(content: string, name = 'bank.xml') {
    const bytes = (async function* () {
      yield Buffer.from(content)
    })()
    return importStatement(app, {
      fileName: name,
      bytes,
      source: 'command',
      who: 'maria',
      open: (kept) => openStatement(kept),
    })
  }
  return { today, camt, take }
}
