import { CommandError, type RunOptions, run } from '../../shared/kernel/run.ts';
import { writeSysctls } from '../routing/sysctls.ts';
import type { InterfaceSnapshot, IpLink } from './snapshot.ts';

/** A network namespace, as real root sees it. */
export interface Place {
  run: typeof run;
  /** For `ip link set netns`. */
  path: string;
}

/** The place behind a namespace's file. */
export function placeAt(path: string): Place {
  return { path, run: entering(['nsenter', `--net=${path}`, '--']) };
}

/** `run` with a command in front. */
export function entering(prefix: readonly string[]): typeof run {
  return (file, args, options?: RunOptions) => {
    const [program = file, ...rest] = [...prefix, file, ...args];
    return run(program, rest, options);
  };
}

/** The interfaces of a place, by name. */
export async function readLinks(place: Place): Promise<Map<string, IpLink>> {
  const links = JSON.parse((await place.run('ip', ['-j', '-d', 'addr', 'show'])) || '[]') as Partial<IpLink>[];
  // `ip -j addr show` prints empty objects for links that its filter left out.
  const found = links.filter((link): link is IpLink => link.ifname !== undefined);
  return new Map(found.map(link => [link.ifname, link]));
}

/** Runs lines one after the other and stops at the first that fails. */
export async function batch(place: Place, lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await place.run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** Puts what was saved on an interface by that name. Goes on after failures; gives what they were. */
export async function restore(place: Place, device: string, snapshot: InterfaceSnapshot): Promise<string[]> {
  const { mac, mtu, up, addresses, routes4, routes6, sysctls } = snapshot;
  const link = (await readLinks(place)).get(device);
  const problems = await writeSysctls(place.run, sysctls);
  const lines = [
    // Only where it differs: not every driver can set a MAC.
    ...(link?.address === mac ? [] : [`link set dev ${device} address ${mac}`]),
    ...(link?.mtu === mtu ? [] : [`link set dev ${device} mtu ${mtu}`]),
    ...(up ? [`link set dev ${device} up`] : []),
    ...addresses,
  ];
  problems.push(...(await tryBatch(place, [], lines)));
  problems.push(...(await tryBatch(place, ['-4'], routes4)));
  problems.push(...(await tryBatch(place, ['-6'], routes6)));
  return problems.map(problem => `${device}: ${problem}`);
}

/** All at once; if that fails, one by one: a line that `ip` can't even parse ends a batch, and the others must not suffer. */
async function tryBatch(place: Place, flags: readonly string[], lines: readonly string[]): Promise<string[]> {
  if (lines.length === 0) return [];
  const all = await attempt(place.run('ip', [...flags, '-batch', '-'], { input: `${lines.join('\n')}\n` }));
  if (all === null) return [];
  const problems: string[] = [];
  for (const line of lines) {
    const problem = await attempt(place.run('ip', [...flags, ...line.split(' ')]));
    if (problem !== null) problems.push(`\`ip ${line}\`: ${problem}`);
  }
  return problems;
}

/** What the command said; null when it did its work. */
async function attempt(command: Promise<string>): Promise<string | null> {
  try {
    await command;
    return null;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return error.stderr.trim() || error.message;
  }
}
