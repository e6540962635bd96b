import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AddressKind, judgeAddress } from './address-rules.ts'

const TABLE: Record<AddressKind, string[]> = {
  public: [
    '1.1.1.1',
    '8.8.8.8',
    '93.184.216.34',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '100.63.255.255',
    '100.128.0.0',
    '169.253.255.255',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4003:80e::200e',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '64:ff9b::8.8.8.8',
    '64:ff9b::808:808',
    '::ffff:0:8.8.8.8',
    '2002:808:808::1',
  ],
  loopback: [
    '127.0.0.1',
    '127.0.0.0',
    '127.255.255.255',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
  ],
  forbidden: [
    // This network, private, shared, link-local, cloud metadata.
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '10.255.255.255',
    '100.64.0.1',
    '100.127.255.255',
    '169.254.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    // Protocol assignments, documentation, benchmarks, relays, multicast, reserved, broadcast.
    '192.0.0.1',
    '192.0.0.170',
    '192.0.2.1',
    '192.88.99.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    // IPv6: unspecified, local, multicast, discard, documentation, tunnels, reserved.
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'fec0::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '100::1',
    '2001:db8::1',
    '3fff::1',
    '2001::1',
    '2001:0:808:808::1',
    '2001:2::1',
    '2001:10::1',
    '2001:20::1',
    '5f00::1',
    '4000::1',
    '1::1',
    // IPv4 in disguise.
    '::ffff:10.0.0.1',
    '::ffff:a9fe:a9fe',
    '::ffff:0.0.0.0',
    '::ffff:0:127.0.0.1',
    '::ffff:0:10.0.0.1',
    '::127.0.0.1',
    '::8.8.8.8',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:1::808:808',
    '2002:7f00:1::1',
    '2002:a00:1::1',
    '2002:a9fe:a9fe::1',
    // Forms that a parser somewhere takes for an address.
    '',
    'localhost',
    '2130706433',
    '0x7f.0.0.1',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '127.0.1',
    '127.0.0.1.',
    '127.0.0.01',
    ' 127.0.0.1',
    '１２７.0.0.1',
    '[::1]',
    '1.2.3.4.5',
    '256.1.1.1',
    '::1::',
    'example.com',
  ],
}

for (const kind of ['public', 'loopback', 'forbidden'] as const) {
  for (const address of TABLE[kind]) {
    test(`${JSON.stringify(address)} is ${kind}`, () => assert.equal(judgeAddress(address), kind))
  }
}

test('an IPv4 address is judged alike through a mapping, and never opens through a translator', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const kind = judgeAddress(address)
      assert.equal(judgeAddress(`::ffff:${address}`), kind)
      const [a, b, c, d] = address.split('.').map(Number) as [number, number, number, number]
      const high = ((a << 8) | b).toString(16)
      const low = ((c << 8) | d).toString(16)
      assert.equal(judgeAddress(`::ffff:${high}:${low}`), kind)
      const throughTranslator = kind === 'public' ? 'public' : 'forbidden'
      assert.equal(judgeAddress(`64:ff9b::${high}:${low}`), throughTranslator)
      assert.equal(judgeAddress(`2002:${high}:${low}::1`), throughTranslator)
    }),
    { numRuns: 2000 },
  )
})

test('no private IPv4 range is public', () => {
  const part = fc.integer({ min: 0, max: 255 })
  fc.assert(
    fc.property(part, part, part, fc.integer({ min: 16, max: 31 }), (b, c, d, second) => {
      for (const address of [
        `10.${b}.${c}.${d}`,
        `192.168.${c}.${d}`,
        `172.${second}.${c}.${d}`,
        `169.254.${c}.${d}`,
      ]) {
        assert.equal(judgeAddress(address), 'forbidden', address)
      }
    }),
  )
})

test('an IPv6 address outside of 2000::/3 is never public on its own', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const kind = judgeAddress(address)
      const expanded = new URL(`http://[${address}]`).hostname.slice(1, -1)
      const first = Number.parseInt(expanded.split(':')[0] || '0', 16)
      const translated = first === 0 || first === 0x64
      if (!translated && (first < 0x2000 || first > 0x3fff)) assert.equal(kind, 'forbidden', address)
    }),
    { numRuns: 2000 },
  )
})
