import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfigText } from '../../../../shared/config/index.ts';
import type { DeviceConfig } from '../../../../shared/config/model.ts';
import { configChanges, touchedInstances } from '../../../../supervisor/intent/config-changes.ts';

const base = {
  networkInstances: [
    { name: 'ni1', subnet: '10.10.1.0/24' },
    { name: 'ni2', subnet: '10.10.2.0/24' },
  ],
  apps: [{ name: 'app1', interfaces: [{ networkInstance: 'ni1' }, { networkInstance: 'ni2' }] }],
};

function read(document: object): DeviceConfig {
  const { config, issues } = readConfigText(JSON.stringify(document));
  assert.deepEqual(issues, []);
  return config!;
}

for (const [title, document, changes, touched] of [
  ['the same', {}, [], []],
  [
    'a network instance more',
    { networkInstances: [...base.networkInstances, { name: 'ni3', subnet: '10.1.0.0/24' }] },
    ['create network instance ni3 (local)'],
    ['ni3'],
  ],
  [
    'another MTU',
    { networkInstances: [{ ...base.networkInstances[0], mtu: 1400 }, base.networkInstances[1]] },
    ['change network instance ni1'],
    ['ni1'],
  ],
  [
    'a network instance and its apps less',
    { networkInstances: base.networkInstances.slice(1), apps: [] },
    ['remove network instance ni1', 'remove app app1'],
    ['ni1', 'ni2'],
  ],
  ['an app more', { apps: [...base.apps, { name: 'app2' }] }, ['add app app2'], []],
  [
    'another ACL on one interface',
    {
      apps: [
        {
          name: 'app1',
          interfaces: [{ networkInstance: 'ni1' }, { networkInstance: 'ni2', acl: [{ ip: '10.0.0.0/8' }] }],
        },
      ],
    },
    ['change app app1: interface to ni2'],
    ['ni1', 'ni2'],
  ],
  ['an app at rest', { apps: [{ ...base.apps[0], activate: false }] }, ['change app app1'], ['ni1', 'ni2']],
  ['uplinks', { uplinks: [{ interface: 'eth7' }] }, ['change uplinks'], null],
  ['a name of the device', { device: { name: 'edge' } }, ["change the device's identity"], null],
  [
    'what is the device’s as a whole',
    {
      transitPool: '169.254.0.0/20',
      uidBase: 300_000,
      userNamespaces: false,
      forwardBetweenUplinks: true,
      supervision: { pingMisses: 9 },
      resources: { memoryMax: 500 },
    },
    [
      'change network instance ni1',
      'change network instance ni2',
      'change transitPool: transit addresses',
      'change uidBase, for network instances that are made from now on',
      'change userNamespaces, for network instances that are made from now on',
      'change forwardBetweenUplinks',
      'change supervision: how managers are watched and restarted',
      'change resources: what the supervisor and managers may take',
    ],
    null,
  ],
] as const) {
  test(`changes from one config to another: ${title}`, () => {
    const [before, after] = [read(base), read({ ...base, ...document })];
    assert.deepEqual(configChanges(before, after), changes);
    assert.deepEqual(touchedInstances(before, after), touched && new Set(touched));
  });
}
