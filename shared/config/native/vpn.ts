import type { z } from 'zod';
import type { FileReader } from '../files.ts';
import type { Reporter, Told } from '../issue.ts';
import { below } from '../path.ts';
import type { TunnelDraft, VpnDraft } from '../vpn/draft.ts';
import { toldIn } from './told.ts';
import type { tunnelSchema, vpnSchema } from './vpn-schema.ts';

type Vpn = z.infer<typeof vpnSchema>;
type Tunnel = z.infer<typeof tunnelSchema>;
type FileOr = string | { file: string };

/** What names a tunnel that has no name because there is no other. */
const ONLY_TUNNEL = 'vpn';

export interface VpnReading {
  report: Reporter;
  readFile: FileReader;
}

/** The `vpn` mapping of a network instance: one tunnel in itself, or several in `tunnels`. Files that it names are read. */
export function readVpn(vpn: Vpn, path: string, reading: VpnReading): VpnDraft {
  const { localBreakout, tunnels, ...own } = vpn;
  const first = Object.entries(own).find(([, value]) => value !== undefined && value !== null);
  const listPath = below(path, 'tunnels');
  if (tunnels && first) {
    const told = { path: below(path, first[0]), value: first[1] };
    reading.report.refuse(told, 'there is a list of tunnels too', 'write it into one of the tunnels');
  }
  return {
    localBreakout: localBreakout ?? false,
    tunnels: tunnels
      ? tunnels.map((tunnel, index) => readTunnel(tunnel, below(listPath, index), undefined, reading))
      : first
        ? [readTunnel(own, path, ONLY_TUNNEL, reading)]
        : [],
  };
}

function readTunnel(tunnel: Tunnel, path: string, onlyName: string | undefined, reading: VpnReading): TunnelDraft {
  const told = toldIn(tunnel, path);
  const name = told('name');
  if (name.value === undefined && onlyName === undefined) {
    reading.report.refuse(name, 'a tunnel in a list needs a name', 'write one: status shows the tunnel by it');
  }
  let isPartial = false;
  const content = (at: string, value: FileOr | null | undefined): Told<string | undefined> => {
    if (value === undefined || value === null) return { path: at, value: undefined };
    if (typeof value === 'string') return { path: at, value };
    const file = { path: below(at, 'file'), value: value.file };
    const text = readFileOf(file, reading);
    isPartial ||= text === undefined;
    return { path: file.path, value: text };
  };
  const secret = (key: 'psk' | 'certificate' | 'privateKey') => content(below(path, key), tunnel[key]);
  const psk = secret('psk');
  const authorities = (tunnel.authorities ?? []).map((one, index) =>
    content(below(below(path, 'authorities'), index), one),
  );
  const certificate = secret('certificate');
  const privateKey = secret('privateKey');
  return {
    path,
    name: { path: name.path, value: name.value ?? onlyName ?? 'unnamed' },
    role: tunnel.role ?? 'client',
    mode: { path: below(path, 'mode'), value: tunnel.mode ?? 'policy' },
    ikeVersion: told('ikeVersion'),
    remoteGateway: told('remoteGateway'),
    localId: told('localId'),
    remoteId: told('remoteId'),
    // An editor ends a file's last line.
    psk: { path: psk.path, value: typeof tunnel.psk === 'object' ? psk.value?.replace(/\r?\n$/, '') : psk.value },
    certificate,
    privateKey,
    authorities: authorities.flatMap(({ path: at, value }) => (value === undefined ? [] : [{ path: at, value }])),
    localSubnets: oneOrMore(tunnel, 'localSubnet', path, reading.report),
    remoteSubnets: oneOrMore(tunnel, 'remoteSubnet', path, reading.report),
    remoteSubnetsPath: below(path, 'remoteSubnet'),
    ikeProposals: proposals(tunnel.ikeProposals, below(path, 'ikeProposals')),
    espProposals: proposals(tunnel.espProposals, below(path, 'espProposals')),
    ikeRekey: told('ikeRekey'),
    espRekey: told('espRekey'),
    dpdDelay: told('dpdDelay'),
    tunnelAddress: told('tunnelAddress'),
    tunnelPeer: told('tunnelPeer'),
    mtu: told('mtu'),
    isPartial,
  };
}

function readFileOf(told: Told<string>, { report, readFile }: VpnReading): string | undefined {
  if (!/^\/[^\0]+$/.test(told.value)) {
    return void report.refuse(told, 'is not an absolute path', 'write the whole path, beginning with /');
  }
  try {
    return readFile(told.value);
  } catch (error) {
    const reason = `this file ${(error as Error).message}`;
    return void report.refuse(told, reason, 'give the path of a file that nibox may read, or write the text here');
  }
}

/** `localSubnet` with one network or `localSubnets` with several. */
function oneOrMore(
  tunnel: Tunnel,
  one: 'localSubnet' | 'remoteSubnet',
  path: string,
  report: Reporter,
): Told<string>[] {
  const several = `${one}s` as const;
  const single = tunnel[one];
  const many = tunnel[several];
  const told = { path: below(path, one), value: single ?? '' };
  if (typeof single === 'string' && many) {
    report.refuse(told, `there is ${several} too`, `write it into ${several}`);
  }
  if (many) return many.map((value, index) => ({ path: below(below(path, several), index), value }));
  return typeof single === 'string' ? [told] : [];
}

/** A list, or text with commas as strongSwan takes it. */
function proposals(value: string | string[] | null | undefined, path: string): Told<string>[] {
  if (Array.isArray(value)) return value.map((one, index) => ({ path: below(path, index), value: one }));
  return value ? value.split(',').map(one => ({ path, value: one.trim() })) : [];
}
