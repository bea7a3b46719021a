import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { silentLog } from '../../../../shared/log/log.ts';
import { seal } from '../../../../shared/state/seal.ts';
import { StateReport } from '../../../../shared/state/state-report.ts';
import { Allocator } from '../../../../supervisor/allocate/allocator.ts';
import { InstanceTypes } from '../../../../supervisor/namespaces/instance-types.ts';
import { RootStateFile } from '../../../../supervisor/routing/state.ts';
import { keptKey } from '../../../../supervisor/state/kept-key.ts';
import { LastGoodConfig } from '../../../../supervisor/state/last-good-config.ts';
import { PortRecords } from '../../../../supervisor/switch-ports/records.ts';
import { damages } from '../../shared/state/damages.ts';

/** One of the supervisor's state files: how it comes to be, and what a start makes of it (null: nothing). */
interface Kept {
  /** Below the directory. */
  file: string;
  kind: string;
  write: (directory: string, report: StateReport) => void;
  read: (directory: string, report: StateReport) => unknown;
  /** Contents whose checksum is right but that make no sense, with what is told of them. */
  senseless: [content: string, reason: RegExp][];
}

const CONFIG = 'uplinks: [{ interface: eth0 }]\nnetworkInstances: [{ name: ni1, port: eth0, subnet: 10.1.0.0/24 }]\n';
const ROOT = { sysctls: { 'net/ipv4/ip_forward': '0' }, uplinks: { eth0: 0, eth1: 1 } };
const SNAPSHOT = {
  mac: '02:00:00:00:00:01',
  mtu: 1500,
  up: true,
  addresses: [],
  routes4: [],
  routes6: [],
  sysctls: {},
};
const RECORD = { interface: 'eth0', ni: 'ni6', isShared: false, phase: 'held', snapshot: SNAPSHOT };

const FILES: Kept[] = [
  {
    file: 'numbers.json',
    kind: 'numbers',
    write: (directory, report) => {
      const allocator = new Allocator(join(directory, 'numbers.json'), report);
      for (const ni of ['a', 'b', 'c']) allocator.instanceNumber(ni);
      allocator.appNumber('app');
      allocator.vifNumber('a', 'app', 'eth0');
    },
    read: (directory, report) => {
      const allocator = new Allocator(join(directory, 'numbers.json'), report);
      return allocator.isKnown ? ['c', 'b', 'a'].map(ni => allocator.instanceNumber(ni)) : null;
    },
    senseless: [
      ['', /JSON/],
      ['null', /instances is no table/],
      ['{"instances":[]}', /instances is no table/],
      ['{"instances":{"a":0},"apps":{},"vifs":{}}', /instances: a has 0 instead of a number from 1 on/],
      ['{"instances":{"a":1,"b":1},"apps":{},"vifs":{}}', /instances: b has 1, as another one has/],
      ['{"instances":{},"apps":{"x":"1"},"vifs":{}}', /apps: x has "1"/],
      ['{"instances":{},"apps":{},"vifs":{"a/x/1":2,"a/y/1":2}}', /vifs: a\/y\/1 has 2/],
    ],
  },
  {
    file: 'config.last-good',
    kind: 'config',
    write: (directory, report) => new LastGoodConfig(directory, report).keep(CONFIG),
    read: (directory, report) => new LastGoodConfig(directory, report).read()?.config ?? null,
    senseless: [],
  },
  {
    file: 'digest.key',
    kind: 'key',
    write: (directory, report) => keptKey(join(directory, 'digest.key'), report),
    read: (directory, report) => {
      const before = report.losses.length;
      const key = keptKey(join(directory, 'digest.key'), report).toString('hex');
      return report.losses.slice(before).some(({ outcome }) => outcome.startsWith('another key')) ? null : key;
    },
    senseless: [['abc', /no key of 32 bytes/]],
  },
  {
    file: 'root.json',
    kind: 'root-network',
    write: (directory, report) => new RootStateFile(join(directory, 'root.json'), report).save(ROOT),
    read: (directory, report) => new RootStateFile(join(directory, 'root.json'), report).load(),
    senseless: [
      ['{}', /sysctls is no table of strings/],
      ['{"sysctls":{},"uplinks":{"eth0":"x"}}', /uplinks is no table of numbers/],
    ],
  },
  {
    file: 'ports/eth0.json',
    kind: 'port',
    write: (directory, report) => new PortRecords(join(directory, 'ports'), report).save(RECORD as never),
    read: (directory, report) => new PortRecords(join(directory, 'ports'), report).get('eth0') ?? null,
    senseless: [
      [JSON.stringify({ ...RECORD, interface: 'eth1' }), /its field interface/],
      [JSON.stringify({ ...RECORD, phase: 'lost' }), /its field phase/],
      [JSON.stringify({ ...RECORD, snapshot: null }), /its field snapshot/],
    ],
  },
  {
    file: 'ns/ni1/type',
    kind: 'instance-type',
    write: (directory, report) => new InstanceTypes(join(directory, 'ns'), report).keep('ni1', 'vpn'),
    read: (directory, report) => new InstanceTypes(join(directory, 'ns'), report).read('ni1') ?? null,
    senseless: [['router', /"router" is no type of network instance/]],
  },
];

function place(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'nibox-state-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return { directory, report: new StateReport(silentLog) };
}

for (const { file, kind, write, read, senseless } of FILES) {
  describe(`the supervisor's ${file}`, () => {
    for (const damage of damages(10)) {
      test(`${damage.name}: is recovered from its backup, and without one told and done without`, t => {
        const { directory, report } = place(t);
        const path = join(directory, file);
        write(directory, report);
        const whole = read(directory, report);
        assert.notEqual(whole, null);
        damage.do(path);
        assert.deepEqual(read(directory, report), whole);
        assert.deepEqual(
          report.losses.map(loss => loss.file),
          [path],
        );
        damage.do(path);
        damage.do(`${path}.bak`);
        assert.equal(read(directory, report), null);
        for (const copy of [path, `${path}.bak`]) {
          assert.ok(report.warnings().some(text => text.startsWith(`${copy} could not be used: `)));
        }
        write(directory, report); // and the next life starts from there
        assert.notEqual(read(directory, report), null);
      });
    }

    for (const [content, reason] of senseless) {
      test(`with ${content || 'nothing'} under a right checksum is refused for what is wrong with it`, t => {
        const { directory, report } = place(t);
        write(directory, report);
        const path = join(directory, file);
        for (const copy of [path, `${path}.bak`]) writeFileSync(copy, seal(kind, 1, content));
        assert.equal(read(directory, report), null);
        assert.match(report.losses[0]!.reason, reason);
        assert.equal(readFileSync(join(path, '..', report.losses[0]!.keptAs!)).includes(content), true);
      });
    }
  });
}
