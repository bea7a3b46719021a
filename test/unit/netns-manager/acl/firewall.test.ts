import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Firewall, ROUTED } from '../../../../netns-manager/acl/firewall.ts';
import { CommandError } from '../../../../shared/kernel/run.ts';
import { silentLog } from '../../../../shared/log/log.ts';
import { StateReport } from '../../../../shared/state/state-report.ts';
import { ace, vif } from './builders.ts';
import { ni1 } from './scenario.ts';

test('rules that the kernel takes in no way are an error that names the VIF with most ACEs, and says what to do', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nibox-firewall-'));
  try {
    const report = new StateReport(silentLog);
    const refusing = async () => {
      throw new CommandError('nft -f -', 1, '', 'netlink: Error: Could not process rule: Message too long', 'failed');
    };
    const firewall = new Firewall(join(directory, 'ruleset.json'), report, ROUTED, refusing);
    const long = vif({ vifNumber: 2, appName: 'camera', name: 'eth1', acl: [1, 2, 3].map(id => ace(id)) });
    await assert.rejects(
      firewall.apply({ ...ni1, vifs: [vif({ acl: [ace(1)] }), long] }),
      /longest ACL is that of camera\/eth1 with 3 ACEs\. Remedy: take fewer ACEs .* or a higher net\.core\.wmem_default/,
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});
