import { authenticate } from '../common/authenticate.ts'
import { availableAssets } from '../common/available-assets.ts'
import { tokenPrice } from '../common/token-price.ts'
import { getQuote } from '../onramp/get-quote.ts'
import { listPaymentMethods } from '../onramp/list-payment-methods.ts'
import {
  receiveBankCallback,
  receiveCardCallback,
  receiveOpenBankingCallback,
} from '../providers/receive-callback.ts'
import {
  cancelBankPage,
  chooseSimulatedBank,
  consentAtBank,
  logInAtBank,
  refuseAtBank,
  showBankPage,
} from '../sandbox/simulators/bank.ts'
import {
  answerCardThreeDSecure,
  cancelCardPage,
  payByCard,
  showCardPage,
} from '../sandbox/simulators/card.ts'
import type { Endpoint } from './endpoint.ts'

/**
 * Every endpoint once, in the order of the documentation. Routes, validation, the OpenAPI document, the
 * documentation page and the tests that walk all endpoints come from this one table.
 */
export const ENDPOINTS: readonly Endpoint[] = [
  // Common
  authenticate,
  tokenPrice,
  availableAssets,
  // Users
  // On-ramp
  listPaymentMethods,
  getQuote,
  // Webhooks
  // Sandbox
  // Hosted pages
  // The simulated providers' own pages
  showCardPage,
  payByCard,
  answerCardThreeDSecure,
  cancelCardPage,
  showBankPage,
  chooseSimulatedBank,
  logInAtBank,
  consentAtBank,
  refuseAtBank,
  cancelBankPage,
  // Providers
  receiveCardCallback,
  receiveOpenBankingCallback,
  receiveBankCallback,
]
