import { listBankAccounts } from '../bank-accounts/list-accounts.ts'
import { listBankTransactions } from '../bank-accounts/list-transactions.ts'
import { reconcilePayment } from '../bank-accounts/reconcile.ts'
import { authenticate } from '../common/authenticate.ts'
import { availableAssets } from '../common/available-assets.ts'
import { tokenPrice } from '../common/token-price.ts'
import {
  addKybPerson,
  changeKybPerson,
  checkKybNumber,
  openKybPage,
  removeKybPerson,
  saveKybCompany,
  showKybPage,
  submitKyb,
  uploadKybDocument,
  uploadKybPersonPhoto,
} from '../hosted/kyb.ts'
import { checkKycIdentification, saveKycData, showKycPage, submitKyc, uploadKycPhoto } from '../hosted/kyc.ts'
import {
  removeOnboardingDocument,
  saveOnboardingData,
  showOnboardingPage,
  submitOnboarding,
  uploadOnboardingDocument,
} from '../hosted/onboarding.ts'
import {
  acceptPaymentPrice,
  cancelPaymentPage,
  checkPaymentWallet,
  choosePaymentMethod,
  handOverPayment,
  openGatewayPage,
  openPaymentPage,
  payPayment,
  sayPaymentSent,
  setPaymentWallet,
  showPaymentPage,
} from '../hosted/payment.ts'
import { createRampoff } from '../offramp/create-rampoff.ts'
import { getRampoffQuote } from '../offramp/get-quote.ts'
import { listRampoffs } from '../offramp/list-rampoffs.ts'
import { getRampoff } from '../offramp/retrieve-rampoff.ts'
import { cancelPayment } from '../onramp/cancel-payment.ts'
import { createGuidedPayment } from '../onramp/create-guided-payment.ts'
import { createPayment } from '../onramp/create-payment.ts'
import { getQuote } from '../onramp/get-quote.ts'
import { listPaymentMethods } from '../onramp/list-payment-methods.ts'
import { listPayments } from '../onramp/list-payments.ts'
import { refundPayment } from '../onramp/refund-payment.ts'
import { retrievePayment } from '../onramp/retrieve-payment.ts'
import {
  receiveBankCallback,
  receiveCardCallback,
  receiveLocalCallback,
  receiveOpenBankingCallback,
  receivePayPalCallback,
} from '../providers/receive-callback.ts'
import { sendBankTransfer } from '../sandbox/bank-transfer.ts'
import { depositOnChain } from '../sandbox/chain-deposit.ts'
import { advanceSandboxClock } from '../sandbox/clock.ts'
import { orderFaults } from '../sandbox/faults.ts'
import { decideSandboxKyc } from '../sandbox/kyc.ts'
import { sandboxOverview } from '../sandbox/overview.ts'
import { paySandboxPayment } from '../sandbox/pay.ts'
import { resetSandbox } from '../sandbox/reset.ts'
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
import {
  cancelLocalPage,
  cancelPayPalPage,
  payAtPayPal,
  payByLocalMethod,
  refuseLocalMethod,
  showLocalPage,
  showPayPalPage,
} from '../sandbox/simulators/redirect.ts'
import { createCompany } from '../users/create-company.ts'
import { createCustomer } from '../users/create-customer.ts'
import { createDelegatedCustomer } from '../users/create-delegated-customer.ts'
import { createOnboardingForm } from '../users/enhanced-verification.ts'
import { findUser } from '../users/find-customer.ts'
import { receiveKycCallback } from '../users/kyc-callback.ts'
import { kycRetry } from '../users/kyc-retry.ts'
import { kycStatus } from '../users/kyc-status.ts'
import { listCustomers } from '../users/list-customers.ts'
import { uploadDocument } from '../users/upload-document.ts'
import { availableWebhooks } from '../webhooks/available.ts'
import { listWebhookDeliveries } from '../webhooks/deliveries.ts'
import { listWebhookEvents } from '../webhooks/events.ts'
import { redeliverWebhookEvent } from '../webhooks/redeliver.ts'
import { subscribeToWebhook } from '../webhooks/subscribe.ts'
import { listWebhookSubscriptions } from '../webhooks/subscriptions.ts'
import { unsubscribeFromWebhook } from '../webhooks/unsubscribe.ts'
import { updateWebhookSubscription } from '../webhooks/update.ts'
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
  listCustomers,
  createCustomer,
  createDelegatedCustomer,
  createCompany,
  kycStatus,
  kycRetry,
  createOnboardingForm,
  findUser,
  uploadDocument,
  // On-ramp
  listPaymentMethods,
  getQuote,
  createPayment,
  createGuidedPayment,
  retrievePayment,
  listPayments,
  cancelPayment,
  refundPayment,
  // Off-ramp
  getRampoffQuote,
  createRampoff,
  getRampoff,
  listRampoffs,
  // Bank accounts
  listBankAccounts,
  listBankTransactions,
  reconcilePayment,
  // Webhooks
  subscribeToWebhook,
  updateWebhookSubscription,
  availableWebhooks,
  listWebhookSubscriptions,
  unsubscribeFromWebhook,
  listWebhookEvents,
  listWebhookDeliveries,
  redeliverWebhookEvent,
  // Sandbox
  sandboxOverview,
  advanceSandboxClock,
  decideSandboxKyc,
  paySandboxPayment,
  sendBankTransfer,
  depositOnChain,
  orderFaults,
  resetSandbox,
  // Hosted pages
  showKycPage,
  saveKycData,
  checkKycIdentification,
  uploadKycPhoto,
  submitKyc,
  showKybPage,
  openKybPage,
  saveKybCompany,
  checkKybNumber,
  uploadKybDocument,
  addKybPerson,
  changeKybPerson,
  removeKybPerson,
  uploadKybPersonPhoto,
  submitKyb,
  showOnboardingPage,
  saveOnboardingData,
  uploadOnboardingDocument,
  removeOnboardingDocument,
  submitOnboarding,
  openPaymentPage,
  openGatewayPage,
  showPaymentPage,
  choosePaymentMethod,
  checkPaymentWallet,
  setPaymentWallet,
  acceptPaymentPrice,
  payPayment,
  sayPaymentSent,
  cancelPaymentPage,
  handOverPayment,
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
  showPayPalPage,
  payAtPayPal,
  cancelPayPalPage,
  showLocalPage,
  payByLocalMethod,
  refuseLocalMethod,
  cancelLocalPage,
  // Providers
  receiveKycCallback,
  receiveCardCallback,
  receiveOpenBankingCallback,
  receivePayPalCallback,
  receiveLocalCallback,
  receiveBankCallback,
]
