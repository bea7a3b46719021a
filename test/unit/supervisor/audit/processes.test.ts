import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Owned } from '../../../../supervisor/audit/owned.ts';
import type { ProcessFacts } from '../../../../supervisor/audit/process-table.ts';
import { findProcesses } from '../../../../supervisor/audit/processes.ts';

const RUN = '/run/nibox/tx';
const NETNS = 4_026_530_001;
const owned: Owned = {
  prefix: 'tx',
  runDirectory: RUN,
  stateDirectory: '/var/lib/nibox/tx',
  instances: new Map([
    [
      'ni1',
      {
        name: 'ni1',
        number: 1,
        hasTransit: true,
        vifs: new Set<string>(),
        processes: { manager: 10, dnsmasq: 20, charon: null },
      },
    ],
  ]),
  uplinks: new Set(),
  apps: new Set(),
  code: new Set(),
  since: 0,
};
const conf = (ni: string) => `--conf-file=${RUN}/ni/${ni}/dnsmasq/dnsmasq.conf`;
const mark = `${RUN}/ni/ni1`;

function process(pid: number, given: Partial<ProcessFacts>): ProcessFacts {
  const facts = {
    startTime: 1,
    parent: 1,
    uid: 200_000,
    netns: NETNS,
    isApart: true,
    argv: ['x'],
    mark: null,
    code: null,
  };
  return { pid, ...facts, ageSeconds: 100, ...given };
}

const inService = [
  process(10, { argv: ['nibox: ni1'], mark }),
  process(11, { argv: ['ip', 'monitor'], mark, parent: 10 }),
  process(20, { argv: ['dnsmasq', conf('ni1')], mark }),
  process(21, { argv: ['dnsmasq', conf('ni1')], mark, parent: 20 }),
];

for (const [title, stranger, why] of [
  ['a second manager', process(30, { argv: ['nibox: ni1'] }), /second manager/],
  ['a second dnsmasq', process(30, { argv: ['dnsmasq', conf('ni1')] }), /second dnsmasq/],
  ['a helper whose manager has ended', process(30, { argv: ['nft', 'monitor'], mark }), /has ended/],
  [
    'a dnsmasq of an instance that is gone',
    process(30, { argv: ['dnsmasq', conf('ni9')], netns: 7 }),
    /no network instance ni9/,
  ],
  ['a child of an instance whose namespace is another by now', process(30, { mark, netns: 7 }), /no longer has/],
] as const) {
  test(`${title} has no owner`, () => {
    const found = findProcesses(owned, new Map([['ni1', NETNS]]), [...inService, stranger]);
    assert.deepEqual(
      found.map(({ name }) => name.split(' ')[0]),
      ['30'],
    );
    assert.match(found[0]!.why, why);
  });
}

for (const [title, stranger] of [
  ['one that starts at this moment', process(30, { argv: ['nibox: ni1'], mark, ageSeconds: 1 })],
  ['one of that name in another namespace', process(30, { argv: ['nibox: ni1'], netns: 7 })],
  ['one of that name on the device', process(30, { argv: ['nibox: ni1'], isApart: false })],
  ["somebody's program in the namespace", process(30, { argv: ['ip', 'monitor'] })],
  ['one that looks into a file of the instance', process(30, { argv: ['tail', '-f', `${RUN}/ni/ni1/dnsmasq/leases`] })],
  ["another nibox's", process(30, { mark: '/run/nibox/ty/ni/ni1' })],
] as const) {
  test(`${title} is left alone`, () => {
    assert.deepEqual(findProcesses(owned, new Map([['ni1', NETNS]]), [...inService, stranger]), []);
  });
}

test('while nobody can say which process is in service none is judged', () => {
  const instances = new Map([['ni1', { ...owned.instances.get('ni1')!, processes: null }]]);
  const two = [...inService, process(30, { argv: ['nibox: ni1'], mark })];
  assert.deepEqual(findProcesses({ ...owned, instances }, new Map([['ni1', NETNS]]), two), []);
});

test('beside a dnsmasq that is told but does not run none is the second', () => {
  const [manager, helper] = inService;
  const other = process(30, { argv: ['dnsmasq', conf('ni1')], mark });
  assert.deepEqual(findProcesses(owned, new Map([['ni1', NETNS]]), [manager!, helper!, other]), []);
});
