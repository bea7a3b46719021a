import { paths } from './files.ts';
import { apps, clouds, deviceService, gatewayAddresses, type Member, sites } from './layout.ts';
import { responderFiles } from './responder.ts';

/** A process that belongs to the world. */
export interface Service {
  /** Unique in the world; names its record and its log. */
  name: string;
  member: Member;
  command: readonly [file: string, ...args: string[]];
  env?: NodeJS.ProcessEnv;
  /** It is ready when its namespace has a socket on this port. Absent: ready at once. */
  listens?: { protocol: 'tcp' | 'udp'; port: number; address?: string };
}

/** All processes of the world, in no particular order. */
export function services(dir: string): Service[] {
  return [
    {
      name: 'gw-dnsmasq',
      member: 'gw',
      command: ['dnsmasq', `--conf-file=${paths.dnsmasqConf(dir)}`],
      listens: { protocol: 'udp', port: 53 },
    },
    ...Object.entries(sites).map(([name, address]) => webServer(dir, 'gw', name, 80, address)),
    ...gatewayAddresses.map(address => webServer(dir, 'gw', 'gw', 80, address)),
    ...clouds.map(name => webServer(dir, name, name, 80)),
    ...clouds.map(name => responder(dir, name)),
    webServer(dir, 'device', 'device', deviceService.port, deviceService.address),
    ...apps.map(name => webServer(dir, name, name, 80)),
    webServer(dir, 'app2', 'app2', 81),
    ...apps.map(name => dhcpClient(dir, name)),
  ];
}

function webServer(dir: string, member: Member, site: string, port: number, address?: string): Service {
  const listen = address ? `${address}:${port}` : String(port);
  return {
    name: [member, 'http', ...(address ? [address] : []), port].join('-'),
    member,
    command: ['busybox', 'httpd', '-f', '-p', listen, '-h', paths.site(dir, site)],
    listens: { protocol: 'tcp', port, ...(address && { address }) },
  };
}

function dhcpClient(dir: string, app: Member): Service {
  const command = ['sh', paths.appScript(dir), app, paths.app(dir, app), paths.leaseScript(dir)] as const;
  return { name: `${app}-dhcp`, member: app, command };
}

/** Name of the service that is a cloud's IPsec responder. */
export const responderName = (cloud: Member) => `${cloud}-charon`;

function responder(dir: string, cloud: (typeof clouds)[number]): Service {
  return {
    name: responderName(cloud),
    member: cloud,
    command: ['charon-systemd'],
    env: { STRONGSWAN_CONF: responderFiles(dir, cloud).strongswanConf },
    listens: { protocol: 'udp', port: 4500 },
  };
}
