import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide, type Found, type Step, type WantedPort } from '../../../../supervisor/switch-ports/decide.ts';
import { deviceEnd, portMac } from '../../../../supervisor/switch-ports/names.ts';
import type { PortRecord } from '../../../../supervisor/switch-ports/records.ts';

const snapshot = {
  mac: '',
  mtu: 1500,
  up: true,
  addresses: [],
  routes4: [],
  routes6: [],
  sysctls: {},
  isAddressed: true,
};
const wanted = (given: Partial<WantedPort> = {}): WantedPort => ({
  ni: 'ni6',
  interface: 'eth0',
  isRoutedToo: false,
  isReady: true,
  ...given,
});
const record = (given: Partial<PortRecord> = {}): PortRecord => ({
  interface: 'eth0',
  ni: 'ni6',
  isShared: true,
  phase: 'held',
  snapshot,
  ...given,
});
const found = (onDevice: Found['onDevice'], inSwitch = false): Found => ({ onDevice, inSwitch });

const cases: [what: string, WantedPort, PortRecord | undefined, Found, Step][] = [
  ['absent', wanted(), undefined, found('nothing'), 'wait'],
  ['there, no bridge yet', wanted({ isReady: false }), undefined, found('interface'), 'wait for the manager'],
  ['there', wanted(), undefined, found('interface'), 'take'],
  ['in place', wanted(), record(), found('stand-in', true), 'keep'],
  ['in place, without stand-in', wanted(), record({ isShared: false }), found('nothing', true), 'keep'],
  [
    'in place, and something else has its name',
    wanted(),
    record({ isShared: false }),
    found('interface', true),
    'keep',
  ],
  ['now routed too', wanted({ isRoutedToo: true }), record({ isShared: false }), found('nothing', true), 'finish'],
  ['crashed before the stand-in', wanted(), record({ phase: 'taking' }), found('nothing', true), 'finish'],
  ['crashed within the stand-in', wanted(), record({ phase: 'taking' }), found('interface', true), 'finish'],
  ['crashed before its addresses', wanted(), record({ phase: 'taking' }), found('stand-in', true), 'finish'],
  ['crashed before the move', wanted(), record({ phase: 'taking' }), found('interface'), 'take'],
  ['stand-in deleted', wanted(), record(), found('nothing', true), 'finish'],
  ['name taken by something else', wanted(), record(), found('interface', true), 'blocked'],
  ['pulled out', wanted(), record(), found('stand-in'), 'clear'],
  ['pulled out, cleared', wanted(), record(), found('nothing'), 'wait'],
  ['back again', wanted(), record(), found('interface'), 'take'],
  ['on its way back', wanted(), record({ phase: 'returning' }), found('nothing', true), 'give back'],
  ["another switch's", wanted({ ni: 'ni7' }), record(), found('stand-in', true), 'give back'],
];
for (const [what, port, before, where, step] of cases) {
  test(`an uplink that is ${what}: ${step}`, () => assert.equal(decide(port, before, where), step));
}

test('nothing is taken while the manager has no bridge for it', () => {
  const anyRecord = fc.option(
    fc
      .record({ isShared: fc.boolean(), phase: fc.constantFrom('taking', 'held', 'returning') })
      .map(given => record(given as never)),
    { nil: undefined },
  );
  const where = fc.record({ onDevice: fc.constantFrom('nothing', 'interface', 'stand-in'), inSwitch: fc.boolean() });
  fc.assert(
    fc.property(anyRecord, where, fc.boolean(), (before, place, isRoutedToo) => {
      assert.notEqual(decide(wanted({ isReady: false, isRoutedToo }), before, place as Found), 'take');
    }),
  );
});

test('names of device ends are short enough, and differ for different uplinks', () => {
  const name = fc.stringMatching(/^[a-z0-9.]{1,15}$/);
  fc.assert(
    fc.property(name, name, (a, b) => {
      assert.ok(deviceEnd(a).length <= 15);
      assert.equal(deviceEnd(a) === deviceEnd(b), a === b);
    }),
  );
  assert.equal(deviceEnd('eth0'), 'eth0-dev');
});

test('the MAC in between is locally administered, of one interface, and always the same', () => {
  const mac = fc
    .array(fc.nat({ max: 255 }), { minLength: 6, maxLength: 6 })
    .map(bytes => bytes.map(byte => byte.toString(16).padStart(2, '0')).join(':'));
  fc.assert(
    fc.property(mac, own => {
      assert.match(portMac(own), /^02(:[0-9a-f]{2}){5}$/);
      assert.equal(portMac(own), portMac(own.toUpperCase()));
    }),
  );
});
