import type { Secrets } from '../kernel/secrets.ts'
import { ENHANCED_FIELDS, type EnhancedField } from '../providers/kyc/enhanced.ts'

/** What is declared; null: not yet, or not asked. */
export type EnhancedFields = Record<EnhancedField, string | null>

/** What `verifications.data_sealed` holds for an enhanced verification. */
export interface EnhancedData {
  fields: EnhancedFields
  /** The documents that belong to the declaration, oldest first; they are rows of `documents`. */
  documents: { id: string; name: string }[]
  /** Of the rejected parts, those that the customer has mended since. */
  mended: string[]
  /** Whoever signed at the last sending, as typed, and when (ISO 8601). */
  signature: { name: string; at: string } | null
}

export function nothingDeclared(known: Partial<EnhancedFields> = {}): EnhancedData {
  const empty = Object.fromEntries(ENHANCED_FIELDS.map((field) => [field, null])) as EnhancedFields
  return { fields: { ...empty, ...known }, documents: [], mended: [], signature: null }
}

/** Seals under the customer's own key. */
export const sealEnhanced = (secrets: Secrets, key: Buffer, data: EnhancedData): Buffer =>
  secrets.sealFor(key, JSON.stringify(data))

export const openEnhanced = (secrets: Secrets, key: Buffer, sealed: Buffer): EnhancedData =>
  JSON.parse(secrets.openFor(key, sealed).toString('utf8')) as EnhancedData
