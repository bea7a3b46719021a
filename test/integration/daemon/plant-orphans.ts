import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { run } from '../../../shared/kernel/run.ts';
import { silentLog } from '../../../shared/log/log.ts';
import { StateReport } from '../../../shared/state/state-report.ts';
import { type PortRecord, PortRecords } from '../../../supervisor/switch-ports/records.ts';
import type { Device } from './device.ts';

/** An orphan that was planted: how `nibox audit` must name it. */
export interface Orphan {
  kind: string;
  name: RegExp;
}

export interface Planted {
  orphans: Orphan[];
  /** Those that the daemon's drift repair takes away by itself. */
  children: ChildProcess[];
}

/** Longer ago than the audit grants to a file that is being written. */
const OLD_SECONDS = 3_600;

/** Plants at least one of each kind by hand, in the device's namespace and below the run directory. */
export async function plantOrphans(device: Device): Promise<Planted> {
  const { prefix, world } = device;
  const runDirectory = `/run/nibox/${prefix}`;
  const children: ChildProcess[] = [];
  const inDevice = (script: string) => world.exec('device', 'sh', ['-ec', script]).then(mustSucceed);
  const inside = (ni: string, script: string) =>
    run('nsenter', [`--net=${runDirectory}/ns/${ni}/net`, '--', 'sh', '-ec', script]);

  await inDevice(`
    ip link add name ${prefix}77 type bridge
    ip link add name nbu9x99 type bridge
    ip link add name gone7 type bridge
    ip link set dev gone7 alias 'nibox ${prefix}: uplink of the switch gone'
    ip rule add priority 1000 iif ${prefix}78 lookup main
    nft add table ip nibox_${prefix}
    nft add chain inet nibox_${prefix} stranger
  `);
  const [table] = await uplinkTables(device);
  await inDevice(`
    ip rule add priority 2000 oif ${prefix}79 lookup ${table! + 2000}
    ip route add unreachable 203.0.113.0/24 table ${table! + 2000}
  `);
  await inside('ni1', `ip link add name nbu8x88 type bridge; ip link add name ${prefix}76 type bridge`);

  // A namespace with a directory as nibox makes them, and one by its name alone.
  const gone = join(runDirectory, 'ns/gone');
  const make = `mkdir ${gone} && echo 0 > ${gone}/uid && touch ${gone}/net && mount --bind /proc/self/ns/net ${gone}/net`;
  // A daemon that runs may take it away before it is whole.
  await run('unshare', ['--net', 'sh', '-c', `${make} || [ ! -e ${gone}/net ]`]);
  await run('ip', ['netns', 'add', `${prefix}-left`]);
  await run('ip', ['netns', 'exec', `${prefix}-left`, 'nft', 'add', 'table', 'inet', 'nibox']);
  await run('mount', ['--bind', `${runDirectory}/ns/ni1/net`, `${runDirectory}/ns/ni1/net`]);

  await mkdir(join(runDirectory, 'ni/left/dnsmasq'), { recursive: true });
  const half = join(runDirectory, 'root.json.new');
  await writeFile(half, '{');
  await utimes(half, Date.now() / 1000 - OLD_SECONDS, Date.now() / 1000 - OLD_SECONDS);
  await abandonSocket(join(runDirectory, 'left.sock'));
  await writeFile(join(runDirectory, 'code/0123456789abcdef.cjs'), '');
  await mkdir(join(runDirectory, 'ports'), { recursive: true });
  const snapshot = {
    mac: '02:00:00:00:00:09',
    mtu: 1500,
    up: false,
    addresses: [],
    routes4: [],
    routes6: [],
    sysctls: {},
  };
  const record: PortRecord = {
    interface: 'eth9',
    ni: 'lost',
    isShared: false,
    phase: 'held',
    snapshot: { ...snapshot, isAddressed: false },
  };
  new PortRecords(join(runDirectory, 'ports'), new StateReport(silentLog)).save(record);

  // A second dnsmasq and a second manager of ni1, a helper whose manager is gone, a dnsmasq of a network instance that is.
  const stay = (name: string, args: string[], env: NodeJS.ProcessEnv = {}) => {
    const enter = name === '' ? [] : [`--user=${runDirectory}/ns/${name}/user`, `--net=${runDirectory}/ns/${name}/net`];
    const [file = '', ...rest] = [...(name === '' ? [] : ['nsenter', ...enter, '--']), ...args];
    children.push(spawn(file, rest, { stdio: 'ignore', env: { PATH: process.env.PATH, ...env } }));
  };
  const sleeper = 'setInterval(() => {}, 1000)';
  const conf = (ni: string) => `--conf-file=${runDirectory}/ni/${ni}/dnsmasq/dnsmasq.conf`;
  stay('ni1', [process.execPath, '-e', sleeper, '--', conf('ni1')]);
  stay('ni1', [process.execPath, '-e', `process.title = 'nibox: ni1'; ${sleeper}`], {
    NIBOX_NI: `${runDirectory}/ni/ni1`,
    NIBOX_CODE: 'none',
  });
  stay('ni2', ['ip', 'monitor', 'link'], { NIBOX_NI: `${runDirectory}/ni/ni2` });
  stay('', [process.execPath, '-e', sleeper, '--', conf('left')]);

  return {
    children,
    orphans: [
      ...children.map(({ pid }) => ({ kind: 'process', name: new RegExp(`^${pid} `) })),
      { kind: 'link', name: new RegExp(`^${prefix}77 in the device$`) },
      { kind: 'link', name: /^nbu9x99 in the device$/ },
      { kind: 'link', name: /^gone7 in the device$/ },
      { kind: 'link', name: /^nbu8x88 in ni1$/ },
      { kind: 'link', name: new RegExp(`^${prefix}76 in ni1$`) },
      { kind: 'rule', name: new RegExp(`iif ${prefix}78 lookup main$`) },
      { kind: 'rule', name: new RegExp(`oif ${prefix}79 lookup ${table! + 2000}$`) },
      { kind: 'route', name: new RegExp(`^table ${table! + 2000}$`) },
      { kind: 'nft', name: new RegExp(`^table ip nibox_${prefix}$`) },
      { kind: 'nft', name: /^chain .* stranger$/ },
      { kind: 'namespace', name: /ns\/gone$/ },
      { kind: 'namespace', name: new RegExp(`/${prefix}-left$`) },
      { kind: 'mount', name: /ns\/ni1\/net$/ },
      { kind: 'file', name: /ni\/left$/ },
      { kind: 'file', name: /root\.json\.new$/ },
      { kind: 'file', name: /left\.sock$/ },
      { kind: 'code', name: /0123456789abcdef\.cjs$/ },
      { kind: 'state', name: /^record of uplink eth9$/ },
    ],
  };
}

/** Numbers of the routing tables that the prefix uses for uplinks, the smallest first. */
async function uplinkTables({ world }: Device): Promise<number[]> {
  const { stdout } = await world.exec('device', 'ip', ['-j', '-4', 'rule', 'show']);
  const rules = JSON.parse(stdout) as { priority: number; table: string }[];
  return rules
    .filter(({ priority }) => priority === 1000)
    .map(({ table }) => Number(table))
    .filter(Boolean)
    .sort((a, b) => a - b);
}

/** A socket file whose listener did not remove it. */
async function abandonSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>(done => server.listen(`${path}.x`, done));
  await run('cp', ['-a', `${path}.x`, path]);
  await new Promise(done => server.close(done));
}

function mustSucceed({ exitCode, stderr }: { exitCode: number; stderr: string }): void {
  if (exitCode !== 0) throw new Error(stderr);
}
