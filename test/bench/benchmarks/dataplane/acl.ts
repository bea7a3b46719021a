import type { Ace } from '../../../../shared/proto/messages.ts';
import { ace } from '../../../unit/netns-manager/acl/builders.ts';
import { SUBNET, UPLINK_NETWORK } from './layout.ts';

/** An ACE that allows, as in every configuration of an edge device: a network, and for most a protocol and a port. */
export interface PlainAce {
  id: number;
  ip: string;
  /** Null: any, and any port. */
  service: { protocol: 'tcp' | 'udp'; port: number } | null;
}

/**
 * `count` ACEs. The two that allow the measured traffic (to the uplink's network, and to the other app) stand in the middle:
 * whoever tries them one by one goes through half of them.
 */
export function plainAcl(count: number): PlainAce[] {
  const middle = Math.floor(count / 2);
  return Array.from({ length: count }, (_, index) => {
    const id = index + 1;
    if (index === middle) return { id, ip: UPLINK_NETWORK, service: null };
    if (index === middle + 1) return { id, ip: SUBNET, service: null };
    const ip = `198.18.${Math.floor(index / 250)}.${(index % 250) + 1}/32`;
    return { id, ip, service: { protocol: index % 2 === 0 ? 'tcp' : 'udp', port: 1000 + index } };
  });
}

/** The same as nibox's own messages have it. */
export function niboxAcl(acl: readonly PlainAce[]): Ace[] {
  return acl.map(({ id, ip, service }) => {
    return ace(id, { ip, ...(service && { protocol: service.protocol, fport: `${service.port}` }) });
  });
}
