import type { Config } from './config.ts'
import type { ConfigReader } from './config-reader.ts'

/** Every duration of the configuration, in milliseconds. */
export function readDurations(read: ConfigReader): Config['durations'] {
  return {
    tokenLifetimeMs: read.durationMs('TOKEN_LIFETIME'),
    secretRotationOverlapMs: read.durationMs('SECRET_ROTATION_OVERLAP'),
    idempotencyLifetimeMs: read.durationMs('IDEMPOTENCY_LIFETIME'),
    quoteLifetimeMs: read.durationMs('QUOTE_LIFETIME'),
    transferQuoteLifetimeMs: read.durationMs('TRANSFER_QUOTE_LIFETIME'),
    priceMaxAgeMs: read.durationMs('PRICE_MAX_AGE'),
    guidedPriceLifetimeMs: read.durationMs('GUIDED_PRICE_LIFETIME'),
    instantPaymentLifetimeMs: read.durationMs('INSTANT_PAYMENT_LIFETIME'),
    localPaymentLifetimeMs: read.durationMs('LOCAL_PAYMENT_LIFETIME'),
    transferStartedLifetimeMs: read.durationMs('TRANSFER_STARTED_LIFETIME'),
    transferPendingLifetimeMs: read.durationMs('TRANSFER_PENDING_LIFETIME'),
    reviewLifetimeMs: read.durationMs('REVIEW_LIFETIME'),
    dispatchDeadlineMs: read.durationMs('DISPATCH_DEADLINE'),
    saleDepositWindowMs: read.durationMs('SALE_DEPOSIT_WINDOW'),
    saleConversionDeadlineMs: read.durationMs('SALE_CONVERSION_DEADLINE'),
    salePayoutDeadlineMs: read.durationMs('SALE_PAYOUT_DEADLINE'),
    kycLinkLifetimeMs: read.durationMs('KYC_LINK_LIFETIME'),
    kybLinkLifetimeMs: read.durationMs('KYB_LINK_LIFETIME'),
    onboardingLinkLifetimeMs: read.durationMs('ONBOARDING_LINK_LIFETIME'),
    webhookRetryPeriodMs: read.durationMs('WEBHOOK_RETRY_PERIOD'),
  }
}
