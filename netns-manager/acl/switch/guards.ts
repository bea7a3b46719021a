import { type Ace, AceAction, AceDirection } from '../../../shared/proto/messages.ts';
import { parsePorts, protocolNumber } from '../ace-boxes.ts';
import type { Family } from '../prefix.ts';

const [UDP, ICMPV6] = [17, 58];
const DHCP_SERVER_PORTS = { 4: 67, 6: 547 } as const;

/**
 * Rules that keep an app from acting as the network's DHCP server or router, however much its ACEs allow in general. An ACE that
 * allows just that lifts them: `protocol: udp` with the server's port as `lport`, `protocol: icmpv6` for router advertisements.
 */
export function infrastructureGuards(acl: readonly Ace[], family: Family): string[] {
  const port = DHCP_SERVER_PORTS[family];
  return [
    ...(acl.some(ace => allowsToSend(ace, UDP) && hasPort(ace, port)) ? [] : [`udp sport ${port} goto denied`]),
    ...(family === 4 || acl.some(ace => allowsToSend(ace, ICMPV6))
      ? []
      : ['icmpv6 type { nd-router-advert, nd-redirect } goto denied']),
  ];
}

function allowsToSend({ action, direction, protocol }: Ace, number: number): boolean {
  const allows = action !== AceAction.DROP && direction !== AceDirection.INGRESS;
  return allows && protocolNumber(protocol) === number;
}

function hasPort({ lport }: Ace, port: number): boolean {
  const range = parsePorts(lport);
  return range !== null && range !== 'nothing' && range.low <= port && port <= range.high;
}
