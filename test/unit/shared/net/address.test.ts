import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addressAt,
  addressCount,
  canonicalAddress,
  canonicalCidr,
  cidrContains,
  cidrsOverlap,
  compareAddresses,
  formatAddress,
  formatCidr,
  lastAddress,
  parseAddress,
  parseCidr,
  parseHostAddress,
  parsePrefix,
} from '../../../../shared/net/address.ts';

const anyAddress = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map(value => ({ family: 4 as const, value })),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map(value => ({ family: 6 as const, value })),
);

describe('addresses', () => {
  const canonical: [string, string | null][] = [
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['256.0.0.1', null],
    ['10.0.0', null],
    ['10.0.0.01', null],
    ['0x7f.0.0.1', null],
    ['', null],
    [' 10.0.0.1', null],
    ['FD00:0:0::1', 'fd00::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['1.2.3.4::', null],
    ['1:2:3:4:5:6:7:8:9', null],
    ['1:2:3:4:5:6:7::8', null],
    ['1::2::3', null],
    [':::', null],
    [':1', null],
    ['fe80::1%eth0', null],
    ['12345::', null],
    ['::g', null],
  ];
  for (const [text, expected] of canonical) {
    it(`writes ${JSON.stringify(text)} as ${expected}`, () => assert.equal(canonicalAddress(text), expected));
  }

  it('reads back what it writes, in the family that it had', () => {
    fc.assert(fc.property(anyAddress, address => assert.deepEqual(parseAddress(formatAddress(address)), address)));
  });

  it('agrees with node:net about what an address is', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'0123456789abF:.'.split('')), maxLength: 20 });
    fc.assert(
      fc.property(noise, text => assert.equal(parseAddress(text) !== null, isIPv4(text) || isIPv6(text))),
      { numRuns: 5000 },
    );
  });

  it('orders IPv4 before IPv6 and each by value', () => {
    const sorted = ['::1', '10.0.0.2', '9.0.0.1', '::'].map(text => parseAddress(text)!).sort(compareAddresses);
    assert.deepEqual(sorted.map(formatAddress), ['9.0.0.1', '10.0.0.2', '::', '::1']);
  });
});

describe('prefixes', () => {
  const canonical: [string, string | null][] = [
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.0.0.1/32', '10.0.0.1/32'],
    ['10.0.0.1/33', null],
    ['10.0.0.1/', null],
    ['10.0.0.1/08', null],
    ['10.0.0.1/-1', null],
    ['10.0.0.1', null],
    ['10.0.0.0/8/8', null],
    ['fd00::1/64', 'fd00::/64'],
    ['::/129', null],
  ];
  for (const [text, expected] of canonical) {
    it(`writes ${JSON.stringify(text)} as ${expected}`, () => assert.equal(canonicalCidr(text), expected));
  }

  it('keep the address beside the network in a host address', () => {
    const host = parseHostAddress('192.168.0.2/24')!;
    assert.equal(formatAddress(host.address), '192.168.0.2');
    assert.equal(formatCidr(host.network), '192.168.0.0/24');
  });

  it('take a bare address as a prefix of full length where that is asked for', () => {
    assert.equal(formatCidr(parsePrefix('10.0.0.1')!), '10.0.0.1/32');
    assert.equal(formatCidr(parsePrefix('fd00::1')!), 'fd00::1/128');
    assert.equal(formatCidr(parsePrefix('10.0.0.1/24')!), '10.0.0.0/24');
  });

  it('count, reach and contain their own addresses and no others', () => {
    const cidr = parseCidr('10.10.1.0/24')!;
    assert.equal(addressCount(cidr), 256n);
    assert.equal(addressAt(cidr, 1n), '10.10.1.1');
    assert.equal(formatAddress(lastAddress(cidr)), '10.10.1.255');
    assert.ok(cidrContains(cidr, parseAddress('10.10.1.255')!));
    assert.ok(!cidrContains(cidr, parseAddress('10.10.2.0')!));
    assert.ok(!cidrContains(cidr, parseAddress('::a0a:101')!));
    assert.throws(() => addressAt(cidr, 256n), RangeError);
    assert.throws(() => addressAt(cidr, -1n), RangeError);
  });

  it('overlap exactly when one contains the other', () => {
    assert.ok(cidrsOverlap(parseCidr('10.0.0.0/8')!, parseCidr('10.1.0.0/16')!));
    assert.ok(cidrsOverlap(parseCidr('10.1.0.0/16')!, parseCidr('10.0.0.0/8')!));
    assert.ok(!cidrsOverlap(parseCidr('10.0.0.0/16')!, parseCidr('10.1.0.0/16')!));
  });

  it('contain the address they were cut from, at every length', () => {
    fc.assert(
      fc.property(anyAddress, fc.nat(128), (address, length) => {
        const cidr = parseCidr(`${formatAddress(address)}/${length}`);
        if (length > (address.family === 4 ? 32 : 128)) return assert.equal(cidr, null);
        assert.ok(cidrContains(cidr!, address));
        assert.deepEqual(parseCidr(formatCidr(cidr!)), cidr);
      }),
    );
  });
});
