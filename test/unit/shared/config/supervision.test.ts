import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfigText } from '../../../../shared/config/index.ts';
import { SUPERVISION_DEFAULTS } from '../../../../shared/config/supervision.ts';

const read = (supervision: unknown) => readConfigText(JSON.stringify({ supervision, networkInstances: [] }), 'c.json');

describe('supervision in the config', () => {
  it('has defaults for what is not said', () => {
    assert.deepEqual(readConfigText('networkInstances: []', 'c.yaml').config?.supervision, SUPERVISION_DEFAULTS);
    assert.deepEqual(read({ pingMisses: 9, restartDelayMax: 0.5 }).config?.supervision, {
      ...SUPERVISION_DEFAULTS,
      pingMisses: 9,
      restartDelayMax: 0.5,
    });
  });

  for (const [given, path, reason] of [
    [{ readyDeadline: 0 }, 'supervision.readyDeadline', 'is not a number of seconds from 1 to 3600'],
    [{ pingMisses: 1.5 }, 'supervision.pingMisses', 'is not a whole number from 1 to 1000'],
    [{ restartDelay: 40 }, 'supervision.restartDelayMax', 'is less than restartDelay (40)'],
    [{ pingMiss: 1 }, 'supervision.pingMiss', ''],
    [{ stopGrace: '5s' }, 'supervision.stopGrace', ''],
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
});
