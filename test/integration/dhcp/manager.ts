/** As much of a manager as owns dnsmasq. Says on standard output what it did; SIGTERM makes it end dnsmasq and itself. */
import { Dnsmasq } from '../../../netns-manager/dhcp/dnsmasq.ts';
import { renderDnsmasq } from '../../../netns-manager/dhcp/render.ts';
import { silentLog } from '../../../shared/log/log.ts';
import { app, input } from '../../unit/netns-manager/dhcp/fixtures.ts';

const directory = process.argv[2] ?? '';
const logFile = `${directory}/dnsmasq.log`;
const dnsmasq = new Dnsmasq({ directory: `${directory}/run`, logFile, log: silentLog, onExit: () => {} });
process.on('SIGTERM', () => void dnsmasq.stop().then(() => process.exit(0)));
setInterval(() => {}, 60_000);

async function main(): Promise<void> {
  const adopted = await dnsmasq.adopt();
  const result = await dnsmasq.apply(renderDnsmasq(input({ directory: `${directory}/run`, logFile, apps: [app()] })));
  process.stdout.write(`${JSON.stringify({ adopted, result, pid: dnsmasq.pid, uid: process.getuid?.() })}\n`);
}

main().catch((error: Error) => {
  process.stdout.write(`${JSON.stringify({ error: error.message })}\n`);
});
