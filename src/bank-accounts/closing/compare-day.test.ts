import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compareDay, type DayFacts, type StatementWord } from './compare-day.ts'
import { type ChainStatement, chooseChain, readChain } from './statement-chain.ts'

const ON = '2026-03-04'

const word = (given: Partial<StatementWord> = {}): StatementWord => ({
  by: 'statement',
  units: 100n,
  beforeUnits: 0n,
  firstOn: '2026-03-01',
  uncovered: [],
  early: false,
  untold: [],
  untoldMore: { count: 0, units: 0n },
  ahead: [],
  ...given,
})
const facts = (given: Partial<DayFacts> = {}): DayFacts => ({
  ledgerUnits: 100n,
  word: word(),
  doubts: [],
  orders: [],
  late: [],
  unexpected: [],
  ...given,
})
const compare = (given: Partial<DayFacts>) => {
  const compared = compareDay(ON, facts(given))
  return compared.differences.map(({ cause, on, units, aboutUnits }) => [cause, on, units, aboutUnits])
}
const doubt = { id: 'd', on: '2026-03-03', units: 30n, toldBy: 'camt.053', reason: 'other_words' } as const

describe('the comparison of a day', () => {
  it('finds nothing where both say the same', () => assert.deepEqual(compare({}), []))

  it('names what no cause explains', () =>
    assert.deepEqual(compare({ ledgerUnits: 93n }), [['unexplained', ON, 7n, 7n]]))

  it('counts what a statement tells and a person decided to be no line', () => {
    const doubts = [{ ...doubt, dismissed: true, counted: true }]
    assert.deepEqual(compare({ ledgerUnits: 70n, doubts }), [['doubt', '2026-03-03', 30n, 30n]])
  })

  it('tells of orders, late lines and what others told beside the balances', () =>
    assert.deepEqual(
      compare({
        doubts: [{ ...doubt, dismissed: false, counted: false }],
        orders: [{ effect: 'e', reference: 'payment:p', on: '2026-03-02', units: 5n }],
        late: [{ id: 'l', on: '2026-03-01', units: -4n }],
      }),
      [
        ['doubt', '2026-03-03', 0n, 30n],
        ['order_not_on_statement', '2026-03-02', 0n, -5n],
        ['late_line', '2026-03-01', 0n, -4n],
      ],
    ))

  it('sums up lines beyond those that are named', () => {
    const untold = [{ id: 'a', on: '2026-03-02', units: 10n, later: false }]
    const compared = compare({
      ledgerUnits: 150n,
      word: word({ untold, untoldMore: { count: 7, units: 40n } }),
    })
    assert.deepEqual(compared, [
      ['not_on_statement', '2026-03-02', -10n, 10n],
      ['not_on_statement', ON, -40n, 40n],
    ])
  })

  it('lets days without a statement pass when both sides of them agree, or banks were shut and nothing moved', () => {
    const days = { fromOn: '2026-03-02', toOn: '2026-03-03', bookedUnits: 5n, bookedLines: 2, working: true }
    assert.deepEqual(compare({ word: word({ uncovered: [{ ...days, units: 5n }] }) }), [])
    const shut = { ...days, units: null, bookedUnits: 0n, bookedLines: 0, working: false }
    assert.deepEqual(compare({ word: word({ uncovered: [shut] }) }), [])
    assert.deepEqual(compare({ word: word({ uncovered: [{ ...shut, working: true }] }) }), [
      ['missing_statement', '2026-03-02', 0n, 0n],
    ])
  })
})

const statement = (
  fromOn: string,
  toOn: string,
  [openingUnits, closingUnits]: [bigint, bigint],
  given: Partial<ChainStatement> = {},
): ChainStatement => ({
  importId: `${fromOn}/${toOn}/${openingUnits}`,
  position: 1,
  fromOn,
  toOn,
  openingUnits,
  closingUnits,
  lines: 1,
  importedOn: '2026-04-01',
  ...given,
})

/** What the chain says, with the moves of links by the day from which on they are asked for. */
function read(statements: ChainStatement[], on: string, moves: Record<string, bigint> = {}) {
  const chain = chooseChain(statements, on)
  return readChain(chain, on, ({ movesFrom }) => {
    const units = moves[movesFrom!]
    assert.notEqual(units, undefined, `moves from ${movesFrom}`)
    return units!
  })
}

