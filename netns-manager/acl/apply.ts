import { fingerprint as fingerprintOf } from '../../shared/digest.ts';
import { isTooLong, type Nft, nft, readListing } from '../../shared/kernel/nft.ts';
import { CommandError } from '../../shared/kernel/run.ts';
import { stagedScripts } from './staged-load.ts';
import { type Ruleset, TABLE_NAME, type Table } from './table.ts';
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
 * to the one that applyRuleset gave: nobody changed a rule. null: a table is missing.
 * `complete`: of what was loaded just now. Who changes it before it is read must not have his own taken for ours: CHANGED then.
 */
export async function readFingerprint(
  { tables }: Ruleset,
  nftables: Nft = nft,
  check: 'complete' | null = null,
): Promise<string | null> {
  // By one program, as each takes as long as a load. Of several lists in one run nft 1.0.6 prints only the last.
  const [, ...listed] = (await nftables(['-a', '-s', 'list', 'ruleset'])).split(/^table /m);
  const found: { table: Table; text: string }[] = [];
  for (const table of tables) {
    const text = listed.find(candidate => candidate.startsWith(`${table.family} ${table.name} {`));
    if (text === undefined) return null;
    found.push({ table, text });
  }
  if (check && !found.every(({ table, text }) => isComplete(table, text))) return CHANGED;
  const texts = found.map(({ table, text }) => withoutForeign(table, readListing(text).plain));
  return fingerprintOf(texts.join('\0'));
}

function isComplete({ chains, sets }: Table, text: string): boolean {
  const { rules } = readListing(text);
  const blocks = new Map([...text.matchAll(SET)].map(([block, name]) => [name, block]));
  return (
    rules.size === chains.length &&
    chains.every(chain => rules.get(chain.name) === chain.rules.length) &&
    sets.every(set => blocks.has(set.name) && (!set.isMap || pairsIn(blocks.get(set.name)!) === set.elements.length))
  );
}

/** Without the elements that dnsmasq and packets put into sets. */
function withoutForeign({ sets }: Table, plain: string): string {
  const dynamic = new Set(sets.filter(set => set.dynamic).map(({ name }) => name));
  return plain.replace(SET, (block, name) => (dynamic.has(name) ? block.replace(ELEMENTS, '') : block));
}

/** A set or map in the listing of a table, with its name. */
const SET = /^\t(?:set|map) (\S+) \{[\s\S]*?\n\t\}$/gm;
const ELEMENTS = /\n\t\telements = \{[\s\S]*(?=\n\t\}$)/;

/** The elements of a map, `key : value` each; so is the line that says of what type it is. */
function pairsIn(map: string): number {
  return map.split(' : ').length - 2;
}
