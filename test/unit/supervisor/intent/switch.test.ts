import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readConfigText } from '../../../../shared/config/index.ts';
import type { DeviceConfig } from '../../../../shared/config/model.ts';
import { silentLog } from '../../../../shared/log/log.ts';
import { StateReport } from '../../../../shared/state/state-report.ts';
import { Allocator } from '../../../../supervisor/allocate/allocator.ts';
import { instanceIntents, rootInstance } from '../../../../supervisor/intent/intents.ts';
import { rootUplinks, wantedPorts } from '../../../../supervisor/intent/switch.ts';
import type { Uplink } from '../../../../supervisor/uplinks/observe.ts';

const directory = mkdtempSync(join(tmpdir(), 'nibox-intent-'));
after(() => rmSync(directory, { recursive: true }));

function read(networkInstances: object[]): DeviceConfig {
  const { config, issues } = readConfigText(
    JSON.stringify({
      uplinks: [
        { interface: 'eth0', labels: ['plant'] },
        { interface: 'eth1', labels: ['plant'] },
        { interface: 'eth2', labels: [] },
      ],
      networkInstances,
      apps: [{ name: 'app1', interfaces: [{ networkInstance: 'sw', mac: '02:16:3e:00:00:01', accessVlan: 7 }] }],
    }),
  );
  assert.deepEqual(issues, []);
  return config!;
}
const uplinksOf = (config: DeviceConfig, given: Partial<Uplink>[] = []): Uplink[] =>
  config.uplinks.map((uplink, index) => ({
    config: uplink,
    interface: uplink.interface,
    exists: true,
    isMoved: false,
    up: true,
    mtu: 1500,
    addresses: [`192.168.${index}.2/24`],
    dnsServers: [],
    ...given[index],
  }));
const intentsOf = (config: DeviceConfig, uplinks: Uplink[]) =>
  instanceIntents(
    config,
    config.networkInstances,
    uplinks,
    new Allocator(join(directory, 'numbers'), new StateReport(silentLog)),
    {
      prefix: 'nb',
      digestKey: new Uint8Array(32),
    },
  );

const onOne = { name: 'sw', type: 'switch', port: 'eth0', mtu: 9000 };
const onTwo = { name: 'sw', type: 'switch', port: 'plant' };
const local = (port: string) => ({ name: 'lan', port, subnet: '10.1.0.0/24' });

test('a switch is told its ports, whether they are there or not, and gets neither transit link nor rules on the device', () => {
  const config = read([onTwo]);
  const [intent] = intentsOf(config, uplinksOf(config, [{}, { exists: false }]));
  assert.deepEqual(intent!.config.ports, [
    { name: 'eth0', deviceEnd: 'eth0-dev' },
    { name: 'eth1', deviceEnd: 'eth1-dev' },
  ]);
  assert.equal(intent!.config.transit, null);
  assert.equal(rootInstance(intent!, '/run/netns/nb-sw').uplink, undefined);
  assert.equal(intent!.vifs[0]!.message.accessVlan, 7);
});

test('the MTU of a switch is what fits through every port that is there', () => {
  const config = read([onOne]);
  const mtu = (given: Partial<Uplink>) => intentsOf(config, uplinksOf(config, [given]))[0]!.config.mtu;
  assert.equal(mtu({ mtu: 1400 }), 1400);
  assert.equal(mtu({ mtu: 9216 }), 9000);
  assert.equal(mtu({ mtu: 1400, exists: false }), 9000);
});

test('a switch wants all uplinks of its label; those that a routed network instance may use too are told', () => {
  const wanted = (...networkInstances: object[]) => {
    const config = read(networkInstances);
    const ports = wantedPorts(config, config.networkInstances, ni => ni === 'sw');
    return ports.map(({ interface: name, isRoutedToo, isReady }) => `${name} ${isRoutedToo} ${isReady}`);
  };
  assert.deepEqual(wanted(onTwo), ['eth0 false true', 'eth1 false true']);
  assert.deepEqual(wanted(onOne, local('eth0')), ['eth0 true true']);
  assert.deepEqual(wanted(onOne, local('eth2')), ['eth0 false true']);
  assert.deepEqual(wanted(onOne, local('all')), ['eth0 true true']);
  assert.deepEqual(
    wantedPorts(read([onOne]), [], () => true),
    [],
  );
});

test('the device routes over no uplink that has moved away, and knows the apps behind one that it shares', () => {
  const config = read([onOne]);
  const uplinks = uplinksOf(config, [{}, { isMoved: true }, { exists: false }]);
  assert.deepEqual(rootUplinks(uplinks, intentsOf(config, uplinks)), [
    { interface: 'eth0', addresses: ['192.168.0.2/24'], appMacs: ['02:16:3e:00:00:01'] },
  ]);
});
