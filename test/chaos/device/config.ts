import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { DRIP_PORT } from '../agent/content.ts';

interface Ace {
  id: number;
  [match: string]: unknown;
}
interface Document {
  [section: string]: unknown;
  networkInstances: Record<string, unknown>[];
  apps: { name: string; interfaces: { networkInstance: string; acl: Ace[] }[] }[];
}

/**
 * The demo's config, with ACLs that let the suite's flows pass and supervision that never gives up. `restartDelayMax`: seconds until a
 * manager that is killed again and again is back.
 */
export async function baseConfig(restartDelayMax: number): Promise<string> {
  const document = parse(await readFile('examples/demo.yaml', 'utf8')) as Document;
  document.supervision = { crashLoopDeaths: 1_000_000, restartDelayMax };
  add(document, 'app1', 'ni2', { id: 90, eidset: true, protocol: 'tcp', fport: DRIP_PORT });
  add(document, 'app2', 'ni2', { id: 90, ip: '192.168.0.0/24' });
  for (const [app, ni] of [
    ['app4', 'ni4'],
    ['app5', 'ni5'],
  ] as const) {
    add(document, app, ni, { id: 90, ip: '192.168.0.0/24' });
  }
  delete aclOf(document, 'app6', 'ni6')[0]!.limit; // 100 pings a second are over it
  return stringify(document);
}

/** Changes of the base that take no flow's way: what an operator does on a day. */
export const variants = {
  'one more network instance': document => {
    document.networkInstances.push({ name: 'ni7', subnet: '10.10.7.0/24' });
  },
  'one more ACE': document => add(document, 'app3', 'ni3', { id: 91, ip: '203.0.113.0/24', protocol: 'udp' }),
  'one more port map': document =>
    add(document, 'app2', 'ni2', { id: 92, protocol: 'tcp', lport: 8081, portmap: 81, ip: '0.0.0.0/0' }),
  'a DNS entry': document => {
    document.networkInstances[0]!.dns = { hosts: { printer: ['10.10.1.200'] } };
  },
  'an NTP server': document => {
    document.networkInstances[2]!.ntp = ['192.168.1.1'];
  },
} satisfies Record<string, (document: Document) => void>;
export type Variant = keyof typeof variants;

/** The base with one change. */
export function variantOf(base: string, variant: Variant): string {
  const document = parse(base) as Document;
  const change: (document: Document) => void = variants[variant];
  change(document);
  return stringify(document);
}

function aclOf(document: Document, app: string, ni: string): Ace[] {
  const found = document.apps
    .find(({ name }) => name === app)
    ?.interfaces.find(({ networkInstance }) => networkInstance === ni);
  if (!found) throw new Error(`examples/demo.yaml has no ${app} on ${ni}`);
  return found.acl;
}

function add(document: Document, app: string, ni: string, ace: Ace): void {
  aclOf(document, app, ni).push(ace);
}
