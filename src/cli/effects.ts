import { Command, Option } from 'commander'
import { effectNeeds } from '../app-effects.ts'
import { settleHeldOrder } from '../bank-accounts/orders/take-over.ts'
import { type EffectFilter, listEffects } from '../effects/list-effects.ts'
import { cancelEffect, confirmEffect, retryEffect } from '../effects/operate-effects.ts'
import { BANK_WORDS, type BankWord, settleOrder } from '../effects/settle-order.ts'
import { formatAmount } from '../money/amount.ts'
import { assetOf } from '../money/asset.ts'
import { printTable, recorded, withApp } from './context.ts'
import { integerArgument } from './integration.ts'

interface Options {
  who: string
  why: string
}

/** `effects list|retry|cancel|settle|confirm`: money on its way out. */
export function effectsCommand(): Command {
  const command = new Command('effects').description(
    'money on its way out: coins, bank transfers, card refunds',
  )
  command
    .command('list')
    .description('newest first')
    .option(
      '--state <state>',
      'open (on its way), parked (failed or unknown), or one state such as planned or confirmed',
      'open',
    )
    .option('--door <door>', 'such as wallet:polygon:0x…')
    .option('--payment <id>', 'of one payment')
    .option('--reference <reference>', 'of anything, such as sale:<id> or sweep:<id>')
    .option('--limit <n>', 'how many at most', integerArgument, 50)
    .action(
      async ({
        state,
        door,
        payment,
        reference: given,
        limit,
      }: {
        state: EffectFilter['state']
        door?: string
        payment?: string
        reference?: string
        limit: number
      }) => {
        const reference = given ?? (payment && `payment:${payment}`)
        const found = await withApp((app) =>
          listEffects(app.db, {
            state,
            limit,
            ...(door ? { door } : {}),
            ...(reference ? { reference } : {}),
          }),
        )
        printTable(
          found.map((effect) => ({
            id: effect.id,
            since: effect.createdAt,
            purpose: effect.purpose,
            amount: `${formatAmount(effect.units, assetOf(effect.asset))} ${effect.asset}`,
            state: effect.state,
            why: effect.reason,
            txid: effect.txid ?? effect.providerRef,
          })),
          `No effects are ${state}.`,
        )
      },
    )
  recorded(command.command('retry'))
    .description('try one again that failed, that waits, or that never left as you have found out')
    .argument('<id>')
    .action(async (id: string, options: Options) => {
      await withApp((app) => retryEffect(effectNeeds(app), id, options), { localChains: true })
      console.log(`${id} is tried again.`)
    })
  recorded(command.command('cancel'))
    .description('give one up; coins in no block yet have their nonce consumed first')
    .argument('<id>')
    .addOption(
      new Option('--become <state>', 'what becomes of it')
        .choices(['cancelled', 'planned'])
        .default('cancelled'),
    )
    .action(async (id: string, options: Options & { become: 'cancelled' | 'planned' }) => {
      const { over } = await withApp((app) => cancelEffect(effectNeeds(app), id, options), {
        localChains: true,
      })
      console.log(
        over
          ? `${id} is ${options.become}.`
          : `${id} is being given up: its nonce is consumed by an empty transfer. "effects list" shows how far that is.`,
      )
    })
  recorded(command.command('settle'))
    .description('record the end of a bank transfer or card refund as the bank or provider told you of it')
    .argument('<id>')
    .addOption(
      new Option('--bank-says <word>', 'what became of it').choices(BANK_WORDS).makeOptionMandatory(true),
    )
    .action(async (id: string, { bankSays: says, ...options }: Options & { bankSays: BankWord }) => {
      await withApp(async (app) => {
        const isSettled = says === 'booked' && (await settleHeldOrder(app, id, options))
        if (!isSettled) await settleOrder(effectNeeds(app), id, { ...options, says })
      })
      console.log(`${id} is recorded as ${says}.`)
    })
  recorded(command.command('confirm'))
    .description(
      'record coins as sent by a transaction the platform does not know, which the chain is asked about',
    )
    .argument('<id>')
    .argument('<txid>')
    .action(async (id: string, txid: string, options: Options) => {
      await withApp((app) => confirmEffect(effectNeeds(app), id, txid, options), { localChains: true })
      console.log(`${id} is confirmed by ${txid}.`)
    })
  return command
}
