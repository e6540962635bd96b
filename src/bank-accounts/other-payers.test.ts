import assert from 'node:assert/strict'
import { beforeEach, describe, it, test } from 'node:test'
import {
  fileOf,
  lineOf,
  partsOfAccount,
  portLineOf,
  shareStatementWorld,
} from '../../test/support/statements.ts'
import { openCounterparty } from '../onramp/refund-sources.ts'
import { importStatement } from './import-statement.ts'
import { type KnownLine, pairLines, type ToldLine } from './pair-lines.ts'
import { recordBankLines } from './record-lines.ts'
import { mayBeOnePayer, readToldPayer } from './same-payer.ts'
import type { StatementLine } from './statements/statement.ts'

const world = await shareStatementWorld()
/** Each test has an account of its own. */
let iban: string
const partsOf = partsOfAccount(() => iban)
beforeEach(async () => {
  iban = await world.addAccount()
})

const [DAY, NEXT_DAY] = ['2026-03-03', '2026-03-04'] as const
const TEXT = '100075'
const [ANA, LUIS, SISTER] = ['Ana Pérez García', 'Luis Gómez Ruiz', 'Laura Pérez García'] as const

/** What one source tells of one payer or of several, each by a line of the same amount. */
type Tell = (payers: readonly string[], given?: Partial<StatementLine>) => Promise<unknown>

const byFile =
  (format: string, complete: boolean): Tell =>
  (payers, given) => {
    const lines = payers.map((counterpartyName, n) =>
      lineOf({
        bookedOn: DAY,
        concept: TEXT,
        counterpartyName,
        bankRef: format.startsWith('camt') ? `${format}/${counterpartyName}/${n}` : null,
        ...given,
      }),
    )
    const on = lines[0]!.bookedOn
    const parts = partsOf({ lines, openingUnits: complete ? 0n : null, fromOn: on, toOn: on, complete })
    return importStatement(world, fileOf(parts, { format }))
  }

const byPort: Tell = (payers, given) =>
  recordBankLines(
    world,
    payers.map((counterpartyName) => {
      const bookedOn = given?.bookedOn ?? DAY
      const at = { bookedAt: new Date(`${bookedOn}T10:00:00Z`), valueDate: given?.valueDate ?? bookedOn }
      const words = { concept: given?.concept ?? TEXT, endToEndId: given?.endToEndId ?? null }
      return portLineOf({ iban, ref: `L ${counterpartyName}`, counterpartyName, ...at, ...words })
    }),
  )

const SOURCES: Record<string, Tell> = {
  notification: byFile('camt.054.001.08', false),
  'statement of account': byFile('camt.053.001.08', true),
  MT940: byFile('mt940', true),
  list: byFile('csv', false),
  port: byPort,
}
const notify = SOURCES.notification!
const state = SOURCES['statement of account']!
/** That the day before was empty and closed: from then on statements of the day are whole. */
const closeDayBefore = () =>
  importStatement(world, fileOf(partsOf({ lines: [], fromOn: '2026-03-02', toOn: '2026-03-02' })))

/** Who stands in the books, and who waits in doubt. */
async function payers(): Promise<{ booked: string[]; waiting: string[] }> {
  const namesIn = (rows: { counterpartySealed: Buffer }[]): string[] =>
    rows.map(({ counterpartySealed }) => openCounterparty(world.secrets, counterpartySealed).name).sort()
  const lines = await world.db.selectFrom('bankTransactions').selectAll().where('iban', '=', iban).execute()
  const doubts = await world.db
    .selectFrom('bankDoubts')
    .selectAll()
    .where('iban', '=', iban)
    .where('state', '=', 'open')
    .execute()
  return { booked: namesIn(lines), waiting: namesIn(doubts) }
}

async function assertBoth(one: string, other: string): Promise<void> {
  const { booked, waiting } = await payers()
  assert.deepEqual([...booked, ...waiting].sort(), [one, other].sort())
}

const pairsOfSources = Object.keys(SOURCES).flatMap((first) =>
  Object.keys(SOURCES)
    .filter((second) => first !== second)
    .map((second) => [first, second] as const),
)

describe('two customers who write the same number', () => {
  for (const [first, second] of pairsOfSources) {
    it(`are two, one told by ${first}, the other by ${second}`, async () => {
      for (const other of [LUIS, SISTER]) {
        iban = await world.addAccount()
        await SOURCES[first]!([ANA])
        await SOURCES[second]!([other])
        await assertBoth(ANA, other)
      }
    })

    it(`are two, and the first is no third, told by ${first}, then both by ${second}`, async () => {
      for (const other of [LUIS, SISTER]) {
        iban = await world.addAccount()
        await SOURCES[first]!([ANA])
        await SOURCES[second]!([other, ANA.toUpperCase()])
        await assertBoth(ANA, other)
      }
    })

    it(`are two on neighbouring days, told by ${first} and by ${second}`, async () => {
      for (const endToEndId of [null, TEXT, 'PAYMENT-OF-100075']) {
        iban = await world.addAccount()
        await SOURCES[first]!([ANA], { endToEndId })
        const later = { bookedOn: NEXT_DAY, valueDate: DAY, endToEndId }
        await SOURCES[second]!([SISTER, ANA], later)
        const { booked, waiting } = await payers()
        assert.ok([...booked, ...waiting].includes(SISTER), `${SISTER} is lost`)
        assert.deepEqual(
          booked.filter((name) => name === ANA),
          [ANA],
          `${booked} (${endToEndId})`,
        )
      }
    })
  }

  it('are two on a day whose statement holds one of them, whenever it comes', async () => {
    await closeDayBefore()
    await notify([ANA])
    await state([LUIS])
    await assertBoth(ANA, LUIS)
    iban = await world.addAccount()
    await closeDayBefore()
    await state([LUIS])
    for (const tell of [notify, byPort]) await tell([ANA])
    const { booked, waiting } = await payers()
    assert.deepEqual([booked, [...new Set(waiting)]], [[LUIS], [ANA]])
  })

  it('are two by lists of which the reference is the number', async () => {
    const list = SOURCES.list!
    await list([ANA], { bankRef: TEXT })
    await list([LUIS], { bankRef: TEXT })
    await assertBoth(ANA, LUIS)
  })

  it('are two by names that have no Latin letters', async () => {
    await SOURCES.MT940!(['王伟'])
    await byFile('norma43', true)(['李强'])
    await assertBoth('王伟', '李强')
  })

  it('wait for nobody when the statement of the day tells of both', async () => {
    await closeDayBefore()
    await notify([ANA])
    await SOURCES.list!([LUIS])
    assert.deepEqual(await payers(), { booked: [ANA], waiting: [LUIS] })
    await state([LUIS, ANA])
    assert.deepEqual(await payers(), { booked: [ANA, LUIS], waiting: [] })
  })
})

