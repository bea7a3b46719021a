import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { RESOURCE_DEFAULTS } from '../../../shared/config/resources.ts';
import { CgroupTree } from '../../../supervisor/resources/cgroup-tree.ts';
import type { Case } from './case.ts';

const MEMORY_MAX = 32;
const TOP = '/sys/fs/cgroup/nibox-vmtest';

/** What the ordinary tests' machine has no controllers for. */
export const cgroupCases: readonly Case[] = [
  {
    title: 'a network instance’s group ends who takes too much memory, and nobody else',
    see: async () => {
      const tree = CgroupTree.open('vmtest');
      assert.ok(tree instanceof CgroupTree, JSON.stringify(tree));
      tree.ensure('greedy', { ...RESOURCE_DEFAULTS, memoryHigh: MEMORY_MAX, memoryMax: MEMORY_MAX });
      tree.ensure('modest', RESOURCE_DEFAULTS);
      const greedy = spawn('sh', ['-c', 'read go; exec tail /dev/zero'], { stdio: ['pipe', 'ignore', 'ignore'] });
      const modest = spawn('sleep', ['3600']);
      tree.admit('greedy', greedy.pid!);
      tree.admit('modest', modest.pid!);
      assert.equal(readFileSync(`${TOP}/greedy/memory.max`, 'utf8'), `${MEMORY_MAX << 20}\n`);
      assert.equal(readFileSync(`${TOP}/greedy/pids.max`, 'utf8'), `${RESOURCE_DEFAULTS.pidsMax}\n`);
      greedy.stdin.end('go\n');
      const [, signal] = await once(greedy, 'exit');
      assert.equal(signal, 'SIGKILL');
      assert.equal(tree.memoryKills('greedy'), 1);
      assert.equal(tree.memoryKills('modest'), 0);
      assert.equal(modest.exitCode, null);
      modest.kill('SIGKILL');
      for (const name of ['greedy', 'modest']) await tree.remove(name);
      tree.close();
      assert.equal(existsSync(TOP), false, 'nothing is left');
      return 'killed at 32 MiB';
    },
  },
];
