import type { NetworkInstanceReport } from '../../../supervisor/api/contract.ts';
import { instances, type Ni, withDnsmasq, withTunnel } from '../device/layout.ts';
import { isGoing, livesIn, pidsOf, type Role, send } from '../device/processes.ts';
import type { Random } from '../random.ts';
import { type ActionKind, type Deed, type Field, itself } from './action.ts';

type Blow = 'SIGKILL' | 'SIGSEGV' | 'SIGSTOP';
/** How often, beside each other: a hang is repaired more slowly than a death. */
const blows: Readonly<Record<Blow, number>> = { SIGKILL: 5, SIGSEGV: 2, SIGSTOP: 1 };

const knownPid: Partial<Record<Role, (report: NetworkInstanceReport) => number | null>> = {
  manager: report => report.manager.pid,
  dnsmasq: report => report.dnsmasqPid,
  charon: report => report.vpn?.charonPid ?? null,
};

/** Signals to what runs for one NI. A tunnel's keys die with charon: that is a cut. */
export const processDeaths: ActionKind[] = (
  [
    ['manager', instances, 3],
    ['dnsmasq', withDnsmasq, 1.5],
    ['conntrack', withDnsmasq, 1],
    ['charon', withTunnel, 1],
  ] as const
).flatMap(([role, targets, weight]) =>
  Object.entries(blows).map(([blow, share]) => ({
    name: `${blow} ${role}`,
    effect: role === 'charon' ? 'cut' : 'death',
    weight: weight * share,
    targets,
    affects: itself,
    perform: (field: Field, target: string, random: Random) => strike(field, target as Ni, role, blow as Blow, random),
  })),
);

async function strike(field: Field, ni: Ni, role: Role, blow: Blow, random: Random): Promise<Deed | null> {
  const pid = await find(field, ni, role, random);
  if (pid === null || !send(pid, blow)) return null;
  return {
    detail: `pid ${pid}`,
    isUndone: async ({ status }) => {
      if (blow === 'SIGSTOP' && (await isGoing(pid))) return true;
      const now = knownPid[role];
      if (now) {
        const report = status.networkInstances.find(({ name }) => name === ni);
        const other = report ? now(report) : null;
        return other !== null && other !== 0 && other !== pid;
      }
      return (await pidsOf(field.device, ni, role)).some(other => other !== pid);
    },
  };
}

/** By the status if that is fresh enough to be true, else by a look at all processes. */
async function find({ device, observer }: Field, ni: Ni, role: Role, random: Random): Promise<number | null> {
  const report = observer.instance(ni);
  const known = report && knownPid[role]?.(report);
  if (known && (await livesIn(device, ni, known))) return known;
  const pids = await pidsOf(device, ni, role);
  return pids.length > 0 ? random.pick(pids) : null;
}

/** Signals to the supervisor. Who hangs is ended by the watchdog. */
export const supervisorDeaths: ActionKind[] = Object.entries(blows).map(([blow, share]) => ({
  name: `${blow} supervisor`,
  effect: 'death',
  weight: share,
  targets: ['supervisor'],
  affects: () => instances,
  perform: async ({ device: { keeper } }) => {
    const { pid } = keeper;
    const isDone = blow === 'SIGSTOP' ? keeper.hang() : keeper.kill(blow as NodeJS.Signals);
    if (!isDone) return null;
    return { detail: `pid ${pid}`, isUndone: ({ status }) => status.supervisor.pid !== pid };
  },
}));

/** All at once: the data plane stands alone. */
export const everyDeath: ActionKind = {
  name: 'SIGKILL all managers, dnsmasqs and the supervisor',
  effect: 'death',
  weight: 0.7,
  targets: ['supervisor'],
  affects: () => instances,
  perform: async ({ device }) => {
    const roles = ['manager', 'dnsmasq', 'conntrack'] as const;
    const pids = (await Promise.all(instances.flatMap(ni => roles.map(role => pidsOf(device, ni, role))))).flat();
    const { pid } = device.keeper;
    device.keeper.kill('SIGKILL');
    const dead = new Set(pids.filter(one => send(one, 'SIGKILL')));
    return {
      detail: `${dead.size + 1} processes`,
      isUndone: ({ status }) =>
        status.supervisor.pid !== pid &&
        status.networkInstances.every(
          ({ manager, dnsmasqPid }) => manager.pid !== null && !dead.has(manager.pid) && !dead.has(dnsmasqPid),
        ),
    };
  },
};

/** `nibox restart`. */
export const restarts: ActionKind = {
  name: 'restart',
  effect: 'death',
  weight: 4,
  targets: instances,
  affects: itself,
  perform: async ({ device: { api }, observer }, target) => {
    const was = observer.instance(target)?.manager.pid;
    const refused = await api.restart(target).then(
      () => null,
      (error: Error) => error.message,
    );
    // The supervisor may be dead at this moment, or die over it.
    if (refused !== null) return { detail: `not done: ${refused}`, isUndone: () => true };
    return {
      detail: `pid ${was}`,
      isUndone: ({ status }) =>
        status.networkInstances.some(({ name, manager }) => name === target && manager.pid !== was),
    };
  },
};
