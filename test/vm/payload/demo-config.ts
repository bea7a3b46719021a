import { parseDocument } from 'yaml';

interface Demo {
  networkInstances: { name: string; vpn?: Record<string, unknown> }[];
  apps: { name: string; interfaces: { networkInstance: string }[] }[];
}

/** The demo's config with some of its network instances only, and the apps on those; their tunnels in another mode. */
export function demoWith(text: string, instances: readonly string[], mode: 'policy' | 'route' = 'policy'): string {
  const document = parseDocument(text);
  const { networkInstances, apps, ...others } = document.toJS() as Demo;
  const kept = {
    ...others,
    networkInstances: networkInstances
      .filter(({ name }) => instances.includes(name))
      .map(ni => (ni.vpn ? { ...ni, vpn: { ...ni.vpn, mode } } : ni)),
    apps: apps
      .map(app => ({
        ...app,
        interfaces: app.interfaces
          .map((vif, index) => ({ device: `eth${index}`, ...vif }))
          .filter(({ networkInstance }) => instances.includes(networkInstance)),
      }))
      .filter(({ interfaces }) => interfaces.length > 0),
  };
  return JSON.stringify(kept);
}
