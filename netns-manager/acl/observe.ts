import { listCounters, listElements, type Nft, nft } from '../../shared/kernel/nft.ts';
import type { AppInterfaceConfig } from '../../shared/proto/messages.ts';
import { decodeMark, type Mark } from './mark.ts';
import { TABLE_NAME } from './table.ts';
import { DENIED_COUNTER, DENIED_SETS, LIMITED_COUNTER } from './verdict-chains.ts';

/** Where the ACLs of a routed NI are, and those of a switch. */
export const ACL_TABLES = { routed: `inet ${TABLE_NAME}`, switch: `bridge ${TABLE_NAME}` } as const;

/** Packets and bytes. */
export interface Count {
  packets: number;
  bytes: number;
}

export interface AclCounters {
  /** Per ACE the first packets of the flows that it decided (LIMIT: all packets it let pass). Ace 0: no ACE matched. */
  aces: (Count & { vif: number; ace: number })[];
  /** All denied packets. */
  denied: Count;
  /** Packets over the rate of a LIMIT ACE. */
  limited: Count;
}

/** A flow that was denied. */
export interface DeniedFlow extends Count {
  /** Who denied it: VIF (0: the NI itself) and ACE. */
  by: Mark;
  /** The receiver's side denied it, not the ACL of the app that opened it. */
  inbound: boolean;
  /** Of the app that opened it; empty when it came from the uplink. */
  mac: string;
  source: string;
  destination: string;
  /** IP protocol number. */
  protocol: number;
  /** Destination port; 0 where the protocol has none. */
  port: number;
  /** Seconds until it is forgotten if no further packet comes. */
  expires: number;
}

type Sender = Pick<AppInterfaceConfig, 'vifNumber' | 'mac' | 'ipv4' | 'ipv6'>;

/** Reads the counters of the ACEs. They start at 0 when the table was made anew. */
export async function readCounters(nftables: Nft = nft, table: string = ACL_TABLES.routed): Promise<AclCounters> {
  const counters: AclCounters = { aces: [], denied: { packets: 0, bytes: 0 }, limited: { packets: 0, bytes: 0 } };
  for (const { name, packets, bytes } of await listCounters(nftables, table)) {
    const match = /^ace_(\d+)_(\d+|default)$/.exec(name);
    if (match) counters.aces.push({ vif: Number(match[1]), ace: Number(match[2]) || 0, packets, bytes });
    else if (name === DENIED_COUNTER) counters.denied = { packets, bytes };
    else if (name === LIMITED_COUNTER) counters.limited = { packets, bytes };
  }
  return counters;
}

/** Reads the denied flows that the kernel remembers; `vifs` are those of the NI. */
export async function readDenied(
  vifs: readonly Sender[],
  nftables: Nft = nft,
  table: string = ACL_TABLES.routed,
): Promise<DeniedFlow[]> {
  const elements = await listElements(nftables, table, [DENIED_SETS[4], DENIED_SETS[6]]);
  return elements.flat().map(({ key: [mark, source, destination, protocol, port], packets, bytes, expires }) => {
    const { drop, ...by } = decodeMark(Number(mark));
    const isSender = (vif: Sender) =>
      drop ? vif.vifNumber === by.vif : [vif.ipv4, vif.ipv6].some(address => address === source);
    return {
      by: { ...by, drop: true },
      inbound: !drop,
      mac: vifs.find(isSender)?.mac ?? '',
      source: String(source),
      destination: String(destination),
      protocol: Number(protocol),
      port: Number(port),
      packets,
      bytes,
      expires: expires ?? 0,
    };
  });
}
