import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cgroupMount } from '../../../../supervisor/resources/cgroup-tree.ts';

const V1 = '36 35 0:31 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory';

describe('where cgroup v2 is mounted', () => {
  for (const [title, line, expected] of [
    ['alone', '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate', '/sys/fs/cgroup'],
    ['beside v1', '37 35 0:32 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw', '/sys/fs/cgroup/unified'],
    ['not at all', '', null],
  ] as const) {
    it(title, () => assert.equal(cgroupMount(`${V1}\n${line}\n`), expected));
  }
});
