import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isIpChange, isNftChange } from '../../../../netns-manager/observe/kernel-lines.ts';

for (const [line, isChange] of [
  ['4: v0@v1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state UP ', true],
  ['2: br0    inet 10.0.0.1/24 scope global br0', true],
  ['Deleted default via 169.254.64.1 dev uplink ', true],
  ['220:	not from all fwmark 0x42 lookup 220', true],
  ['inet all forwarding off ', true],
  ['dev v0 lladdr 02:00:00:00:00:01 NOARP ', true],
  ['Deleted dev v0 lladdr 02:00:00:00:00:01 NOARP ', true],
  ['dev eth3 lladdr 02:00:00:00:00:02 REACHABLE ', false],
  ['Deleted dev eth3 lladdr 02:00:00:00:00:02 STALE ', false],
  ['10.0.0.2 dev br0 lladdr 02:00:00:00:00:03 STALE ', false],
  ['10.0.0.2 dev br0  FAILED ', false],
  ['fe80::1 dev br0 lladdr 02:00:00:00:00:03 router REACHABLE ', false],
] as const) {
  test(`\`${line.trim()}\` is ${isChange ? 'a change' : 'traffic'}`, () => assert.equal(isIpChange(line), isChange));
}

for (const [line, isChange] of [
  ['add rule inet nibox prerouting accept', true],
  ['delete table inet nibox', true],
  ['add element inet nibox vif_macs { 02:00:00:00:00:01 }', true],
  ['add element inet nibox host4_0123456789abcdef { 198.51.100.10 }', false],
  ['# new generation 12 by process 77 (dnsmasq)', false],
] as const) {
  test(`\`${line}\` is ${isChange ? 'a change' : 'none'}`, () => assert.equal(isNftChange(line), isChange));
}
