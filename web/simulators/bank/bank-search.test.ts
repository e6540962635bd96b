import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { banks } from '../../fixtures/simulator-scenarios.ts'
import { findBanks } from './bank-search.ts'

const names = (typed: string) => findBanks(banks, typed).map((bank) => bank.name)

describe('findBanks', () => {
  it('finds by any word, without accents and in any case', () => {
    assert.deepEqual(names('credit agr'), ['Crédit Agricole'])
    assert.deepEqual(names('SANT'), ['Banco Santander'])
    assert.deepEqual(names('depositos'), ['Caixa Geral de Depósitos'])
  })

  it('shows all before anything is typed, none that don’t match', () => {
    assert.equal(names(' ').length, banks.length)
    assert.deepEqual(names('zz'), [])
  })
})
