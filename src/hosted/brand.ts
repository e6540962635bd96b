import type { IntegrationSettings } from '../common/integration.ts'
import type { Brand } from './wire.ts'

const OPERATOR: Brand['operator'] = {
  name: 'CryptoPocket',
  terms_url: null,
  privacy_url: null,
  support_email: null,
}

/** Who stands on top of a customer's page. A logo on another host is left out: the page loads nothing from there. */
export function brandOf({ brand }: Pick<IntegrationSettings, 'brand'>): Brand {
  const isOwn = brand.logoUrl !== null && /^(\/(?!\/)|data:image\/)/.test(brand.logoUrl)
  return { name: brand.name, logo_url: isOwn ? brand.logoUrl : null, color: brand.color, operator: OPERATOR }
}
