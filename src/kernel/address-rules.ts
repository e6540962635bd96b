import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * What an IP address is to us: `public` may be reached on somebody's word, `loopback` is this machine (the sandbox
 * allows it), everything else is `forbidden`: private networks, link-local (cloud metadata), multicast, reserved.
 */
export type AddressKind = 'public' | 'loopback' | 'forbidden'

/** All of public IPv6 that was ever handed out; what lies outside is reserved for something else. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')

/**
 * Judges an address in its plain form (four decimal parts, or IPv6), as name resolution and a parsed URL give it.
 * Text that is no such address is forbidden. IPv6 forms that carry an IPv4 address are judged by that one.
 */
export function judgeAddress(text: string): AddressKind {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return judgeIpv4(ipaddr.IPv4.parse(text))
  if (!isIPv6(text) || text.includes('%')) return 'forbidden'
  // Written out in groups first: ipaddr.js takes `::1.2.3.4` for the mapped `::ffff:1.2.3.4`, which it is not.
  const groups = new URL(`http://[${text}]`).hostname.slice(1, -1)
  return judgeIpv6(ipaddr.IPv6.parse(groups))
}

function judgeIpv4(address: ipaddr.IPv4): AddressKind {
  const range = address.range()
  if (range === 'unicast') return 'public'
  return range === 'loopback' ? 'loopback' : 'forbidden'
}

function judgeIpv6(address: ipaddr.IPv6): AddressKind {
  const bytes = address.toByteArray()
  switch (address.range()) {
    case 'loopback':
      return 'loopback'
    case 'ipv4Mapped':
      // The system itself connects to the inner address, so inner loopback is loopback.
      return judgeIpv4(new ipaddr.IPv4(bytes.slice(12)))
    case 'rfc6145':
      return publicOnly(bytes.slice(12))
    case 'rfc6052':
      // The local-use prefix (64:ff9b:1::/48) leads wherever a network's owner likes.
      return address.match(NAT64) ? publicOnly(bytes.slice(12)) : 'forbidden'
    case '6to4':
      return publicOnly(bytes.slice(2, 6))
    case 'unicast':
      return address.match(GLOBAL_IPV6) ? 'public' : 'forbidden'
    default:
      return 'forbidden'
  }
}

/** A translator or tunnel stands between: its loopback is not ours, and nothing but a public address is meant for it. */
function publicOnly(ipv4: number[]): AddressKind {
  return judgeIpv4(new ipaddr.IPv4(ipv4)) === 'public' ? 'public' : 'forbidden'
}
