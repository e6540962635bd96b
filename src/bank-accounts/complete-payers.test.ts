import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Counterparty } from '../onramp/refund-sources.ts'
import { completeCounterparty, isSurelyOf } from './complete-payers.ts'

const [ONE, OTHER] = ['ES9121000418450200051332', 'DE89370400440532013000']
const of = (name: string, iban: string | null = null): Counterparty => ({ name, iban })

test('what is known of a payer is completed, and never overwritten', () => {
  const cases: [known: Counterparty, told: Counterparty, whole: Counterparty | undefined][] = [
    [of(''), of('Ana Pérez', ONE), of('Ana Pérez', ONE)],
    [of('NOTPROVIDED'), of('Ana Pérez'), of('Ana Pérez')],
    [of('', ONE), of('Ana Pérez'), of('Ana Pérez', ONE)],
    [of('', ONE), of('Ana Pérez', 'es91 2100 0418 4502 0005 1332'), of('Ana Pérez', ONE)],
    [of('', ONE), of('Ana Pérez', OTHER), undefined],
    [of('Ana Pérez'), of('', ONE), of('Ana Pérez', ONE)],
    [of('Ana Pérez García'), of('PEREZ GARCIA ANA', ONE), of('Ana Pérez García', ONE)],
    [of('ANA PEREZ GAR'), of('Ana Pérez García', ONE), of('ANA PEREZ GAR', ONE)],
    [of('A. Pérez'), of('Ana Pérez', ONE), of('A. Pérez', ONE)],
    [of('Ana Pérez'), of('Luis Pérez', ONE), undefined],
    [of('王伟'), of('Luis Pérez', ONE), undefined],
    [of('Ana Pérez', ONE), of('Boris Petrov', OTHER), undefined],
    [of('Ana Pérez', ONE), of('ANA PEREZ', ONE), undefined],
    [of('Ana Pérez', ONE), of('NOTPROVIDED'), undefined],
    [of(''), of(' - '), undefined],
  ]
  for (const [known, told, whole] of cases)
    assert.deepEqual(completeCounterparty(known, told), whole, JSON.stringify([known, told]))
})

test('a line is surely the one that is told of by its reference, alone on its day, or by its own text', () => {
  const line = { endToEndId: null, concept: '100075', refs: ['R1'], ofDay: 2, ofText: 1 }
  const told = { ref: null, endToEndId: null, concept: 'TRF 100075' }
  const cases: [known: object, told: object, isSure: boolean][] = [
    [{}, {}, true],
    [{}, { concept: 'MOVIMIENTO' }, false],
    [{}, { concept: 'MOVIMIENTO', ref: 'R1' }, true],
    [{ ofDay: 1 }, { concept: 'MOVIMIENTO' }, true],
    [{ endToEndId: 'E1' }, { endToEndId: 'E1', concept: '' }, true],
    [{ endToEndId: 'NOTPROVIDED' }, { endToEndId: 'NOTPROVIDED', concept: '' }, false],
    [{ ofText: 2 }, {}, false],
    [{ ofText: 2 }, { ofText: 2 }, true],
    [{ concept: '' }, { concept: '' }, false],
  ]
  for (const [known, more, isSure] of cases)
    assert.equal(
      isSurelyOf({ ...line, ...known }, { ...told, ...more }),
      isSure,
      JSON.stringify([known, more]),
    )
})
