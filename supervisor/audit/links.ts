import type { run } from '../../shared/kernel/run.ts';
import { entering } from '../switch-ports/place.ts';
import type { Finding } from './finding.ts';
import type { Owned, OwnedInstance } from './owned.ts';

export interface AuditLink {
  ifname: string;
  ifalias?: string;
  linkinfo?: { info_kind?: string };
}

export interface AuditPlace {
  /** "the device" or a network instance's name. */
  name: string;
  execute: typeof run;
}

export interface LinkFacts {
  /** Uplinks that switches hold, by interface. */
  held: ReadonlyMap<string, { ni: string }>;
  /** Another nibox has rules in the device's namespace: a VIF astray there may be of its making. */
  othersAreHere: boolean;
}

const VIF = /^nbu\d+x\d+$/;

/** The namespace of a network instance, as real root sees it. */
export function placeOf(name: string, netPath: string): AuditPlace {
  return { name, execute: entering(['nsenter', `--net=${netPath}`, '--']) };
}

export async function readLinksOf({ execute }: AuditPlace): Promise<AuditLink[]> {
  const listed = JSON.parse((await execute('ip', ['-j', '-d', 'link', 'show'])) || '[]') as Partial<AuditLink>[];
  return listed.filter((link): link is AuditLink => link.ifname !== undefined);
}

/** Links of the device's namespace that carry our names and that nobody owns. */
export function findDeviceLinks(
  links: readonly AuditLink[],
  owned: Owned,
  { held, othersAreHere }: LinkFacts,
  place: AuditPlace,
): Finding[] {
  const alias = `nibox ${owned.prefix}: `;
  return links.flatMap(({ ifname, ifalias, linkinfo }) => {
    const number = transitNumber(owned.prefix, ifname);
    if (number !== null) {
      if (!ownsTransit(owned, number))
        return [linkFinding(place, ifname, `no network instance has the number ${number}`)];
      const kind = linkinfo?.info_kind ?? 'device';
      if (kind === 'veth') return [];
      return [linkFinding(place, ifname, `a ${kind} where the transit link of network instance ${number} belongs`)];
    }
    if (ifalias?.startsWith(alias) && !held.has(ifname))
      return [linkFinding(place, ifname, 'the stand-in of an uplink that no switch has')];
    if (VIF.test(ifname) && !othersAreHere)
      return [linkFinding(place, ifname, 'the interface of an app, and belongs into a network instance')];
    return [];
  });
}

/** Links in a network instance's namespace that are not its own. */
export function findInstanceLinks(
  links: readonly AuditLink[],
  instance: OwnedInstance,
  owned: Owned,
  { held }: LinkFacts,
  place: AuditPlace,
): Finding[] {
  return links.flatMap(({ ifname, linkinfo }) => {
    if (VIF.test(ifname) && !instance.vifs.has(ifname))
      return [linkFinding(place, ifname, `no app of the config has it in ${instance.name}`)];
    if (transitNumber(owned.prefix, ifname) !== null)
      return [linkFinding(place, ifname, "a transit link's outer end, and belongs into the device's namespace")];
    if (owned.uplinks.has(ifname) && held.get(ifname)?.ni !== instance.name) {
      // A real interface is never deleted: it goes home, and whoever configures it finds it there.
      if (linkinfo?.info_kind === undefined) return [homeFinding(place, ifname)];
      return [linkFinding(place, ifname, `has the name of an uplink that ${instance.name} does not hold`)];
    }
    return [];
  });
}

function transitNumber(prefix: string, name: string): number | null {
  const number = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^[0-9]+$/.test(number) ? Number(number) : null;
}

export function ownsTransit({ instances }: Owned, number: number): boolean {
  return [...instances.values()].some(instance => instance.hasTransit && instance.number === number);
}

function linkFinding({ name: where, execute }: AuditPlace, name: string, why: string): Finding {
  const remove = async () => void (await execute('ip', ['link', 'delete', 'dev', name]));
  return { kind: 'link', name: `${name} in ${where}`, why, how: 'ip link delete', remove };
}

function homeFinding({ name: where, execute }: AuditPlace, name: string): Finding {
  const why = `an uplink of the device, and ${where} does not hold it`;
  const remove = async () => void (await execute('ip', ['link', 'set', 'dev', name, 'netns', `${process.pid}`]));
  return { kind: 'link', name: `${name} in ${where}`, why, how: 'ip link set netns: back to the device', remove };
}
