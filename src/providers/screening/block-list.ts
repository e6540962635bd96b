import type { ScreeningProvider } from './port.ts'

/** Addresses on public sanctions lists, each with the list it stands on. A vendor with a fuller list plugs in here. */
export const SANCTIONED: Readonly<Record<string, string>> = {
  '0x098B716B8Aaf21512996dC57EB0615e2383E2f96': 'OFAC SDN (Lazarus Group)',
}

/** An address that stands on no real list, to try in the sandbox what a blocked wallet gets. */
export const SANDBOX_BLOCKED_WALLET = '0xb10c4ED0b10C4eD0b10C4ed0b10c4Ed0b10c4ed0'

/** Screens against a list of our own, whatever the chain: one key controls an address on all of them. */
export function createBlockList(addresses: Readonly<Record<string, string>>): ScreeningProvider {
  const listed = new Map(Object.entries(addresses).map(([address, list]) => [address.toLowerCase(), list]))
  return {
    name: 'block-list',
    async screenWallet({ address }) {
      const reason = listed.get(address.toLowerCase())
      return reason === undefined ? { blocked: false } : { blocked: true, reason }
    },
  }
}
