import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gatewayDnsmasqConf } from './dnsmasq.ts';
import { hasKernelEsp } from './esp.ts';
import { apps, clouds, sites } from './layout.ts';
import { responderContents, responderFiles } from './responder.ts';
import { appScript, leaseScript, offerScript } from './scripts.ts';

/** Size of `/big` on every web server, bytes. A sparse file: it takes no memory. */
export const bigDownloadBytes = 200 * 1024 * 1024;

/** Size of `/own` on every web server, bytes: lines with the server's name, so that it can be told whose file it is. */
export const ownDownloadBytes = 8 * 1024 * 1024;

/** Where things lie in a world's run directory. */
export const paths = {
  world: (dir: string) => join(dir, 'world.json'),
  processes: (dir: string) => join(dir, 'processes'),
  logs: (dir: string) => join(dir, 'logs'),
  site: (dir: string, name: string) => join(dir, 'www', name),
  app: (dir: string, name: string) => join(dir, 'apps', name),
  appScript: (dir: string) => join(dir, 'scripts', 'app'),
  leaseScript: (dir: string) => join(dir, 'scripts', 'lease'),
  offerScript: (dir: string) => join(dir, 'scripts', 'offer'),
  dnsmasqConf: (dir: string) => join(dir, 'gw', 'dnsmasq.conf'),
  dnsmasqLeases: (dir: string) => join(dir, 'gw', 'dnsmasq.leases'),
  resolvConf: (dir: string) => join(dir, 'resolv.conf'),
};

const webServers = [...Object.keys(sites), 'gw', 'device', ...clouds, ...apps];

/** Writes everything that the world's processes read. The run directory exists and is empty. */
export async function writeFiles(dir: string): Promise<void> {
  const directories = [
    ...['processes', 'logs', 'scripts', 'gw'].map(name => join(dir, name)),
    ...webServers.map(name => paths.site(dir, name)),
    ...apps.map(name => paths.app(dir, name)),
    ...clouds.map(name => dirname(responderFiles(dir, name).strongswanConf)),
  ];
  await Promise.all(directories.map(directory => mkdir(directory, { recursive: true })));
  const script = { mode: 0o755 };
  await Promise.all([
    writeFile(paths.appScript(dir), appScript, script),
    writeFile(paths.leaseScript(dir), leaseScript, script),
    writeFile(paths.offerScript(dir), offerScript, script),
    writeFile(paths.dnsmasqConf(dir), gatewayDnsmasqConf(paths.dnsmasqLeases(dir))),
    writeFile(paths.resolvConf(dir), 'nameserver 192.168.0.1\n'),
    // They hold keys, if only of the demo.
    ...responderContents(dir, await hasKernelEsp()).map(([file, text]) => writeFile(file, text, { mode: 0o600 })),
    ...webServers.map(name => writeSite(paths.site(dir, name), name)),
  ]);
}

async function writeSite(directory: string, name: string): Promise<void> {
  const big = join(directory, 'big');
  const own = Buffer.alloc(ownDownloadBytes, `${name}\n`);
  await Promise.all([
    writeFile(join(directory, 'index.html'), `${name}\n`),
    writeFile(big, ''),
    writeFile(join(directory, 'own'), own),
  ]);
  await truncate(big, bigDownloadBytes);
}
