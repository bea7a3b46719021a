import type { Contestant, Goal, Row } from '../../benchmark.ts';
import { LOADS, PATHS, type Path } from './loads.ts';
import { ACES, type Aces, NAT_ALONE, TRACKED, type Way } from './ways.ts';

/** One way's figures on one path under one load. */
export interface Measured {
  way: Way;
  path: Path;
  load: keyof typeof LOADS;
  samples: number[];
}

const NIBOX_WITH_10 = 'nibox with 10 ACEs';
const PATH_NAMES: Record<Path, string> = { uplink: 'app to uplink', bridged: 'app to app' };
/** Of the same chain that translates or tracks, but has no ACL. */
const SHARE_OF_UNFILTERED = { tcp: 0.97, packets: 0.93 } as const;
const SHARE_WITH_1000 = 0.97;

/** The table: a row per path, load and number of ACEs. */
export function rowsOf(measured: readonly Measured[]): Row[] {
  return PATHS.flatMap(path =>
    (Object.keys(LOADS) as (keyof typeof LOADS)[]).flatMap(load =>
      ACES.map((aces): Row => {
        const same = measured.filter(one => one.path === path && one.load === load);
        const contestants = same
          .filter(({ way }) => way.aces === null || way.aces === aces)
          .map(({ way: { name, role }, samples }): Contestant => ({ name, role, samples }));
        const least = same.find(({ way }) => way.role === 'nibox' && way.aces === ACES[0]);
        if (least && aces === 1000) contestants.push({ name: NIBOX_WITH_10, role: 'peer', samples: least.samples });
        const goal = goalOf(path, load, aces, contestants);
        const { what, unit, better } = LOADS[load];
        return { what: `${PATH_NAMES[path]}, ${aces} ACEs, ${what}`, unit, better, contestants, ...(goal && { goal }) };
      }),
    ),
  );
}

function goalOf(path: Path, load: keyof typeof LOADS, aces: Aces, contestants: readonly Contestant[]): Goal | null {
  const iptables = contestants.find(({ name }) => name.startsWith('iptables'))?.name;
  if (load === 'latency') return iptables ? { atMost: 1, times: iptables } : null;
  if (aces === 10) return { atLeast: SHARE_OF_UNFILTERED[load], times: path === 'uplink' ? NAT_ALONE : TRACKED };
  if (aces === 1000) return { atLeast: SHARE_WITH_1000, times: NIBOX_WITH_10 };
  return iptables ? { atLeast: 1, times: iptables } : null;
}
