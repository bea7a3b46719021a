import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfigText } from '../../../../shared/config/index.ts';
import { RESOURCE_DEFAULTS } from '../../../../shared/config/resources.ts';

const read = (resources: unknown, own?: unknown) =>
  readConfigText(
    JSON.stringify({
      ...(resources !== undefined && { resources }),
      networkInstances: [{ name: 'ni1', subnet: '10.10.1.0/24', ...(own !== undefined && { resources: own }) }],
    }),
    'c.json',
  );

describe('resources in the config', () => {
  it('has defaults, those of the device for each network instance, and its own before them', () => {
    assert.deepEqual(read(undefined).config?.networkInstances[0]?.resources, RESOURCE_DEFAULTS);
    const { config } = read({ memoryMax: 500, logSize: 64 }, { logSize: 32 });
    assert.deepEqual(config?.resources, { ...RESOURCE_DEFAULTS, memoryMax: 500, logSize: 64 });
    assert.deepEqual(config?.networkInstances[0]?.resources, { ...RESOURCE_DEFAULTS, memoryMax: 500, logSize: 32 });
  });

  it('lowers memoryHigh with memoryMax when only that is given', () => {
    assert.equal(read({ memoryMax: 100 }).config?.resources.memoryHigh, 100);
  });

  for (const [given, path, reason] of [
    [{ memoryMax: 8 }, 'resources.memoryMax', 'is not a whole number of MiB from 16 to 1048576'],
    [{ pidsMax: 64.5 }, 'resources.pidsMax', 'is not a whole number of processes from 32 to 4194304'],
    [{ memoryHigh: 400, memoryMax: 300 }, 'resources.memoryHigh', 'is more than memoryMax (300)'],
    [{ memory: 400 }, 'resources.memory', ''],
    [{ logSize: '1M' }, 'resources.logSize', ''],
  ] as const) {
    it(`refuses ${JSON.stringify(given)} with the field, the value and a remedy`, () => {
      const { config, issues } = read(given);
      assert.equal(config, undefined);
      const issue = issues.find(one => one.path === path);
      assert.ok(issue, JSON.stringify(issues));
      assert.ok(issue.reason.includes(reason), issue.reason);
      assert.ok(issue.remedy);
    });
  }

  it('refuses a network instance alone for limits of its own that make no sense', () => {
    const { config, issues } = read({}, { pidsMax: 1 });
    assert.equal(config?.networkInstances[0]?.issues.length, 1);
    assert.equal(issues[0]?.path, 'networkInstances[0].resources.pidsMax');
  });
});
