import { plainAcl } from './acl.ts';
import type { Chain } from './chain.ts';
import { APPS, appAddress, SUBNET, TRANSIT_POOL } from './layout.ts';
import { routeByRules } from './nat-ways.ts';

/** The two programs that load rules; the older one's rules are the faster ones, but not every kernel has them. */
export type Iptables = 'iptables-legacy' | 'iptables-nft';

/** The faster one that this kernel can do, tried in a chain. */
export async function detectIptables(chain: Chain): Promise<Iptables> {
  const works = await chain.exec('ni', ['iptables-legacy', '-t', 'mangle', '-S']).then(
    () => true,
    () => false,
  );
  return works ? 'iptables-legacy' : 'iptables-nft';
}

/**
 * Chains as EVE makes them: per VIF one of what its app sends, with one rule per ACE that leads to the chain that restores or sets
 * the connection's mark, and one of what the app receives, with one rule per ACE; masquerading in both namespaces;
 * and the proof of concept's rules for routing (the one in the instance sends marked packets that are denied to nowhere).
 */
export async function setUpIptables(chain: Chain, aces: number, iptables: Iptables): Promise<void> {
  await chain.exec('ni', [`${iptables}-restore`], instanceRules(aces));
  await chain.ip('ni', [
    'route add blackhole default table 100',
    'rule add priority 1000 fwmark 0xffffff/0xffffff lookup 100',
  ]);
  await chain.exec('root', [`${iptables}-restore`], masquerade('eth0', TRANSIT_POOL));
  await routeByRules(chain);
}

function instanceRules(aces: number): string {
  const acl = plainAcl(aces);
  const names = (app: number) => [`out${app}`, ...acl.map(({ id }) => `ace${app}x${id}`)];
  const mangle = [
    ...APPS.flatMap(app => names(app).map(name => `:${name} - [0:0]`)),
    ...APPS.flatMap(app => [
      `-A PREROUTING -i br -m physdev --physdev-in v${app} -j out${app}`,
      ...acl.map(({ id, ip, service }) => {
        const port = service ? `-p ${service.protocol} --dport ${service.port} ` : '';
        return `-A out${app} -d ${ip} ${port}-j ace${app}x${id}`;
      }),
      `-A out${app} -j DROP`,
      ...acl.flatMap(({ id }) =>
        [
          'CONNMARK --restore-mark',
          'ACCEPT',
          `CONNMARK --set-mark ${(app << 24) | id}`,
          'CONNMARK --restore-mark',
          'ACCEPT',
        ].map((target, index) => `-A ace${app}x${id} ${index === 1 ? '-m mark ! --mark 0 ' : ''}-j ${target}`),
      ),
    ]),
  ];
  const filter = [
    ...APPS.map(app => `:in${app} - [0:0]`),
    ...APPS.flatMap(app => [
      `-A FORWARD -o br -d ${appAddress(app)} -j in${app}`,
      ...acl.map(({ ip, service }) => {
        const port = service ? `-p ${service.protocol} --sport ${service.port} ` : '';
        return `-A in${app} -s ${ip} ${port}-j ACCEPT`;
      }),
      `-A in${app} -j DROP`,
    ]),
  ];
  return `${table('mangle', mangle)}${table('filter', filter)}${masquerade('uplink', SUBNET)}`;
}

function masquerade(device: string, sources: string): string {
  return table('nat', [`-A POSTROUTING -o ${device} -s ${sources} -j MASQUERADE`]);
}

const table = (name: string, lines: readonly string[]) => `*${name}\n${lines.join('\n')}\nCOMMIT\n`;