describe('the chain of statements', () => {
  const [one, two] = [
    statement('2026-03-01', '2026-03-02', [0n, 10n]),
    statement('2026-03-03', '2026-03-04', [10n, 30n]),
  ]

  it('goes on from one to the next in whatever order they came', () => {
    assert.deepEqual(read([two, one], '2026-03-04'), {
      units: 30n,
      firstOn: '2026-03-01',
      openingUnits: 0n,
      uncovered: [],
      coveredTo: '2026-03-04',
      early: false,
    })
    assert.equal(read([one, two], '2026-03-03', { '2026-03-04': 15n })?.units, 15n)
    assert.equal(read([two], '2026-03-02'), undefined)
  })

  it('takes a statement of a whole day before its parts, and its parts where there is no whole', () => {
    const [morning, evening] = [
      statement('2026-03-05', '2026-03-05', [30n, 50n]),
      statement('2026-03-05', '2026-03-05', [50n, 20n]),
    ]
    const whole = statement('2026-03-05', '2026-03-05', [30n, 20n], { lines: 2, importId: 'whole' })
    for (const statements of [
      [evening, one, two, morning],
      [morning, whole, two, one, evening],
    ]) {
      const found = read(statements, '2026-03-05')
      assert.deepEqual([found?.units, found?.uncovered], [20n, []])
    }
  })

  describe('of a day that is told in parts', () => {
    /** The parts of 2026-03-03 by what they open and close with, however their rows come and however long they are. */
    function assertWay(given: [bigint, bigint][], others: ChainStatement[], way: string[]): void {
      for (let longest = 0; longest < given.length; longest += 1) {
        const parts = given.map((balances, place) =>
          statement('2026-03-03', '2026-03-03', balances, {
            importId: `p${place + 1}`,
            lines: place === longest ? 9 : 1,
          }),
        )
        for (const statements of [[...parts, ...others], [...others, ...parts].reverse()]) {
          const { links } = chooseChain(statements, '2026-03-04')
          assert.deepEqual(
            links.map((link) => link.statement.importId),
            way,
          )
          assert.ok(links.every(({ movesFrom, until }) => movesFrom === null && until === null))
        }
      }
    }
    const before = statement('2026-03-02', '2026-03-02', [0n, 100n], { importId: 'before' })
    const after = (units: bigint) => statement('2026-03-04', '2026-03-04', [units, 0n], { importId: 'after' })

    it('takes all where the balance comes back within the day', () =>
      assertWay(
        [
          [100n, 80n],
          [80n, 100n],
          [100n, 50n],
        ],
        [before, after(50n)],
        ['before', 'p1', 'p2', 'p3', 'after'],
      ))

    it('takes one that nets to nothing', () =>
      assertWay(
        [
          [100n, 70n],
          [70n, 70n],
        ],
        [before, after(70n)],
        ['before', 'p1', 'p2', 'after'],
      ))

    it('begins with the first of the first day, also of an account that is emptied later', () =>
      assertWay(
        [
          [0n, 100n],
          [100n, 250n],
        ],
        [after(250n)],
        ['p1', 'p2', 'after'],
      ))

    it('begins with the first after days without a statement, and where the next day goes on when it ended as it began', () => {
      const gone = statement('2026-02-20', '2026-02-20', [0n, 1n], { importId: 'gone' })
      assertWay(
        [
          [0n, 100n],
          [100n, 250n],
        ],
        [gone, after(250n)],
        ['gone', 'p1', 'p2', 'after'],
      )
      assertWay(
        [
          [5n, 100n],
          [100n, 5n],
        ],
        [after(5n)],
        ['p1', 'p2', 'after'],
      )
    })

    it('ends with many parts', () => {
      const parts = Array.from({ length: 4_000 }, (_, place) =>
        statement('2026-03-03', '2026-03-03', place % 2 === 0 ? [100n, 80n] : [80n, 100n]),
      )
      assert.equal(chooseChain([before, ...parts], '2026-03-04').links.length, 4_001)
    })
  })

  it('knows days that are told anew from a gap', () => {
    const anew = statement('2026-03-04', '2026-03-06', [18n, 40n])
    assert.deepEqual(read([one, two, anew], '2026-03-06', { '2026-03-04': 12n })?.uncovered, [])
    assert.deepEqual(read([one, two, anew], '2026-03-06', { '2026-03-04': 11n })?.uncovered, [
      { fromOn: '2026-03-04', toOn: '2026-03-03', units: -1n },
    ])
  })

  it('ends within a gap with what the next one opens with', () => {
    const later = statement('2026-03-07', '2026-03-07', [33n, 40n])
    const gap = { fromOn: '2026-03-05', toOn: '2026-03-06', units: 3n }
    const found = read([one, two, later], '2026-03-06')
    assert.deepEqual([found?.units, found?.uncovered, found?.coveredTo], [33n, [gap], '2026-03-04'])
    const within = read([one, two, later], '2026-03-05')
    assert.deepEqual([within?.units, within?.uncovered[0]?.units], [30n, null])
  })

  it('does not trust a statement that was made while its day ran, unless the next one goes on from it', () => {
    const early = statement('2026-03-05', '2026-03-05', [30n, 35n], { importedOn: '2026-03-05' })
    assert.equal(read([one, two, early], '2026-03-05')?.early, true)
    const next = statement('2026-03-06', '2026-03-06', [35n, 35n])
    assert.equal(read([one, two, early, next], '2026-03-05')?.early, false)
  })
})
