import assert from 'node:assert/strict';
import { test } from 'node:test';
import { externalAddresses, findCaller } from '../../../../netns-manager/metadata/sources.ts';
import { app, UUID1, UUID2, uplink } from '../dhcp/fixtures.ts';

test('the external addresses are the IPv4 ones of the selected uplinks', () => {
  const uplinks = [
    uplink({ addresses: ['192.168.0.2/24', '2001:db8::2/64', 'fe80::1/64', 'nonsense'] }),
    uplink({ name: 'eth1', addresses: ['10.0.0.2/8'], selected: false }),
    uplink({ name: 'eth2', addresses: ['10.0.0.3/8'] }),
  ];
  assert.deepEqual(externalAddresses(uplinks), ['192.168.0.2', '10.0.0.3']);
});

test('a caller is found by its configured address, then by its lease', () => {
  const apps = [app(), app({ appUuid: UUID2, mac: '02:16:3E:00:00:02', ipv4: '' })];
  const leases = [
    { address: '10.10.1.9', mac: '02:16:3e:00:00:02' },
    { address: '10.10.1.2', mac: '02:16:3e:00:00:02' },
    { address: '10.10.1.8', mac: '02:16:3e:00:00:08' },
  ];
  assert.deepEqual(findCaller('10.10.1.2', apps, leases), { appUuid: UUID1 });
  assert.deepEqual(findCaller('10.10.1.9', apps, leases), { appUuid: UUID2 });
  assert.equal(findCaller('10.10.1.8', apps, leases), null);
  assert.equal(findCaller('', apps, leases), null);
});