/** As sources name one payer. */
const ONE_PAYER: [name: string, others: string[]][] = [
  [
    ANA,
    [
      '',
      'NOTPROVIDED',
      'ANA PEREZ GARCIA',
      'PEREZ GARCIA ANA',
      'Pérez García, Ana María',
      'ANA PEREZ GAR',
      'PEREZ GARCIA AN',
      'A. PEREZ GARCIA',
      'ANA P. GARCIA',
      'ANA PEREZ GCIA',
      'ANA PEREZGARCIA',
      'Dña. Ana Pérez',
      'ANA PEREZ GARCIA Y LUIS LOPEZ RUIZ',
      'LUIS LOPEZ / ANA PEREZ',
      'ANA PEREZ GARCIA CALLE MAYOR 1 MADRID',
    ],
  ],
  ['José de la Torre', ['JOSE DELATORRE RUIZ', 'DE LA TORRE JOSE', 'J TORRE']],
  ['Jürgen Groß', ['JUERGEN GROSS', 'GROSS JURGEN']],
  [
    'Ana Gómez Ruiz y Luis Pérez Gil',
    ['LUIS PEREZ', 'GOMEZ RUIZ ANA MARIA', 'PEREZ GIL LUIS & GOMEZ RUIZ ANA'],
  ],
  ['Remesas del Sur SL', ['REMESAS DEL SUR', 'REMESAS DEL SUR, SOCIEDAD LIMITADA', 'REMESAS DEL S']],
]

describe('one customer whom two sources name in other ways', () => {
  for (const [name, others] of ONE_PAYER) {
    for (const other of others) {
      it(`is one: ${name}, ${other || 'nobody'}`, async () => {
        for (const [first, second] of [
          [name, other],
          [other, name],
        ] as const) {
          for (const [tell, again] of [
            [notify, SOURCES.MT940!],
            [SOURCES.MT940!, byPort],
          ] as const) {
            iban = await world.addAccount()
            await tell([first])
            await again([second])
            const { booked, waiting } = await payers()
            assert.deepEqual([booked.length, waiting.length], [1, 0])
          }
        }
      })
    }
  }
})

test('the books are right after all of these', async () => {
  assert.deepEqual(await world.problems(), [])
})

test('names of two people are never one payer’s', () => {
  const others: [one: string, other: string][] = [
    [ANA, LUIS],
    [ANA, SISTER],
    [ANA, 'Ana López García'],
    ['Luis', 'Luisa Pérez'],
    ['Ana Gómez', 'Anabel Gómez'],
    ['José García García', 'José García López'],
    ['Remesas del Sur SL', 'Remesas del Sur SA'],
    ['Ana Gómez SL', 'Luis Gómez SL'],
    ['王伟', 'Ana Gómez'],
    ['Ana Gómez Ruiz / Luis Pérez Gil', 'Luis Gómez Ruiz'],
    ['Juan López Yáñez', 'Juan López García'],
    ['María Pérez Andújar', 'María Pérez García'],
  ]
  for (const [one, other] of others)
    for (const [a, b] of [
      [one, other],
      [other, one],
    ] as const)
      assert.equal(mayBeOnePayer(readToldPayer(a), readToldPayer(b)), false, `${a} = ${b}`)
})

test('thousands who write one text and pay as much are told apart in time that grows with them', () => {
  const payersOf = (count: number) =>
    Array.from({ length: count }, (_, n) => {
      const word = [...n.toString(9).padStart(5, '0')].map((digit) => 'BCDFGHKLM'[Number(digit)]).join('')
      return { full: `Ana ${word} Fernández`, cut: `ANA ${word} FERN` }
    })
  const words = { endToEndId: null, concept: TEXT, payer: null }
  const all = payersOf(6_000)
  const told = all.map(({ cut }, number): ToldLine => {
    return { ...words, number, ref: null, print: `told ${number}`, name: () => cut }
  })
  const known = all.toReversed().map(({ full }, n): KnownLine => {
    return { ...words, id: full, names: [], prints: [`known ${n}`], likely: true, name: () => full }
  })
  // Compared each with each they would be too many, and some would be left.
  const found = pairLines(told, known, { toldBy: 'mt940', extent: 'partial' })
  for (const one of found)
    assert.deepEqual(one, { number: one.number, is: 'known', id: all[one.number]!.full })
  assert.equal(found.length, told.length)
})
