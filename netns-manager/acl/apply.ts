import { createHash } from 'node:crypto';
import { isMissing, type Nft, nft, readListing } from '../../shared/kernel/nft.ts';
import { CommandError } from '../../shared/kernel/run.ts';
import { type Chain, type Ruleset, TABLE_NAME } from './table.ts';
import { renderTransaction } from './transaction.ts';

/** No hash: what was found is not what was loaded a moment ago. The next look takes it for drift. */
export const CHANGED = 'changed';

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
  const fingerprint = await readFingerprint(wanted, nftables, 'complete');
  if (fingerprint === null) throw new Error(`table ${TABLE_NAME} was removed while it was being loaded; load it again`);
  return { fingerprint, written: script === '' ? 0 : 1, rebuilt };
}

/**
 * A hash of the kernel's own text of the tables that `loaded` has, without counters and without what others put into sets. Equal
 * to the one that applyRuleset gave: nobody changed a rule. null: a table, or a set of the manager's own, is missing.
 * `complete`: of what was loaded just now. Who changes it before it is read must not have his own taken for ours: CHANGED then.
 */
export async function readFingerprint(
  { tables }: Ruleset,
  nftables: Nft = nft,
  check: 'complete' | null = null,
): Promise<string | null> {
  const own = tables.flatMap(({ family, name, sets }) =>
    sets.filter(({ dynamic }) => !dynamic).map(set => ['list', 'set', family, name, set.name]),
  );
  try {
    // -t leaves out the elements of named sets, which dnsmasq and packets change; the manager's own sets are read apart.
    // One run each: nft 1.0.6 finds only the last object when one run lists several.
    const [listed, sets] = await Promise.all([
      Promise.all(tables.map(({ family, name }) => nftables(['-a', '-s', '-t', 'list', 'table', family, name]))),
      Promise.all(own.map(args => nftables(['-s', ...args]))),
    ]);
    const listings = listed.map(readListing);
    if (check && !tables.every(({ chains }, index) => hasAllRules(chains, listings[index]!.rules))) return CHANGED;
    const texts = [...listings.map(({ plain }) => plain), ...sets];
    return createHash('sha256').update(texts.join('\0')).digest('hex');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function hasAllRules(chains: readonly Chain[], found: ReadonlyMap<string, number>): boolean {
  return found.size === chains.length && chains.every(({ name, rules }) => found.get(name) === rules.length);
}
