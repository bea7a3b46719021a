import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Firewall } from '../../../../netns-manager/acl/firewall.ts';
import { Dnsmasq } from '../../../../netns-manager/dhcp/dnsmasq.ts';
import { CharonProcess } from '../../../../netns-manager/ipsec/charon-process.ts';
import { LoadedTunnels } from '../../../../netns-manager/ipsec/loaded-tunnels.ts';
import { silentLog } from '../../../../shared/log/log.ts';
import { seal } from '../../../../shared/state/seal.ts';
import { StateReport } from '../../../../shared/state/state-report.ts';
import { damages } from '../../shared/state/damages.ts';

/** One of a manager's state files and what reads it at a start. None of the processes that they tell of runs. */
interface Kept {
  file: string;
  kind: string;
  content: object;
  read: (directory: string, report: StateReport) => unknown;
  senseless: [content: string, reason: RegExp][];
}

const charon = { pid: 4_194_000, startTime: 1 };
const options = (directory: string, report: StateReport) => ({
  ...{ directory, report, log: silentLog, logFile: join(directory, 'log') },
  onExit: () => {},
});

const FILES: Kept[] = [
  {
    file: 'ruleset.json',
    kind: 'ruleset',
    content: {
      ni: '',
      vifs: [],
      hostAddresses: [],
      bridge: 'br',
      uplinkDevice: 'uplink',
      ruleset: {},
      fingerprint: '',
    },
    read: (directory, report) => new Firewall(join(directory, 'ruleset.json'), report),
    senseless: [
      ['{}', /string|iterable|undefined/],
      ['7', /string|iterable|undefined/],
    ],
  },
  {
    file: 'dnsmasq.state',
    kind: 'dnsmasq',
    content: { ...charon, conf: 'a', files: 'b' },
    read: (directory, report) => new Dnsmasq(options(directory, report)).adopt(),
    senseless: [
      ['{}', /does not tell of a dnsmasq/],
      ['null', /does not tell of a dnsmasq/],
      [JSON.stringify({ ...charon, pid: -1, conf: '', files: '' }), /does not tell of a dnsmasq/],
    ],
  },
  {
    file: 'charon.state',
    kind: 'charon',
    content: { ...charon, backend: 'kernel-netlink' },
    read: (directory, report) => new CharonProcess(options(directory, report)).adopt(),
    senseless: [[JSON.stringify({ ...charon, backend: 'none' }), /does not tell of a charon/]],
  },
  {
    file: 'charon.loaded',
    kind: 'tunnels',
    content: { ...charon, tunnels: { office: { digest: 'a', keys: [], hasCertificates: false } } },
    read: (directory, report) => LoadedTunnels.read(directory, charon, report),
    senseless: [
      [JSON.stringify({ ...charon, tunnels: { office: null } }), /does not tell of a charon and its tunnels/],
      [JSON.stringify(charon), /does not tell of a charon and its tunnels/],
    ],
  },
];

for (const { file, kind, content, read, senseless } of FILES) {
  describe(`a manager's ${file}`, () => {
    const sealed = seal(kind, 1, JSON.stringify(content));
    const inDirectory = async (work: (path: string, report: StateReport) => Promise<void>) => {
      const directory = mkdtempSync(join(tmpdir(), 'nibox-state-'));
      mkdirSync(directory, { recursive: true });
      try {
        await work(join(directory, file), new StateReport(silentLog));
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    };

    test('that is whole is read without a word', () =>
      inDirectory(async (path, report) => {
        for (const copy of [path, `${path}.bak`]) writeFileSync(copy, sealed);
        await read(join(path, '..'), report);
        assert.deepEqual(report.warnings(), []);
      }));

    for (const damage of damages(8)) {
      test(`${damage.name}: never keeps a manager from starting, and is told`, () =>
        inDirectory(async (path, report) => {
          for (const copy of [path, `${path}.bak`]) writeFileSync(copy, sealed);
          damage.do(path);
          await read(join(path, '..'), report);
          assert.equal(report.losses[0]?.outcome, 'its backup is used');
          damage.do(path);
          damage.do(`${path}.bak`);
          await read(join(path, '..'), report);
          assert.deepEqual(
            report.losses.map(loss => loss.file),
            [path, path, `${path}.bak`],
          );
        }));
    }

    for (const [bad, reason] of senseless) {
      test(`with ${bad} under a right checksum is refused for what is wrong with it`, () =>
        inDirectory(async (path, report) => {
          for (const copy of [path, `${path}.bak`]) writeFileSync(copy, seal(kind, 1, bad));
          await read(join(path, '..'), report);
          assert.equal(report.losses.length, 2);
          assert.match(report.losses[0]!.reason, reason);
        }));
    }
  });
}
