import { CommandError, run } from '../../shared/kernel/run.ts';
import type { ActualLinks } from '../bridge/actual.ts';
import { TUNNEL_TABLE } from './plan.ts';

/** What the kernel has for the tunnels, in the words of the commands that made it. */
export interface ActualTunnels {
  devices: Map<string, { up: boolean; mtu: number; addresses: string[] }>;
  rules: string[];
  routes: string[];
}

interface IpRule {
  priority: number;
  not?: null;
  src: string;
  fwmark?: string;
  table?: string;
}

interface IpRoute {
  type?: string;
  dst: string;
  gateway?: string;
  dev?: string;
  prefsrc?: string;
  metric?: number;
}

/** Reads the rule, the routes and the devices; IPv4, since that is what tunnels carry. */
export async function readActualTunnels({ links }: ActualLinks): Promise<ActualTunnels> {
  const [rules, routes] = await Promise.all([
    run('ip', ['-j', '-4', 'rule', 'show', 'priority', `${TUNNEL_TABLE}`]),
    readRoutes(),
  ]);
  return {
    devices: new Map(
      [...links.values()].map(({ name, up, mtu, addresses }) => [
        name,
        { up, mtu, addresses: addresses.map(address => address.split('/', 1)[0]!) },
      ]),
    ),
    rules: (JSON.parse(rules || '[]') as IpRule[]).map(ruleText),
    routes: routes.map(routeText),
  };
}

async function readRoutes(): Promise<IpRoute[]> {
  try {
    return JSON.parse(
      (await run('ip', ['-j', '-4', 'route', 'show', 'table', `${TUNNEL_TABLE}`])) || '[]',
    ) as IpRoute[];
  } catch (error) {
    // A table that has never held a route does not exist.
    if (error instanceof CommandError && /table does not exist/i.test(error.stderr)) return [];
    throw error;
  }
}

function ruleText({ priority, not, src, fwmark, table }: IpRule): string {
  return `priority ${priority}${not === null ? ' not' : ''} from ${src}${fwmark ? ` fwmark ${fwmark}` : ''} lookup ${table}`;
}

function routeText({ type, dst, gateway, dev, prefsrc, metric }: IpRoute): string {
  if (type === 'throw') return `throw ${dst}`;
  if (type === 'unreachable') return `unreachable ${dst} metric ${metric}`;
  return `${dst}${gateway ? ` via ${gateway}` : ''} dev ${dev}${prefsrc ? ` src ${prefsrc}` : ''}`;
}
