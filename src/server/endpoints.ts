import { authenticate } from '../common/authenticate.ts'
import type { Endpoint } from './endpoint.ts'

/**
 * Every endpoint once, in the order of the documentation. Routes, validation, the OpenAPI document, the
 * documentation page and the tests that walk all endpoints come from this one table.
 */
export const ENDPOINTS: readonly Endpoint[] = [
  // Common
  authenticate,
  // Users
  // On-ramp
  // Webhooks
  // Sandbox
  // Hosted pages
  // Providers
]
