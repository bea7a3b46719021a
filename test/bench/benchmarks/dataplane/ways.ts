import type { Role } from '../../benchmark.ts';
import { Chain, type ChainOptions } from './chain.ts';
import { detectIptables, type Iptables, setUpIptables } from './iptables-way.ts';
import { APPS, appAddress, FORBIDDEN, OUTSIDE } from './layout.ts';
import { type Path, serve } from './loads.ts';
import { setUpMasquerading, setUpMasqueradingByRules, setUpTranslatedInside, setUpTranslatedOnce } from './nat-ways.ts';
import { setUpNibox } from './nibox-way.ts';

export const ACES = [10, 100, 1000] as const;
export type Aces = (typeof ACES)[number];

/** One way to carry the apps' traffic. */
export interface Way {
  /** As the table calls it. */
  name: string;
  role: Role;
  /** Null: it has no ACL, so it stands in the rows of all. */
  aces: Aces | null;
  paths: readonly Path[];
  options: ChainOptions;
  setUp(chain: Chain): Promise<void>;
}

export const BARE = 'bare chain';
export const NAT_ALONE = 'double NAT alone';
export const TRACKED = 'tracked, no ACL';

const BOTH: readonly Path[] = ['uplink', 'bridged'];
const TWO_HOPS: ChainOptions = { hops: 2, bridgeNf: false };
const FILTERED: ChainOptions = { hops: 2, bridgeNf: true };

/** All ways. `directory`: for files that are not needed afterwards. */
export async function listWays(directory: string): Promise<Way[]> {
  const iptables = await whichIptables();
  const peer = { role: 'peer', aces: null } as const;
  return [
    { name: BARE, role: 'floor', aces: null, paths: BOTH, options: TWO_HOPS, setUp: async () => {} },
    { ...peer, name: NAT_ALONE, paths: ['uplink'], options: TWO_HOPS, setUp: setUpMasquerading },
    {
      ...peer,
      name: 'double NAT and policy routing',
      paths: ['uplink'],
      options: TWO_HOPS,
      setUp: setUpMasqueradingByRules,
    },
    // The kernel's own default: conntrack and NAT see bridged frames.
    { ...peer, name: TRACKED, paths: ['bridged'], options: FILTERED, setUp: setUpMasquerading },
    {
      ...peer,
      name: 'one namespace, one NAT',
      paths: ['uplink'],
      options: { hops: 1, bridgeNf: false },
      setUp: setUpMasquerading,
    },
    { ...peer, name: 'translated once, no ACL', paths: ['uplink'], options: TWO_HOPS, setUp: setUpTranslatedOnce },
    {
      ...peer,
      name: 'translated once at best, no ACL',
      paths: ['uplink'],
      options: TWO_HOPS,
      setUp: setUpTranslatedInside,
    },
    ...ACES.flatMap((aces): Way[] => [
      {
        name: 'nibox',
        role: 'nibox',
        aces,
        paths: BOTH,
        options: FILTERED,
        setUp: chain => setUpNibox(chain, aces, directory),
      },
      {
        name: iptables,
        role: 'peer',
        aces,
        paths: BOTH,
        options: FILTERED,
        setUp: chain => setUpIptables(chain, aces, iptables),
      },
    ]),
  ];
}

/** Builds a way's chain, starts the servers in it, and sees that it lets through what it should and nothing else. */
export async function buildWay(way: Way): Promise<Chain> {
  const chain = await Chain.create(way.options);
  try {
    await way.setUp(chain);
    await serve(chain);
    const reaches = (address: string) =>
      chain.exec('app1', ['ping', '-c', '1', '-W', '1', address]).then(
        () => true,
        () => false,
      );
    const wanted = way.paths.map(path => (path === 'uplink' ? OUTSIDE : appAddress(APPS[1])));
    for (const address of wanted) {
      if (!(await reaches(address))) throw new Error(`${way.name}: app1 does not reach ${address}`);
    }
    if (way.aces !== null && (await reaches(FORBIDDEN))) throw new Error(`${way.name}: its ACL filters nothing`);
    return chain;
  } catch (error) {
    await chain.remove();
    throw error;
  }
}

async function whichIptables(): Promise<Iptables> {
  const chain = await Chain.create(TWO_HOPS);
  try {
    return await detectIptables(chain);
  } finally {
    await chain.remove();
  }
}
