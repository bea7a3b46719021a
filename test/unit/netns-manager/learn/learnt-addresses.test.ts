import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LearntAddresses } from '../../../../netns-manager/learn/learnt-addresses.ts';
import { type Sighting, toSighting } from '../../../../netns-manager/learn/read.ts';
import { ARP_SECONDS, LEASE_SECONDS, NO_LEASE_TIME } from '../../../../netns-manager/learn/rules.ts';
import { formatAddress, parseAddress } from '../../../../shared/net/address.ts';

const MAC = '02:16:3e:00:00:01';
const OTHER = '02:16:3e:00:00:02';
const NOW = 1_800_000_000_000;
const macs = new Set([MAC]);

const sighting = (source: Sighting['source'], address: string, given: Partial<Sighting> = {}): Sighting => ({
  mac: MAC,
  source,
  address,
  seen: NOW,
  until: NOW + 600_000,
  ...given,
});
const lease = (address: string, secondsAgo: number, seconds = 3600) =>
  sighting('dhcp', address, { seen: NOW - 1000 * secondsAgo, until: NOW + 1000 * (seconds - secondsAgo) });

test('an address is shown once, by the best source that tells of it', () => {
  const known = new LearntAddresses();
  known.note(
    [
      sighting('nd', 'fe80::1'),
      sighting('nd', 'fd00::1'),
      sighting('arp', '192.168.3.9'),
      sighting('arp', '192.168.3.7'),
      lease('192.168.3.9', 0),
    ],
    macs,
    NOW,
  );
  assert.deepEqual(known.of(MAC), [
    { address: '192.168.3.9', source: 'dhcp' },
    { address: '192.168.3.7', source: 'arp' },
    { address: 'fd00::1', source: 'nd' },
    { address: 'fe80::1', source: 'nd' },
  ]);
  assert.equal(known.leaseExpiry(MAC), NOW / 1000 + 3600);
});

test('what has run out goes; what the kernel has forgotten before its time stays', () => {
  const known = new LearntAddresses();
  known.note([sighting('arp', '192.168.3.7'), lease('192.168.3.9', 0, 60)], macs, NOW);
  known.note([], macs, NOW + 61_000);
  assert.deepEqual(known.of(MAC), [{ address: '192.168.3.7', source: 'arp' }]);
  assert.equal(known.leaseExpiry(MAC), 0);
  known.note([], macs, NOW + 600_000);
  assert.deepEqual(known.of(MAC), []);
});

test('an interface has one lease, the last, in whatever order they are read', () => {
  for (const order of [
    ['192.168.3.9', '192.168.3.50'],
    ['192.168.3.50', '192.168.3.9'],
  ]) {
    const known = new LearntAddresses();
    const leases = new Map([
      ['192.168.3.9', lease('192.168.3.9', 300)],
      ['192.168.3.50', lease('192.168.3.50', 10)],
    ]);
    for (let look = 0; look < 2; look++) {
      known.note(
        order.map(address => leases.get(address)!),
        macs,
        NOW,
      );
    }
    assert.deepEqual(known.of(MAC), [{ address: '192.168.3.50', source: 'dhcp' }]);
  }
});

test('a renewal moves the end of the lease, the rounding of the kernel does not', () => {
  const known = new LearntAddresses();
  known.note([lease('192.168.3.9', 100)], macs, NOW);
  const first = known.leaseExpiry(MAC);
  known.note([lease('192.168.3.9', 99)], macs, NOW);
  assert.equal(known.leaseExpiry(MAC), first);
  known.note([lease('192.168.3.9', 0)], macs, NOW);
  assert.equal(known.leaseExpiry(MAC), first + 100);
});

test("other MACs' addresses are not taken, and those of a MAC that goes are forgotten", () => {
  const known = new LearntAddresses();
  known.note([sighting('arp', '192.168.3.7'), sighting('arp', '192.168.3.8', { mac: OTHER })], macs, NOW);
  assert.deepEqual(known.of(OTHER), []);
  known.note([], new Set([OTHER]), NOW);
  known.note([], macs, NOW);
  assert.deepEqual(known.of(MAC), []);
});

test('of an app with very many addresses only some are shown', () => {
  const known = new LearntAddresses();
  const many = Array.from({ length: 500 }, (_, i) => sighting('arp', `10.0.${i >> 8}.${i & 255}`));
  known.note(many, macs, NOW);
  assert.equal(known.of(MAC).length, 64);
});

const element = (key: (string | number)[], expires: number) => ({ key, packets: 0, bytes: 0, expires });

test('elements are read as nft prints them: text, numbers and hexadecimal', () => {
  const cases: [Sighting['source'], (string | number)[], string, string][] = [
    ['arp', [MAC, '192.168.3.58'], MAC, '192.168.3.58'],
    ['dhcp', [2294552723457, 3232236346, 3600], MAC, '192.168.3.58'],
    ['nd', [MAC, '0xfd000003000000000000000000000005'], MAC, 'fd00:3::5'],
    ['nd', [MAC, 'fe80::1'], MAC, 'fe80::1'],
  ];
  for (const [source, key, mac, address] of cases) {
    const [found] = toSighting(element(key, 500), source, ARP_SECONDS, NOW);
    assert.deepEqual([found?.mac, found?.address], [mac, address]);
  }
});

test('a lease counts for its time, or for a day when that is not known, and never longer than it is remembered', () => {
  const until = (time: number) => {
    const key = [2294552723457, 3232236346, time];
    const [found] = toSighting(element(key, LEASE_SECONDS - 10), 'dhcp', LEASE_SECONDS, NOW);
    return (found!.until - NOW) / 1000;
  };
  assert.equal(until(3600), 3590);
  assert.equal(until(NO_LEASE_TIME), 86_390);
  assert.equal(until(0xffffffff), LEASE_SECONDS - 10);
});

test("what is no host's address is left out", () => {
  for (const address of ['0.0.0.0', '127.0.0.1', '224.0.0.251', '255.255.255.255']) {
    assert.deepEqual(toSighting(element([MAC, address], 1), 'arp', ARP_SECONDS, NOW), [], address);
  }
  for (const address of ['::', '::1', 'ff02::1', 1]) {
    assert.deepEqual(toSighting(element([MAC, address], 1), 'nd', ARP_SECONDS, NOW), [], String(address));
  }
});

test('every IPv6 address that a host can have is read as it was sent', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 2n, max: (0xffn << 120n) - 1n }), value => {
      const [found] = toSighting(element([MAC, `0x${value.toString(16)}`], 1), 'nd', ARP_SECONDS, NOW);
      assert.equal(found?.address, formatAddress({ family: 6, value }));
      assert.equal(parseAddress(found!.address)?.value, value);
    }),
  );
});
