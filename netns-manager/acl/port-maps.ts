import { AceAction, AceDirection, type Transit } from '../../shared/proto/messages.ts';
import { parsePorts, protocolNumber } from './ace-boxes.ts';
import type { PortRange } from './box.ts';
import { type Family, ofFamily, withoutLength } from './prefix.ts';
import { acesWith, type Vif } from './vif.ts';

/** One port of the NI's transit address that leads to an app. */
export interface PortMap {
  family: Family;
  protocol: number;
  ports: PortRange;
  /** The transit address: the root namespace has already mapped the uplink's address to it. */
  from: string;
  to: string;
  toPort: number;
  mark: number;
}

/** NAT rules know ports of these only. */
const MAPPABLE = [6, 17];
const ANY_PORT: PortRange = { low: 0, high: 65_535 };

/** The port maps of all VIFs. Where two want the same port the first VIF's first ACE has it (validation refuses such configs). */
export function portMaps(vifs: readonly Vif[], transit: Transit | null): PortMap[] {
  const maps: PortMap[] = [];
  for (const { vif, ace, mark } of acesWith(vifs, AceAction.PORTMAP)) {
    const ports = parsePorts(ace.lport) ?? ANY_PORT;
    if (ace.lport === '' || ports === 'nothing' || ace.appPort === 0 || ace.direction === AceDirection.EGRESS) continue;
    const named = protocolNumber(ace.protocol);
    for (const family of [4, 6] as const) {
      const from = withoutLength((family === 4 ? transit?.address : transit?.address6) ?? '');
      const to = ofFamily(vif.addresses, family)[0];
      if (from === '' || to === undefined) continue;
      for (const protocol of MAPPABLE.filter(number => ace.protocol === '' || number === named)) {
        const map: PortMap = { family, protocol, ports, from, to, toPort: ace.appPort, mark };
        if (!maps.some(other => collide(other, map))) maps.push(map);
      }
    }
  }
  return maps;
}

/** `address . protocol . ports`, the key of a port map. */
export function portMapKey({ from, protocol, ports }: PortMap): string {
  return `${from} . ${protocol} . ${ports.low === ports.high ? ports.low : `${ports.low}-${ports.high}`}`;
}

function collide(a: PortMap, b: PortMap): boolean {
  return (
    a.family === b.family && a.protocol === b.protocol && a.ports.low <= b.ports.high && b.ports.low <= a.ports.high
  );
}
