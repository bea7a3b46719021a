import { readdir, readFile, readlink } from 'node:fs/promises';
import type { World } from '../world/index.ts';
import { members } from '../world/index.ts';
import {
  isAlive,
  listPids,
  namespaceInode,
  namespacesOf,
  type ProcessId,
  processesIn,
  startTime,
} from '../world/proc.ts';
import { readRecords } from '../world/processes.ts';
import type { Result } from './run.ts';

/** Processes of nibox, noted while it ran: when the namespaces are gone there is nothing to find them by. */
export interface NiboxTraces {
  processes: ProcessId[];
}

export interface StoppedOptions {
  traces?: NiboxTraces;
  /** nibox's run directory; default `/run/nibox/<prefix>`. */
  runDirectory?: string;
}

/** Notes what runs in nibox's namespaces, and in the device's beside what the world itself put there. Call before the stop. */
export async function noteTraces(world: World): Promise<NiboxTraces> {
  const own = world.namespace('');
  const names = (await namespacesOf(world.prefix)).filter(name => !isMember(name.slice(own.length)));
  const inodes = (await Promise.all(names.map(namespaceInode))).filter(inode => inode !== undefined);
  const inside = await processesIn(new Set(inodes));
  return {
    processes: [...inside, ...(await strangersOnDevice(world))].map(({ pid, startTime }) => ({ pid, startTime })),
  };
}

/** C30: looks from outside whether nibox has left anything in the world or on the host. */
export async function checkStopped(world: World, options: StoppedOptions = {}): Promise<Result> {
  // Before the other looks: they run programs in the device's namespace themselves.
  const processes = await leftProcesses(world, options);
  const looks = [
    leftNamespaces(world),
    leftLinks(world),
    leftRules(world, '-4', ['0', '32766', '32767']),
    leftRules(world, '-6', ['0', '32766']),
    leftRoutes(world),
    leftTables(world),
    leftForwarding(world),
    leftFiles(options.runDirectory ?? `/run/nibox/${world.prefix}`),
  ];
  const left = [...processes, ...(await Promise.all(looks)).flat()];
  return {
    id: 'C30',
    title: 'after the stop nothing of nibox is left',
    ok: left.length === 0,
    detail: left.length === 0 ? 'no namespace, link, rule, route, table, process or file' : `left: ${sayLeft(left)}`,
    status: left.length === 0 ? 'ok' : 'failed',
  };
}

/** The first of them say what is wrong; a nibox that did not stop at all leaves a hundred. */
function sayLeft(left: readonly string[]): string {
  const most = 12;
  return left.length <= most ? left.join('; ') : `${left.slice(0, most).join('; ')}; and ${left.length - most} more`;
}

const isMember = (name: string) => (members as readonly string[]).includes(name);

async function leftNamespaces(world: World): Promise<string[]> {
  const own = world.namespace('');
  const names = await namespacesOf(world.prefix);
  return names.filter(name => !isMember(name.slice(own.length))).map(name => `namespace ${name}`);
}

/** Links of kinds that nibox makes; the kernel puts tunnels of its own into each namespace (tunl0, sit0). */
async function leftLinks(world: World): Promise<string[]> {
  const owned: Record<string, RegExp> = { device: /^(lo|eth[0-3])$/ };
  const namespaces = ['device', ...members.filter(name => name.startsWith('app'))];
  const found = namespaces.map(async name => {
    const links = (await json(world, name, ['-d', 'link', 'show'])) as {
      ifname: string;
      linkinfo?: { info_kind?: string };
    }[];
    return links
      .filter(({ ifname, linkinfo }) => made.includes(linkinfo?.info_kind ?? '') && !owned[name]?.test(ifname))
      .map(({ ifname }) => `link ${ifname} in ${world.namespace(name)}`);
  });
  return (await Promise.all(found)).flat();
}

const made = ['veth', 'bridge', 'tun', 'ifb', 'dummy', 'vlan', 'macvlan', 'vrf', 'vxlan'];

