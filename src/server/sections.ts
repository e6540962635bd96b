import type { Section } from './endpoint.ts'

/** The sections of the documentation, in its order. */
export const SECTIONS: readonly { section: Section; name: string; description: string }[] = [
  { section: 'common', name: 'Common', description: 'Tokens, prices and coins.' },
  { section: 'users', name: 'Users', description: 'Customers and their verification.' },
  { section: 'onramp', name: 'On-ramp', description: 'Customers buy coins.' },
  { section: 'offramp', name: 'Off-ramp', description: 'Customers sell coins.' },
  {
    section: 'bank-accounts',
    name: 'Bank accounts',
    description: 'Accounts, their lines, and what they belong to.',
  },
  { section: 'webhooks', name: 'Webhooks', description: 'What happens, told to your server.' },
  {
    section: 'sandbox',
    name: 'Sandbox',
    description: 'The simulated world and its controls. Nothing here exists in production.',
  },
  {
    section: 'hosted',
    name: 'Hosted pages',
    description: 'What the customer’s pages call. Made for them, not for you: it changes with the pages.',
  },
  {
    section: 'providers',
    name: 'Providers',
    description: 'Where providers tell us what happened. Each call is signed by its provider.',
  },
]

export function sectionName(section: Section): string {
  return SECTIONS.find((known) => known.section === section)!.name
}
