import { readFile, writeFile } from 'node:fs/promises';
import { needsBridgeNf } from './acl/bridge-nf.ts';
import { type Intent, rulesetInput } from './intent.ts';

/** Sysctls of this namespace, path below /proc/sys -> value. */
export function wantedSysctls(intent: Intent): Map<string, string> {
  const bridgeNf = needsBridgeNf(rulesetInput(intent)) ? '1' : '0';
  return new Map([
    ['net/ipv4/ip_forward', '1'],
    ...(intent.config.ipv6 ? [['net/ipv6/conf/all/forwarding', '1'] as const] : []),
    ['net/ipv4/conf/all/send_redirects', '0'],
    ['net/ipv4/conf/default/send_redirects', '0'],
    ['net/netfilter/nf_conntrack_acct', '1'],
    ['net/netfilter/nf_conntrack_timestamp', '1'],
    ['net/bridge/bridge-nf-call-iptables', bridgeNf],
    ['net/bridge/bridge-nf-call-ip6tables', bridgeNf],
  ]);
}

/** Writes those that differ. Gives the written ones and path -> error. */
export async function applySysctls(
  wanted: ReadonlyMap<string, string>,
): Promise<{ written: string[]; errors: Map<string, string> }> {
  const written: string[] = [];
  const errors = new Map<string, string>();
  for (const [path, value] of wanted) {
    try {
      const file = `/proc/sys/${path}`;
      if ((await readFile(file, 'utf8')).trim() === value) continue;
      await writeFile(file, value);
      written.push(path);
    } catch (error) {
      errors.set(`sysctl:${path}`, `can't be set to ${value}: ${(error as Error).message}`);
    }
  }
  return { written, errors };
}
