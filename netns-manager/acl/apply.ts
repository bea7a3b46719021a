import { createHash } from 'node:crypto';
import { isMissing, isTooLong, type Nft, nft, readListing } from '../../shared/kernel/nft.ts';
import { CommandError } from '../../shared/kernel/run.ts';
import { stagedScripts } from './staged-load.ts';
import { type Chain, type Ruleset, TABLE_NAME, type Table } from './table.ts';
import { renderTransaction } from './transaction.ts';

/** No hash: what was found is not what was loaded a moment ago. The next look takes it for drift. */
export const CHANGED = 'changed';

/** What a load did. */
export interface Applied {
  /** Of what the kernel has now; see readFingerprint. */
  fingerprint: string;
  /** The number of transactions that wrote: 0 when nothing was to be done, several where one was too small. */
  written: number;
  /** Everything was made anew: counters began at 0, what dnsmasq had put into host sets is lost. */
  rebuilt: boolean;
}

/** The rules can't be loaded in pieces that are small enough; `cause` is what nft said. */
export class RulesTooLongError extends Error {
  readonly code = 'ERR_RULES_TOO_LONG';

  constructor(cause: CommandError) {
    super('the rules are too long for nft', { cause });
    this.name = 'RulesTooLongError';
  }
}

/**
 * Brings the kernel from `present` to `wanted`, in one transaction if it fits into one. When the kernel refuses the difference because it no longer has
 * what `present` says, everything is made anew. Throws RulesTooLongError, else what nft said.
 */
export async function applyRuleset(wanted: Ruleset, present: Ruleset | null, nftables: Nft = nft): Promise<Applied> {
  let rebuilt = present === null;
  let written: number;
  try {
    written = await load(wanted, present, nftables);
  } catch (error) {
    if (!(error instanceof CommandError) || (rebuilt && !isTooLong(error))) throw error;
    rebuilt = true;
    written = isTooLong(error) ? await loadShut(wanted, nftables) : await load(wanted, null, nftables);
  }
  const fingerprint = await readFingerprint(wanted, nftables, 'complete');
  if (fingerprint === null) throw new Error(`table ${TABLE_NAME} was removed while it was being loaded; load it again`);
  return { fingerprint, written, rebuilt };
}

/** The number of transactions. */
async function load(wanted: Ruleset, present: Ruleset | null, nftables: Nft): Promise<number> {
  const script = renderTransaction(wanted, present);
  if (script === '') return 0;
  try {
    await nftables(['-f', '-'], script);
    return 1;
  } catch (error) {
    if (!isTooLong(error)) throw error;
  }
  return await loadAll(stagedScripts(wanted, present), nftables);
}

/** For what is too long for `load`. */
async function loadShut(wanted: Ruleset, nftables: Nft): Promise<number> {
  try {
    return await loadAll(stagedScripts(wanted, null, true), nftables);
  } catch (error) {
    throw isTooLong(error) ? new RulesTooLongError(error) : error;
  }
}

async function loadAll(scripts: readonly string[], nftables: Nft): Promise<number> {
  for (const script of scripts) await nftables(['-f', '-'], script);
  return scripts.length;
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
    sets.filter(({ dynamic, isMap }) => !dynamic && !isMap).map(set => ['list', 'set', family, name, set.name]),
  );
  try {
    // -t leaves out the elements of named sets, which dnsmasq and packets change; the manager's own sets are read apart.
    // One run each: nft 1.0.6 finds only the last object when one run lists several. All maps of a family it lists in one.
    const mapped = tables.filter(table => table.sets.some(set => set.isMap));
    const [listed, sets, maps] = await Promise.all([
      Promise.all(tables.map(({ family, name }) => nftables(['-a', '-s', '-t', 'list', 'table', family, name]))),
      Promise.all(own.map(args => nftables(['-s', ...args]))),
      Promise.all(mapped.map(async table => mapsOf(table, await nftables(['-s', 'list', 'maps', table.family])))),
    ]);
    const listings = listed.map(readListing);
    const isComplete =
      tables.every(({ chains }, index) => hasAllRules(chains, listings[index]!.rules)) &&
      mapped.every((table, index) => elementCount(table) === maps[index]!.split(' : ').length - 1);
    if (check && !isComplete) return CHANGED;
    const texts = [...listings.map(({ plain }) => plain), ...sets, ...maps];
    return createHash('sha256').update(texts.join('\0')).digest('hex');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function hasAllRules(chains: readonly Chain[], found: ReadonlyMap<string, number>): boolean {
  return found.size === chains.length && chains.every(({ name, rules }) => found.get(name) === rules.length);
}

/** The maps of one table in a listing of those of all tables, without the lines that say of what type they are. */
function mapsOf({ family, name }: Table, listing: string): string {
  const [, ...tables] = listing.split(/^table /m);
  const own = tables.find(text => text.startsWith(`${family} ${name} {`)) ?? '';
  return own.replace(/^\t\ttype .*\n/gm, '');
}

function elementCount({ sets }: Table): number {
  return sets.reduce((sum, set) => sum + (set.isMap ? set.elements.length : 0), 0);
}
