import { readFile } from 'node:fs/promises';

/** How many flows this namespace tracks now; 0 where nothing is tracked. */
export async function readConntrackCount(): Promise<number> {
  const text = await readFile('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8').catch(() => '0');
  return Number(text.trim());
}
