import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cidrContains, formatAddress, lastAddress, parseAddress, parseCidr } from '../../../../shared/net/address.ts';
import { read, readValid } from './expect.ts';

type Json = Record<string, unknown>;

const networkOf = (ni: Json, family: 'ipv4' | 'ipv6' = 'ipv4') =>
  read({ networkInstances: [{ name: 'ni1', ...ni }] }).config!.networkInstances[0]![family];

describe('addresses of a network instance', () => {
  const rows: [string, Json, [string, string, string]][] = [
    ['the upper half of a large subnet', { subnet: '10.10.1.0/24' }, ['10.10.1.1', '10.10.1.128', '10.10.1.254']],
    ['the upper half of 16 addresses', { subnet: '10.10.1.0/28' }, ['10.10.1.1', '10.10.1.8', '10.10.1.14']],
    ['all but the gateway of 8 addresses', { subnet: '10.10.1.0/29' }, ['10.10.1.1', '10.10.1.2', '10.10.1.6']],
    ['the one address of the smallest subnet', { subnet: '10.10.1.0/30' }, ['10.10.1.1', '10.10.1.2', '10.10.1.2']],
    ['no more than 256 addresses', { subnet: '10.0.0.0/8' }, ['10.0.0.1', '10.128.0.0', '10.128.0.255']],
    [
      'everything up to an end that was given',
      { subnet: '10.10.1.0/24', dhcpRange: { end: '10.10.1.99' } },
      ['10.10.1.1', '10.10.1.2', '10.10.1.99'],
    ],
    [
      'everything from a start that was given',
      { subnet: '10.10.1.0/24', dhcpRange: { start: '10.10.1.200' } },
      ['10.10.1.1', '10.10.1.200', '10.10.1.254'],
    ],
    [
      'the range that was given',
      { subnet: '10.10.1.0/24', gateway: '10.10.1.254', dhcpRange: { start: '10.10.1.2', end: '10.10.1.253' } },
      ['10.10.1.254', '10.10.1.2', '10.10.1.253'],
    ],
    [
      'what lies below a gateway at the end',
      { subnet: '10.10.1.0/24', gateway: '10.10.1.254' },
      ['10.10.1.254', '10.10.1.128', '10.10.1.253'],
    ],
    [
      'the larger part beside a gateway in the middle',
      { subnet: '10.10.1.0/24', gateway: '10.10.1.150' },
      ['10.10.1.150', '10.10.1.151', '10.10.1.254'],
    ],
    [
      'the address below a gateway that took the only other one',
      { subnet: '10.10.1.0/30', gateway: '10.10.1.2' },
      ['10.10.1.2', '10.10.1.1', '10.10.1.1'],
    ],
    [
      'what lies below a gateway when the start was given',
      { subnet: '10.10.1.0/24', gateway: '10.10.1.100', dhcpRange: { start: '10.10.1.2' } },
      ['10.10.1.100', '10.10.1.2', '10.10.1.99'],
    ],
    [
      'what lies above a gateway when the end was given',
      { subnet: '10.10.1.0/24', gateway: '10.10.1.50', dhcpRange: { end: '10.10.1.99' } },
      ['10.10.1.50', '10.10.1.51', '10.10.1.99'],
    ],
  ];
  for (const [title, ni, expected] of rows) {
    it(`gives apps ${title}`, () => {
      const network = readValid({ networkInstances: [{ name: 'ni1', ...ni }] }).networkInstances[0]!.ipv4!;
      assert.deepEqual([network.gateway, network.rangeStart, network.rangeEnd], expected);
    });
  }

  it('has a readable range in a roomy IPv6 subnet', () => {
    assert.deepEqual(networkOf({ subnet6: 'FD00:0:0:1::/64' }, 'ipv6'), {
      subnet: 'fd00:0:0:1::/64',
      gateway: 'fd00:0:0:1::1',
      rangeStart: 'fd00:0:0:1::100',
      rangeEnd: 'fd00:0:0:1::1ff',
    });
  });

  const adjusted: [string, Json, string, string][] = [
    ['the network address as start', { dhcpRange: { start: '10.10.1.0', end: '10.10.1.9' } }, '10.10.1.2', '10.10.1.9'],
    ['the gateway as start', { dhcpRange: { start: '10.10.1.1', end: '10.10.1.9' } }, '10.10.1.2', '10.10.1.9'],
    [
      'the broadcast address as end',
      { dhcpRange: { start: '10.10.1.9', end: '10.10.1.255' } },
      '10.10.1.9',
      '10.10.1.254',
    ],
    ['host bits in the subnet', { subnet: '10.10.1.7/24' }, '10.10.1.128', '10.10.1.254'],
    [
      'a range of more than 256 addresses',
      { subnet: '10.10.0.0/16', dhcpRange: { start: '10.10.1.0', end: '10.10.9.0' } },
      '10.10.1.0',
      '10.10.1.255',
    ],
  ];
  for (const [title, ni, start, end] of adjusted) {
    it(`corrects ${title}, and says so`, () => {
      const { config, issues } = read({ networkInstances: [{ name: 'ni1', subnet: '10.10.1.0/24', ...ni }] });
      const network = config!.networkInstances[0]!.ipv4!;
      assert.deepEqual([network.rangeStart, network.rangeEnd], [start, end]);
      assert.ok(issues.length > 0 && issues.every(issue => issue.scope === 'warning'));
    });
  }

  it('always is a range inside the subnet without network, gateway and broadcast, or an error', () => {
    const address = fc.tuple(fc.integer({ min: 0, max: 300 }), fc.boolean());
    const property = fc.property(
      fc.boolean(),
      fc.integer({ min: 0, max: 24 }),
      fc.option(address),
      fc.option(address),
      fc.option(address),
      (isV6, hostBits, gateway, start, end) => {
        const cidr = parseCidr(isV6 ? `fd00:1::/${128 - hostBits}` : `10.0.0.0/${32 - hostBits}`)!;
        const at = (place: [number, boolean] | null) => {
          if (!place) return undefined;
          const base = place[1] ? lastAddress(cidr).value - BigInt(place[0]) : cidr.value + BigInt(place[0]);
          return formatAddress({ family: cidr.family, value: base });
        };
        const subnet = `${formatAddress(cidr)}/${cidr.prefixLength}`;
        const range = { start: at(start), end: at(end) };
        const ni = isV6
          ? { subnet6: subnet, gateway6: at(gateway), dhcpRange6: range }
          : { subnet, gateway: at(gateway), dhcpRange: range };
        const { config } = read({ networkInstances: [{ name: 'ni1', ...ni }] });
        const built = config!.networkInstances[0]!;
        const network = isV6 ? built.ipv6 : built.ipv4;
        assert.equal(network === undefined, built.issues.length > 0);
        if (!gateway && !start && !end && hostBits >= 2) assert.ok(network, 'defaults always work');
        if (!network) return;
        const [from, to, via] = [network.rangeStart, network.rangeEnd, network.gateway].map(
          text => parseAddress(text)!,
        );
        for (const one of [from!, to!, via!]) {
          assert.ok(cidrContains(cidr, one) && one.value !== cidr.value);
          if (!isV6) assert.notEqual(one.value, lastAddress(cidr).value);
        }
        assert.ok(from!.value <= to!.value && to!.value - from!.value <= 255n);
        assert.ok(via!.value < from!.value || via!.value > to!.value);
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });
});
