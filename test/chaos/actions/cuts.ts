import { setTimeout as sleep } from 'node:timers/promises';
import { instances, type Ni, type Uplink, uplinks, withDnsmasq, withTunnel } from '../device/layout.ts';
import { type ActionKind, type Deed, type Field, itself } from './action.ts';

/** Milliseconds that an uplink is down. */
const FLAP_MS = { least: 50, most: 1_500 };

/** Lines of a command in a namespace. */
async function lines({ device }: Field, place: string, ...command: string[]): Promise<string[]> {
  const [file = '', ...args] = command;
  const { stdout } = await device.world.exec(place, file, args);
  return stdout.split('\n').filter(line => line.trim() !== '');
}

/** Takes out one of the lines that a listing shows, and sees it there again when the listing shows it. */
function takeOut(
  name: string,
  {
    weight,
    targets,
    list,
    remove,
  }: {
    weight: number;
    targets: readonly Ni[];
    list: (ni: Ni) => string[];
    /** `ip` arguments that delete what a line shows; null: not that one. */
    remove: (line: string) => string[] | null;
  },
): ActionKind {
  return {
    name,
    effect: 'cut',
    weight,
    targets,
    affects: itself,
    perform: async (field, target, random) => {
      const ni = target as Ni;
      const candidates = (await lines(field, ni, ...list(ni))).filter(line => remove(line) !== null);
      if (candidates.length === 0) return null;
      const line = random.pick(candidates);
      const { exitCode } = await field.device.world.exec(ni, 'ip', remove(line)!);
      if (exitCode !== 0) return null;
      return {
        detail: line.trim(),
        isUndone: async () => (await lines(field, ni, ...list(ni))).includes(line),
      };
    },
  };
}

const routed = withDnsmasq;
/** Name of a link in `ip -o link`, without its peer; indices change. */
const linkNames = ['sh', '-c', "ip -o link | sed -E 's/^[0-9]+: ([^:@]+).*/\\1/'"];

const instanceCuts: ActionKind[] = [
  {
    name: 'flush ruleset',
    effect: 'cut',
    weight: 3,
    targets: instances,
    affects: itself,
    perform: async (field, ni) => {
      const before = (await lines(field, ni, 'nft', 'list', 'tables')).length;
      if (before === 0) return null;
      await field.device.world.exec(ni, 'nft', ['flush', 'ruleset']);
      return {
        detail: `${before} tables`,
        isUndone: async () => (await lines(field, ni, 'nft', 'list', 'tables')).length >= before,
      };
    },
  },
  takeOut('delete link', {
    weight: 3,
    targets: instances,
    list: () => linkNames,
    remove: line => (/^(br|uplink|nbu\w+)$/.test(line) ? ['link', 'del', 'dev', line] : null),
  }),
  takeOut('delete route', {
    weight: 2,
    targets: routed,
    list: () => ['ip', '-4', 'route'],
    remove: line => (line.includes('proto kernel') ? null : ['route', 'del', ...line.trim().split(/\s+/)]),
  }),
  takeOut('delete rule', {
    weight: 1,
    targets: withTunnel,
    list: () => ['ip', 'rule'],
    remove: line => {
      // Not charon's own, to a table behind all others that nothing is in: it leads nowhere, and comes back with charon only.
      const preference = /^(\d+):.* lookup 220$/.exec(line.trim())?.[1];
      return preference === undefined ? null : ['rule', 'del', 'preference', preference];
    },
  }),
  takeOut('delete address', {
    weight: 2,
    targets: routed,
    list: () => ['sh', '-c', "ip -o -4 addr | awk '{print $2, $4}'"],
    remove: line => {
      const [device = '', address = ''] = line.split(' ');
      return ['br', 'uplink'].includes(device) ? ['addr', 'del', address, 'dev', device] : null;
    },
  }),
];

/** In the root namespace: what belongs to nibox there. */
const rootCuts: ActionKind[] = [
  {
    name: 'delete root table',
    effect: 'cut',
    weight: 6,
    targets: ['device'],
    affects: () => instances,
    perform: async (field, _, random) => {
      const [table] = (await lines(field, 'device', 'nft', 'list', 'tables')).filter(line => line.includes('nibox_'));
      if (!table) return null;
      const how = random.pick(['delete', 'flush']);
      const rules = () => lines(field, 'device', 'nft', '-s', 'list', ...table.split(' '));
      const before = (await rules()).length;
      await field.device.world.exec('device', 'nft', [how, ...table.split(' ')]);
      return { detail: `${how} ${table}`, isUndone: async () => (await rules()).length >= before };
    },
  },
  rootLine('delete root rule', ['ip', 'rule'], /^\d+:\s*from all [io]if (?!lo)/, line => {
    const [, preference, way, device] = /^(\d+):\s*from all ([io]if) (\S+)/.exec(line)!;
    return ['rule', 'del', 'preference', preference!, way!, device!];
  }),
  rootLine('delete root route', ['ip', '-4', 'route', 'show', 'table', 'all'], /^(default|\d\S+) .*table \d+/, line => [
    'route',
    'del',
    ...line.trim().split(/\s+/),
  ]),
  rootLine('delete transit link', linkNames, /^c[a-z]{4}\d+$/, line => ['link', 'del', 'dev', line]),
];

function rootLine(name: string, list: string[], isOurs: RegExp, remove: (line: string) => string[]): ActionKind {
  return {
    name,
    effect: 'cut',
    weight: 3,
    targets: ['device'],
    affects: () => instances,
    perform: async (field, _, random): Promise<Deed | null> => {
      const candidates = (await lines(field, 'device', ...list)).filter(line => isOurs.test(line));
      if (candidates.length === 0) return null;
      const line = random.pick(candidates);
      const { exitCode } = await field.device.world.exec('device', 'ip', remove(line));
      if (exitCode !== 0) return null;
      return { detail: line.trim(), isUndone: async () => (await lines(field, 'device', ...list)).includes(line) };
    },
  };
}

/** An uplink goes down and comes back: the cable, or the interface itself, whose default route the device's own network manager sets again. */
const flap: ActionKind = {
  name: 'flap uplink',
  effect: 'cut',
  weight: 4,
  targets: Object.keys(uplinks),
  affects: target => uplinks[target as Uplink],
  isAlone: true,
  perform: async ({ device: { world } }, target, random) => {
    const number = Number(target.at(-1));
    // eth3 is inside the switch.
    const isCable = target === 'eth3' || random.chance(0.5);
    const [place, link] = isCable ? ['gw', `dev${number}`] : ['device', target];
    const duration = random.between(FLAP_MS.least, FLAP_MS.most);
    await world.exec(place, 'ip', ['link', 'set', 'dev', link, 'down']);
    await sleep(duration);
    await world.exec(place, 'ip', ['link', 'set', 'dev', link, 'up']);
    if (!isCable) {
      const route = ['route', 'replace', 'default', 'via', `192.168.${number}.1`, 'dev', target];
      await world.exec('device', 'ip', [...route, 'metric', String(100 + number)]);
    }
    return { detail: `${isCable ? `cable at ${link}` : target} down for ${duration} ms`, isUndone: () => true };
  },
};

export const cuts: ActionKind[] = [...instanceCuts, ...rootCuts, flap];
