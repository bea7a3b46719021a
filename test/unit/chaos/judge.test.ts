import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DownloadEnd } from '../../chaos/agent/messages.ts';
import { Cuts } from '../../chaos/judge/cuts.ts';
import { type Blamed, FlowJudge } from '../../chaos/judge/flow-judge.ts';
import { difference } from '../../chaos/judge/inventory.ts';
import { type Findings, judge } from '../../chaos/judge/report.ts';
import { summarize } from '../../chaos/judge/summary.ts';
import type { ActionRecord } from '../../chaos/judge/ward.ts';

const broken = (networkInstance: string, ended: number): DownloadEnd => ({
  ...{ kind: 'download', networkInstance, began: ended - 9_000, ended, established: true },
  ...{ bytes: 100, longestGap: 100, problem: 'read ECONNRESET' },
});
const action = (change: Partial<ActionRecord> = {}): ActionRecord => ({
  ...{ at: 0, kind: 'SIGKILL manager', effect: 'death', target: 'ni1', affects: ['ni1'], detail: '' },
  ...{ healthyAfter: 500, settledAfter: 500, isIdle: false, isOverlapped: false, seen: [] },
  ...change,
});
const good: Findings = {
  ...{ seed: 1, minutes: 1, actions: [action()], brokenFlows: [], pingGaps: [], changedLeases: [], complaints: [] },
  downloads: { complete: 5, bytes: 1, brokenInCuts: 0, longestGap: 0, longestGapInCuts: 0 },
  pings: { sent: 1, answered: 1, lost: {} },
  ...{ lookups: { answered: 1, failed: 0 }, renewals: { answered: 1, unanswered: 0 } },
  clearText: { packets: [], sawControl: true, missed: 0 },
  healthyWithin: 5,
  ...{ audit: null, leaks: [], supervisorCrashes: [], healthyAfterLast: 1_000 },
};

test('a flow that breaks in a cut of its network instance is counted apart, in another one it is lost', () => {
  const cuts = new Cuts();
  const flows = new FlowJudge(cuts, []);
  cuts.begin(['ni1'], 10_000)(12_000);
  flows.download(broken('ni1', 11_000));
  flows.download(broken('ni2', 11_000));
  assert.equal(flows.downloads.brokenInCuts, 1);
  assert.deepEqual(
    flows.broken.map(({ networkInstance }) => networkInstance),
    ['ni2'],
  );
});

test('a cut excuses as long again as it took, and no longer', () => {
  const cuts = new Cuts();
  cuts.begin(['ni1'], 10_000)(20_000);
  assert.equal(cuts.excusesFlow('ni1', 34_000, 0), true);
  assert.equal(cuts.excusesFlow('ni1', 36_000, 0), false);
  assert.equal(cuts.excusesFlow('ni1', 9_000, 0), false);
  assert.equal(cuts.excusesFlow('ni1', 60_000, 60_000), true, 'it had heard nothing since');
  assert.equal(cuts.excusesPing('ni1', 21_000), true);
  assert.equal(cuts.excusesPing('ni1', 22_000), false);
});

test('a cut that is never repaired excuses for ever: that it is not repaired is a fault of its own', () => {
  const cuts = new Cuts();
  cuts.begin(['ni1'], 10_000);
  assert.equal(cuts.excusesFlow('ni1', 1e9, 0), true);
});

test('a lost flow tells what had been done to its network instance before', () => {
  const deeds: Blamed[] = [
    { at: 5_000, kind: 'restart', target: 'ni1', affects: ['ni1'] },
    { at: 5_500, kind: 'SIGKILL manager', target: 'ni2', affects: ['ni2'] },
  ];
  const flows = new FlowJudge(new Cuts(), deeds);
  flows.download(broken('ni1', 6_000));
  assert.deepEqual(flows.broken[0]!.after, ['1.0 s before: restart ni1']);
});

test('lost pings are put down to cuts, to the last action before, or to nothing', () => {
  const cuts = new Cuts();
  cuts.begin(['ni1'], 10_000)(11_000);
  const flows = new FlowJudge(cuts, [{ at: 20_000, kind: 'restart', target: 'ni1', affects: ['ni1'] }]);
  for (const at of [10_500, 20_100, 20_110, 40_000]) flows.ping('ni1', { at });
  assert.deepEqual(Object.fromEntries(flows.lostPings), { cuts: 1, restart: 2, nothing: 1 });
  assert.deepEqual(
    flows.pingGaps.map(({ from, count }) => [from, count]),
    [
      [20_100, 2],
      [40_000, 1],
    ],
  );
});

test('the summary of a kind has the times of those alone and of all, and how many were late or never healthy', () => {
  const times = Array.from({ length: 100 }, (_, index) => (index + 1) * 10);
  const records = [
    ...times.map(time => action({ healthyAfter: time, settledAfter: time })),
    action({ isOverlapped: true, healthyAfter: 40_000, settledAfter: 2_000 }),
    action({ isOverlapped: true, healthyAfter: 41_000, settledAfter: 31_000 }),
    action({ isOverlapped: true, healthyAfter: null, settledAfter: null }),
    action({ isIdle: true }),
  ];
  assert.deepEqual(summarize(records), [
    {
      ...{ kind: 'SIGKILL manager', effect: 'death', count: 103, late: 2 },
      alone: { count: 100, median: 500, p99: 990, most: 1_000 },
      all: { count: 103, median: 510, p99: 40_000, most: 41_000 },
    },
  ]);
});

test('a run is good when nothing is wrong', () => {
  assert.deepEqual(judge(good).faults, []);
});

const bad: [string, Partial<Findings>, RegExp][] = [
  ['nothing was done', { actions: [action({ isIdle: true })] }, /nothing was done/],
  ['an action was never healed', { actions: [action({ settledAfter: null })] }, /1 actions were not healthy/],
  [
    'packets went in clear',
    {
      clearText: {
        packets: [{ device: 'dev1', direction: 'in', source: 'a', destination: 'b' }],
        sawControl: true,
        missed: 0,
      },
    },
    /1 packets in clear/,
  ],
  ['the capture is blind', { clearText: { packets: [], sawControl: false, missed: 0 } }, /did not see/],
  ['something is left', { leaks: ['+ link'] }, /1 differences/],
  ['the audit finds something', { audit: ['a link'] }, /audit/],
  ['the supervisor crashed', { supervisorCrashes: ['ENOSPC'] }, /ended 1 times/],
  ['a lease changed', { changedLeases: ['ni1'] }, /1 leases/],
  ['it is healthy too late', { healthyAfterLast: 5_001 }, /not healthy within 5 s/],
  ['it is never healthy', { healthyAfterLast: null }, /not healthy within 5 s/],
];
for (const [what, change, fault] of bad) {
  test(`a run is bad when ${what}`, () => {
    const { faults } = judge({ ...good, ...change });
    assert.equal(faults.length, 1);
    assert.match(faults[0]!, fault);
  });
}

test('an inventory differs by what came and what went, each as often as it did', () => {
  assert.deepEqual(difference(['a', 'b', 'b'], ['b', 'c']), ['+ c', '- a', '- b']);
});
