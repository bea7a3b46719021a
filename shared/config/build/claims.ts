import { parseAddress } from '../../net/address.ts';
import type { InterfaceDraft } from '../draft.ts';
import { reporter, type Told } from '../issue.ts';
import type { AppInterface, IpNetwork, Issue, NetworkInstance, UplinkConfig } from '../model.ts';
import { uplinksOf } from '../uplinks.ts';
import { IKE_PORTS } from '../vpn/ports.ts';

/** VIF numbers are the upper byte of the connection mark; the rest of its values is reserved. */
const MAX_VIFS = 250;

/** Something that one interface can have and no other. */
interface Thing {
  key: string;
  told: Told<unknown>;
  what: string;
  remedy: string;
}

/** Something of which there are so many. */
interface Place {
  key: string;
  limit: number;
  reason: string;
  remedy: string;
}

/**
 * What interfaces can't share: addresses and MACs within a network instance, places in it, and ports of uplinks. The first
 * interface in the document gets it, a later one is refused. Interfaces that will not run claim nothing.
 */
export class Claims {
  readonly #uplinks: readonly UplinkConfig[];
  readonly #issues: Issue[];
  /** Who has a thing, by the thing's key. */
  readonly #holders = new Map<string, string>();
  /** How many places are taken, by the place's key. */
  readonly #taken = new Map<string, number>();

  /** `servers`: VPNs that are called, by the interface of the uplink; IKE's ports are theirs. */
  constructor(uplinks: readonly UplinkConfig[], servers: ReadonlyMap<string, string>, issues: Issue[]) {
    this.#uplinks = uplinks;
    this.#issues = issues;
    for (const [name, ni] of servers) {
      for (const port of IKE_PORTS) this.#holders.set(portKey(name, 'udp', String(port)), `the VPN server of ${ni}`);
    }
  }

  /** Claims what an interface needs, or refuses the interface. */
  take(app: string, draft: InterfaceDraft, built: AppInterface, ni: NetworkInstance): void {
    if (built.issues.length > 0 || ni.issues.length > 0 || !ni.activate) return;
    const report = reporter('interface', this.#issues, built.issues);
    const things = [...ownThings(draft, built, ni), ...this.#portsOf(draft, built, ni)];
    const wanted = new Set<string>();
    for (const { key, told, what, remedy } of things) {
      const holder = this.#holders.get(key) ?? (wanted.has(key) ? 'this interface' : undefined);
      if (holder !== undefined) report.refuse(told, `${holder} already has ${what}`, remedy);
      wanted.add(key);
    }
    const places = placesOf(built, ni);
    for (const { key, limit, reason, remedy } of places) {
      if ((this.#taken.get(key) ?? 0) >= limit) {
        report.refuse({ path: draft.path, value: built.networkInstance }, reason, remedy);
      }
    }
    if (built.issues.length > 0) return;
    for (const key of wanted) this.#holders.set(key, `app ${app}`);
    for (const { key } of places) this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
  }

  /** The ports of uplinks that its port maps need. */
  #portsOf(draft: InterfaceDraft, built: AppInterface, ni: NetworkInstance): Thing[] {
    const reachable = uplinksOf(ni.port, this.#uplinks);
    return built.acl.flatMap((ace, index) => {
      if (ace.action.kind !== 'portmap') return [];
      const { adapter, protocol, lport } = ace.match;
      const chosen = adapter === undefined ? reachable : uplinksOf(adapter, this.#uplinks);
      const told = draft.acl[index]!.matches.find(({ type }) => type.value === 'lport')!.value;
      return reachable
        .filter(uplink => chosen.includes(uplink))
        .map(uplink => ({
          key: portKey(uplink.interface, protocol, lport),
          told,
          what: `${protocol} port ${lport} of uplink ${uplink.label}`,
          remedy: 'use another lport, or another uplink',
        }));
    });
  }
}

function portKey(uplink: string, protocol: string | undefined, port: string | undefined): string {
  return `${uplink} ${protocol} ${port}`;
}

function ownThings(draft: InterfaceDraft, built: AppInterface, ni: NetworkInstance): Thing[] {
  const thing = (told: Told<unknown>, value: string | undefined, what: string): Thing[] => {
    if (value === undefined) return [];
    const remedy = `use another ${what}, or another network instance`;
    return [{ key: `${ni.name} ${value}`, told, what: `this ${what} in network instance ${ni.name}`, remedy }];
  };
  return [
    ...thing(draft.ipv4, built.ipv4, 'address'),
    ...thing(draft.ipv6, built.ipv6, 'address'),
    ...thing(draft.mac, built.mac, 'MAC address'),
  ];
}

function placesOf(built: AppInterface, ni: NetworkInstance): Place[] {
  const vif: Place = {
    key: `${ni.name} vifs`,
    limit: MAX_VIFS,
    reason: `network instance ${ni.name} has ${MAX_VIFS} interfaces already`,
    remedy: 'use another network instance for this one',
  };
  if (!ni.ipv4 || built.ipv4 !== undefined) return [vif];
  const limit = rangeSize(ni.ipv4);
  const address: Place = {
    key: `${ni.name} dynamic addresses`,
    limit,
    reason: `the DHCP range of network instance ${ni.name} has no address left (${limit} in all)`,
    remedy: 'widen the DHCP range, or set a static address outside it',
  };
  return [vif, address];
}

function rangeSize(network: IpNetwork): number {
  return Number(parseAddress(network.rangeEnd)!.value - parseAddress(network.rangeStart)!.value) + 1;
}
