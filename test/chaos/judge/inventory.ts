import { readdir } from 'node:fs/promises';
import type { ChaosDevice } from '../device/device.ts';
import { instances, type Ni, withDnsmasq, withTunnel } from '../device/layout.ts';
import { pidsOf, type Role } from '../device/processes.ts';

/** What there is of a device, a line each: namespaces, links, addresses, routes, rules, tables, services, directories. */
export async function inventory(device: ChaosDevice): Promise<string[]> {
  const { world } = device;
  const namespaces = (await readdir('/run/netns')).filter(name => name.startsWith(`${device.prefix}-`));
  const looks = ['device', ...instances].map(async place => {
    const lines = await Promise.all([
      look(place, ['ip', '-o', 'link'], line => /^\d+: ([^:@]+)/.exec(line)?.[1]),
      look(place, ['ip', '-o', '-4', 'addr'], line => /^\d+: +(\S+ +inet \S+)/.exec(line)?.[1]),
      look(place, ['ip', 'rule'], line => line),
      look(place, ['ip', '-4', 'route', 'show', 'table', 'all'], line => line.trim().replace(/ linkdown| dead/g, '')),
      look(place, ['nft', 'list', 'tables'], line => line),
    ]);
    return lines.flat();
  });
  const roles: [Role, readonly Ni[]][] = [
    ['manager', instances],
    ['dnsmasq', withDnsmasq],
    ['charon', withTunnel],
  ];
  const processes = roles.flatMap(([role, nis]) =>
    nis.map(async ni => [`${ni}: ${(await pidsOf(device, ni, role)).length} ${role}`]),
  );
  const directories = await readdir(`${device.runDirectory}/ni`);
  const found = await Promise.all([...looks, ...processes]);
  return [...namespaces, ...directories.map(name => `directory ${name}`), ...found.flat()].sort();

  async function look(place: string, command: string[], pick: (line: string) => string | undefined): Promise<string[]> {
    const [file = '', ...args] = command;
    const { stdout } = await world.exec(place, file, args);
    const picked = stdout.split('\n').map(pick).filter(Boolean);
    return picked.map(text => `${place}: ${text}`);
  }
}

/** What is in one of two inventories only: "+" it has come, "-" it has gone. */
export function difference(before: readonly string[], after: readonly string[]): string[] {
  const rest = [...before];
  const come = after.filter(line => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
  return [...come.map(line => `+ ${line}`), ...rest.map(line => `- ${line}`)];
}