/** A namespace begins with the kernel's rules and must end with them. */
async function leftRules(world: World, family: '-4' | '-6', kernels: string[]): Promise<string[]> {
  const rules = (await json(world, 'device', [family, 'rule', 'show'])) as { priority: number; table?: string }[];
  const priorities = rules.map(({ priority }) => String(priority)).sort((a, b) => Number(a) - Number(b));
  if (priorities.join() === kernels.join()) return [];
  return [`ip ${family} rules ${priorities.join(', ')} instead of ${kernels.join(', ')}`];
}

async function leftRoutes(world: World): Promise<string[]> {
  const families = (['-4', '-6'] as const).map(async family => {
    const routes = (await json(world, 'device', [family, 'route', 'show', 'table', 'all'])) as {
      dst: string;
      dev?: string;
      table?: string;
    }[];
    return routes
      .filter(
        ({ table, dev = 'lo' }) =>
          !['main', 'local', 'default', undefined].includes(table) || !/^(lo|eth[0-3])$/.test(dev),
      )
      .map(({ dst, dev, table }) => `route ${dst}${dev ? ` dev ${dev}` : ''} in table ${table ?? 'main'}`);
  });
  return (await Promise.all(families)).flat();
}

async function leftTables(world: World): Promise<string[]> {
  const { stdout } = await world.exec('device', 'nft', ['list', 'tables']);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map(table => `nft ${table}`);
}

async function leftForwarding(world: World): Promise<string[]> {
  const { stdout } = await world.exec('device', 'cat', ['/proc/sys/net/ipv4/ip_forward']);
  return stdout.trim() === '0' ? [] : ['ip_forward is still on in the device'];
}

async function leftProcesses(world: World, { traces, runDirectory }: StoppedOptions): Promise<string[]> {
  const noted = traces?.processes ?? [];
  const alive = await Promise.all(noted.map(isAlive));
  const candidates = [
    ...noted.filter((_, index) => alive[index]),
    ...(await strangersOnDevice(world)),
    ...(await usersOf(runDirectory ?? `/run/nibox/${world.prefix}`)),
  ];
  const unique = [...new Set(candidates.map(({ pid }) => pid))].filter(pid => pid !== process.pid);
  return Promise.all(unique.map(async pid => `process ${pid} (${await commandOf(pid)})`));
}

/** Processes in the device's namespace that the world did not put there. */
async function strangersOnDevice(world: World): Promise<ProcessId[]> {
  const inode = await namespaceInode(world.namespace('device'));
  if (!inode) return [];
  const known = (await readRecords(world.runDirectory))
    .filter(({ name }) => name !== 'supervisor')
    .map(({ pid }) => pid);
  return (await processesIn(new Set([inode]))).filter(({ pid }) => !known.includes(pid));
}

/** Processes that name a directory in their arguments or hold a file of it open. */
async function usersOf(directory: string): Promise<ProcessId[]> {
  const inside = (path: string) => path === directory || path.startsWith(`${directory}/`);
  const found = await Promise.all(
    (await listPids()).map(async pid => {
      const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
      const open = await Promise.all(fds.map(fd => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
      const start = [...args, ...open].some(inside) ? await startTime(pid) : undefined;
      return start ? [{ pid, startTime: start }] : [];
    }),
  );
  return found.flat();
}

async function leftFiles(directory: string): Promise<string[]> {
  const files = await readdir(directory, { recursive: true }).catch(() => undefined);
  return files === undefined ? [] : [`${directory}${files.length > 0 ? ` with ${files.slice(0, 5).join(', ')}` : ''}`];
}

async function commandOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.replaceAll('\0', ' ').trim() || 'gone by now';
}

async function json(world: World, name: string, args: readonly string[]): Promise<unknown> {
  const { stdout, stderr, exitCode } = await world.exec(name, 'ip', ['-j', ...args]);
  if (exitCode !== 0) throw new Error(`ip ${args.join(' ')} in ${world.namespace(name)}: ${stderr.trim()}`);
  return JSON.parse(stdout || '[]');
}
