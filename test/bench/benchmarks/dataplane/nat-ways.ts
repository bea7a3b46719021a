import type { Chain } from './chain.ts';
import {
  OUTSIDE,
  SUBNET,
  TRANSIT_DEVICE,
  TRANSIT_INNER,
  TRANSIT_POOL,
  TRANSIT_ROOT,
  UPLINK_ADDRESS,
} from './layout.ts';

/** Ports of the uplink's address that belong to the network instance, in the experiment. */
const PORTS = '20000-29999';

/** Masquerading where the bridge is and, with two namespaces, in the root namespace again. */
export async function setUpMasquerading(chain: Chain): Promise<void> {
  if (chain.hops === 2) await chain.exec('ni', ['nft', '-f', '-'], masquerade('uplink', SUBNET));
  await chain.exec('root', ['nft', '-f', '-'], masquerade('eth0', chain.hops === 2 ? TRANSIT_POOL : SUBNET));
}

function masquerade(device: string, sources: string): string {
  return `table ip bench {
  chain post {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${device}" ip saddr ${sources} masquerade
  }
}
`;
}

/** The same, with the routing that networks which overlap and several uplinks need: by the interface that a packet comes from. */
export async function setUpMasqueradingByRules(chain: Chain): Promise<void> {
  await setUpMasquerading(chain);
  await routeByRules(chain);
}

/** Rules and tables as the proof of concept has them, and nibox: what comes from an instance goes by the table of its uplink. */
export async function routeByRules(chain: Chain): Promise<void> {
  await chain.ip('root', [
    `route del ${SUBNET}`,
    `route add default via ${OUTSIDE} dev eth0 table 500`,
    // Else the kernel would not answer ARP for its own end.
    `route add local ${TRANSIT_ROOT} dev ${TRANSIT_DEVICE} table 500`,
    `route add ${SUBNET} via ${TRANSIT_INNER} table 600`,
    `rule add priority 1000 iif ${TRANSIT_DEVICE} lookup 500`,
    `rule add priority 2000 oif ${TRANSIT_DEVICE} lookup 600`,
    'rule add priority 10000 lookup local',
    'rule del priority 0',
  ]);
}

/** What translating once could gain at best: in the network instance only, and the root namespace does nothing but forward. */
export async function setUpTranslatedInside(chain: Chain): Promise<void> {
  await chain.exec('ni', ['nft', '-f', '-'], masquerade('uplink', SUBNET));
  await chain.ip('outside', [`route add ${TRANSIT_POOL} via ${UPLINK_ADDRESS}`]);
}

/**
 * The experiment: conntrack in the network instance only, which takes ports of its own range; the root namespace exchanges the
 * addresses packet by packet, knowing from the port whose an answer is. Echo requests belong to the only instance there is.
 */
export async function setUpTranslatedOnce(chain: Chain): Promise<void> {
  await chain.exec(
    'ni',
    ['nft', '-f', '-'],
    `table ip bench {
  chain post {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "uplink" ip saddr ${SUBNET} meta l4proto { tcp, udp } snat to ${TRANSIT_INNER}:${PORTS}
    oifname "uplink" ip saddr ${SUBNET} snat to ${TRANSIT_INNER}
  }
}
`,
  );
  await chain.exec(
    'root',
    ['nft', '-f', '-'],
    `table ip bench {
  chain pre {
    type filter hook prerouting priority raw; policy accept;
    iifname "eth0" ip daddr ${UPLINK_ADDRESS} meta l4proto { tcp, udp } ip daddr set th dport map { ${PORTS} : ${TRANSIT_INNER} }
    iifname "eth0" ip daddr ${UPLINK_ADDRESS} icmp type echo-reply ip daddr set ${TRANSIT_INNER}
  }
  chain post {
    type filter hook postrouting priority srcnat; policy accept;
    iifname "${TRANSIT_DEVICE}" oifname "eth0" ip saddr ${TRANSIT_INNER} ip saddr set ${UPLINK_ADDRESS}
  }
}
`,
  );
}
