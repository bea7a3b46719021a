import { run } from '../../shared/kernel/run.ts';

/** What a VIF's port of the bridge must be set to: `locked`, `learning`, ... as `bridge -j -d link` names them. */
export type PortFlags = Readonly<Record<string, boolean>>;

type Port = { ifname?: string } & Record<string, unknown>;

/** Whether a port of these VIFs is set otherwise: `ip link set ... type bridge_slave` makes no event. */
export async function hasStrayPort(vifs: readonly string[], wanted: PortFlags): Promise<boolean> {
  const ports = JSON.parse((await run('bridge', ['-j', '-d', 'link', 'show'])) || '[]') as Port[];
  return ports.some(port => vifs.includes(port.ifname ?? '') && isStray(port, wanted));
}

export function isStray(port: Readonly<Record<string, unknown>>, wanted: PortFlags): boolean {
  return Object.entries(wanted).some(([flag, value]) => port[flag] !== undefined && port[flag] !== value);
}
