import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linesAmong, readAll, refusalOf } from '../../../test/support/statement-reading.ts'
import { readCamt } from './read-camt.ts'

const ACCOUNT = '<Acct><Id><IBAN>ES9121000418450200051332</IBAN></Id><Ccy>EUR</Ccy></Acct>'

/** A notification of these entries. */
const notified = (entries: string, head = ACCOUNT): string =>
  '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>' +
  `<Ntfctn><Id>1</Id>${head}${entries}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`

const entry = (
  details: string,
  { amount = '99.00', currency = 'EUR', side = 'CRDT', status = 'BOOK', more = '' } = {},
): string =>
  `<Ntry><Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>${side}</CdtDbtInd><Sts><Cd>${status}</Cd></Sts>` +
  `<BookgDt><Dt>2026-03-31</Dt></BookgDt>${more}<NtryDtls>${details}</NtryDtls></Ntry>`

const details = (content: string): string => `<TxDtls>${content}</TxDtls>`
const amount = (value: string, currency = 'EUR'): string => `<Amt Ccy="${currency}">${value}</Amt>`
const reason = (code: string, words = ''): string =>
  `<RtrInf><Rsn><Cd>${code}</Cd></Rsn>${words && `<AddtlInf>${words}</AddtlInf>`}</RtrInf>`
const family = (code: string): string =>
  `<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>${code}</SubFmlyCd></Fmly></Domn></BkTxCd>`

const linesOf = async (entries: string, head?: string) =>
  linesAmong(await readAll(readCamt, notified(entries, head)))
const refused = (entries: string, head?: string): Promise<string> =>
  refusalOf(readCamt, notified(entries, head))

describe('returns in one sum', () => {
  const codeOf = async (xml: string): Promise<(string | null)[]> =>
    (await linesOf(xml)).map(({ returnCode }) => returnCode)

  test('transfers that came back and can’t be told apart are a return, by the reason that all have', async () => {
    const [line, ...others] = await linesOf(
      entry(
        details(amount('50') + reason('AC04', 'closed')) + details(amount('50') + reason('AC04', 'closed')),
      ),
    )
    assert.deepEqual(
      [line!.units, line!.returnCode, line!.returnText, others.length],
      [9900n, 'AC04', 'closed', 0],
    )
    assert.deepEqual(await codeOf(entry(details(reason('AC04')).repeat(2))), ['AC04'])
  })

  test('of several reasons, or one that not all have, none is told', async () => {
    assert.deepEqual(await codeOf(entry(details(reason('AC04')) + details(reason('AC01')))), ['MS03'])
    assert.deepEqual(await codeOf(entry(details('') + details(reason('AC01', 'no')))), ['MS03'])
    assert.deepEqual(await codeOf(entry(details('') + details(family('RRTN')))), ['MS03'])
    assert.deepEqual(await codeOf(entry(details('').repeat(2))), [null])
    assert.deepEqual(await codeOf(entry(details(reason('AC04')).repeat(2), { side: 'DBIT' })), [null])
  })

  test('a transfer that was called back is one', async () => {
    assert.deepEqual(await codeOf(entry(details(family('RPCR')))), ['MS03'])
    assert.deepEqual(await codeOf(entry(details(''), { more: family('RPCR') })), ['MS03'])
    assert.deepEqual(await codeOf(entry(details(family('ESCT')))), [null])
  })
})

describe('other currencies than the entry’s', () => {
  const inDetails = (name: string, value: string, currency: string): string =>
    `<AmtDtls><${name}>${amount(value, currency)}</${name}></AmtDtls>`
  const unitsOf = async (xml: string): Promise<bigint[]> => (await linesOf(xml)).map(({ units }) => units)

  test('what was ordered in another one leaves the booked amount', async () => {
    for (const currency of ['USD', 'CHF', 'MXN']) {
      const one = (value: string) => details(amount('55', currency) + inDetails('TxAmt', value, 'EUR'))
      assert.deepEqual(await unitsOf(entry(one('49') + one('50'))), [4900n, 5000n])
      const ordered = details(inDetails('InstdAmt', '55', currency))
      assert.deepEqual(await unitsOf(entry(ordered.repeat(2))), [9900n])
      assert.deepEqual(await unitsOf(entry(details(amount('49.50', currency)).repeat(2))), [9900n])
    }
  })

  test('the total of a batch in another one says nothing', async () => {
    const batch = (currency: string) =>
      `<Btch><NbOfTxs>5</NbOfTxs><TtlAmt Ccy="${currency}">1000</TtlAmt></Btch>`
    const [foreign] = await linesOf(entry(batch('SEK')))
    assert.equal(foreign!.batch?.transfers, 5)
    const [own] = await linesOf(entry(batch('EUR')))
    assert.equal(own!.batch?.transfers, 1)
  })

  test('what is pending may be in any, what is booked may not', async () => {
    const booked = entry(details(''), { amount: '1' })
    const pending = entry(details(''), { currency: 'USD', status: 'PDNG' })
    const totals = (sum: string, count: number): string =>
      `<TxsSummry><TtlNtries><NbOfNtries>${count}</NbOfNtries><Sum>${sum}</Sum></TtlNtries></TxsSummry>`
    for (const said of ['', totals('1', 1), totals('100', 2)]) {
      assert.deepEqual(await unitsOf(said + pending + booked), [100n])
    }
    assert.match(await refused(booked + pending.replace('PDNG', 'BOOK')), /^currency .*"USD" is no currency/)
    assert.match(await refused(totals('1', 3) + booked + pending), /^totals .*holds 3 entries/)
    const peso = entry(details(''), { currency: 'MXN', status: 'PDNG' })
    assert.deepEqual(await unitsOf(peso + booked), [100n])
  })
})

describe('totals', () => {
  const both = entry(details(''), { amount: '10' }) + entry(details(''), { amount: '2.50', side: 'DBIT' })
  const totals = (sum: string): string => `<TxsSummry><TtlNtries><Sum>${sum}</Sum></TtlNtries></TxsSummry>`

  test('the sum of all entries may take debits off, with its sign or without', async () => {
    for (const sum of ['12.50', '7.50', '-7.50']) assert.equal((await linesOf(totals(sum) + both)).length, 2)
    for (const sum of ['7.51', '-12.50', '0', '-x'])
      assert.match(await refused(totals(sum) + both), /^(totals|amount) /)
  })

  test('where only the entries tell the currency, sums are held to it', async () => {
    const head = ACCOUNT.replace('<Ccy>EUR</Ccy>', '')
    assert.equal((await linesOf(totals('12.50') + both, head)).length, 2)
    assert.match(await refused(totals('12.51') + both, head), /^totals .* 12\.51 EUR; they make 12\.50 EUR/)
  })
})

test('a reference that is longer than any is refused where it stands', async () => {
  const long = 'X'.repeat(141)
  const written = (name: string, text: string): string =>
    name === 'AcctSvcrRef'
      ? entry(details(''), { more: `<${name}>${text}</${name}>` })
      : entry(details(`<Refs><${name}>${text}</${name}></Refs>`), { side: 'DBIT' })
  for (const name of ['AcctSvcrRef', 'EndToEndId', 'PmtInfId']) {
    assert.match(
      await refused(written(name, long)),
      new RegExp(`^reference at 1:\\d+: ${name} is longer than 140`),
    )
    assert.equal((await linesOf(written(name, long.slice(1)))).length, 1)
  }
})
