import { describe, expect, test } from 'vitest'
import { addressKey } from './address-key.ts'

describe('an address', () => {
  const cases: Record<string, { readonly address: string; readonly counts: string }> = {
    'of IPv4 counts alone': { address: '192.0.2.7', counts: '192.0.2.7' },
    'of IPv4 in IPv6 is the same one': { address: '::ffff:192.0.2.7', counts: '192.0.2.7' },
    'of IPv6 counts with its whole network': { address: '2001:db8:1:2:3:4:5:6', counts: '2001:db8:1:2::/64' },
    'however it is written': { address: '2001:0DB8:0001:0002::6', counts: '2001:db8:1:2::/64' },
    'with zeros left out in the network': { address: '2001:db8::1', counts: '2001:db8:0:0::/64' },
    'of this machine': { address: '::1', counts: '0:0:0:0::/64' },
    'with a zone': { address: 'fe80::1%eth0', counts: 'fe80:0:0:0::/64' },
    'that is none is itself': { address: 'proxy', counts: 'proxy' },
  }
  test.each(Object.entries(cases))('%s', (_, { address, counts }) => {
    expect(addressKey(address)).toBe(counts)
  })
})
