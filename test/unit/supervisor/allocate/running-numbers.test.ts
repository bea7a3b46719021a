import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLog } from '../../../../shared/log/log.ts';
import { StateReport } from '../../../../shared/state/state-report.ts';
import { Allocator } from '../../../../supervisor/allocate/allocator.ts';
import { parseVifs } from '../../../../supervisor/allocate/running-numbers.ts';
import { TableNumbers } from '../../../../supervisor/routing/tables.ts';

function allocatorOf(t: TestContext): Allocator {
  const directory = mkdtempSync(join(tmpdir(), 'nibox-numbers-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return new Allocator(join(directory, 'numbers.json'), new StateReport(silentLog));
}

test('VIF numbers are read off the rules, app numbers off the bridge, or on a switch off the rules', () => {
  const rules = `
    chain receiver {
      ether daddr vmap { 02:16:3e:00:00:01 : goto to_1, 02:16:3e:00:00:02 : goto to_9 }
    }
    iifname "br" ether saddr vmap { 02:16:3e:00:00:01 : goto vif_3,
         02:16:3e:00:00:02 : goto vif_12 }
    iifname . ether saddr vmap { "nbu2x17" . 02:16:3e:00:00:06 : goto vif_1 }`;
  const fdb = `02:16:3e:00:00:01 dev nbu1x4 master br static
33:33:00:00:00:01 dev nbu1x4 self permanent
aa:00:00:00:00:01 dev nbu1x5 vlan 1 master br permanent`;
  assert.deepEqual(
    [...parseVifs(rules, fdb)],
    [
      ['02:16:3e:00:00:01', { number: 3, app: 4 }],
      ['02:16:3e:00:00:02', { number: 12, app: null }],
      ['02:16:3e:00:00:06', { number: 1, app: 17 }],
    ],
  );
});

test('a number that was learnt is kept, others go around it, and what another one has is not believed', t => {
  const allocator = allocatorOf(t);
  assert.equal(allocator.isKnown, false);
  assert.equal(allocator.learn('instances', 'b', 1), true);
  assert.equal(allocator.learn('instances', 'b', 1), true);
  assert.equal(allocator.learn('instances', 'b', 2), false);
  assert.equal(allocator.learn('instances', 'c', 1), false, "it is b's");
  for (const number of [0, -1, 1.5, Number.NaN]) assert.equal(allocator.learn('apps', 'x', number), false);
  assert.equal(allocator.learn('vifs', 'b/x/eth0', 1), true);
  assert.equal(allocator.learn('vifs', 'c/x/eth0', 1), true, 'another network instance counts for itself');
  assert.equal(allocator.learn('vifs', 'b/y/eth0', 1), false);
  assert.deepEqual(
    ['a', 'b', 'c'].map(ni => allocator.instanceNumber(ni)),
    [2, 1, 3],
  );
  assert.equal(allocator.vifNumber('b', 'y', 'eth0'), 2);
});

test('routing tables of uplinks are read off their routes', () => {
  const before = new TableNumbers('nb', {});
  for (const uplink of ['eth0', 'eth1', 'eth2']) before.indexOf(uplink);
  const table = (uplink: string) => String(before.ofUplink(uplink));
  const after = new TableNumbers('nb', {});
  after.learn([
    { dst: 'default', dev: 'eth9', table: 'main' },
    { type: 'unreachable', dst: 'default', table: table('eth0') },
    { type: 'local', dst: '169.254.64.1', dev: 'nb1', table: table('eth2') },
    { dst: 'default', dev: 'eth2', table: table('eth2') },
    { dst: '192.168.1.0/24', dev: 'eth1', table: table('eth1') },
    { dst: '10.0.0.0/24', dev: 'nb1', table: String(before.ofInstance(1)) },
  ]);
  assert.deepEqual(after.uplinks, { eth2: 2, eth1: 1 });
  assert.equal(after.indexOf('eth0'), 0, 'the one that no route tells of gets what is free');
});
