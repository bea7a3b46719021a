import { createHash } from 'node:crypto';
import { isMissing, type Nft, nft } from '../../shared/kernel/nft.ts';
import { CommandError } from '../../shared/kernel/run.ts';
import { eidSetName } from './ace-boxes.ts';
import { type Ruleset, TABLE_NAME } from './table.ts';
import { renderTransaction } from './transaction.ts';

/** What a load did. */
export interface Applied {
  /** Of what the kernel has now; see readFingerprint. */
  fingerprint: string;
  /** The number of transactions that wrote: 0 when nothing was to be done. */
  written: 0 | 1;
  /** Everything was made anew: counters began at 0, what dnsmasq had put into host sets is lost. */
  rebuilt: boolean;
}

/**
 * Brings the kernel from `present` to `wanted` in one transaction. When the kernel refuses the difference because it no longer has
 * what `present` says, everything is made anew in one.
 */
export async function applyRuleset(wanted: Ruleset, present: Ruleset | null, nftables: Nft = nft): Promise<Applied> {
  let script = renderTransaction(wanted, present);
  let rebuilt = present === null;
  if (script !== '') {
    try {
      await nftables(['-f', '-'], script);
    } catch (error) {
      if (rebuilt || !(error instanceof CommandError)) throw error;
      script = renderTransaction(wanted, null);
      rebuilt = true;
      await nftables(['-f', '-'], script);
    }
  }
  const fingerprint = await readFingerprint(nftables);
  if (fingerprint === null) throw new Error(`table ${TABLE_NAME} was removed while it was being loaded; load it again`);
  return { fingerprint, written: script === '' ? 0 : 1, rebuilt };
}

/**
 * A hash of the kernel's own text of nibox's tables, without counters and without what others put into sets. Equal to the one
 * that applyRuleset gave: nobody changed a rule. null: a table, or a set of the manager's own, is missing.
 */
export async function readFingerprint(nftables: Nft = nft): Promise<string | null> {
  const own = ([4, 6] as const).map(family => ['list', 'set', 'inet', TABLE_NAME, eidSetName(family)]);
  try {
    // -t leaves out the elements of named sets, which dnsmasq and packets change; the manager's own sets are read apart.
    // One run each: nft 1.0.6 finds only the last object when one run lists several.
    const texts = await Promise.all([
      ...(['inet', 'bridge'] as const).map(family => nftables(['-s', '-t', 'list', 'table', family, TABLE_NAME])),
      ...own.map(args => nftables(['-s', ...args])),
    ]);
    return createHash('sha256').update(texts.join('\0')).digest('hex');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
