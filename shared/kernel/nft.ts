import { CommandError, run } from './run.ts';

/** Runs nft with these arguments; `input` goes to its standard input. Gives what it printed. */
export type Nft = (args: readonly string[], input?: string) => Promise<string>;

/** nft of this process's network namespace. */
export const nft: Nft = (args, input) => run('nft', args, input === undefined ? {} : { input });

/** Whether nft failed because a table, chain or set is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof CommandError && error.stderr.includes('No such file or directory');
}

/** Whether a transaction was longer than the send buffer of nft's socket, which only the machine's root can make bigger. */
export function isTooLong(error: unknown): error is CommandError {
  return error instanceof CommandError && error.stderr.includes('Message too long');
}

/** A listing of `nft -a list table`: without the handles, and how many rules each chain has. */
export function readListing(text: string): { plain: string; rules: Map<string, number> } {
  const rules = new Map<string, number>();
  let chain: string | null = null;
  for (const line of text.split('\n')) {
    const begin = /^\tchain (\S+) \{/.exec(line)?.[1];
    if (begin !== undefined) {
      chain = begin;
      rules.set(chain, 0);
    } else if (line === '\t}') chain = null;
    // One that takes several lines has its handle on the last.
    else if (chain !== null && HANDLE.test(line)) rules.set(chain, rules.get(chain)! + 1);
  }
  return { plain: text.replace(new RegExp(HANDLE.source, 'gm'), ''), rules };
}

const HANDLE = / # handle \d+$/;

/** One element of a set with timeouts and counters, as `nft -j` prints it. */
export interface NftElement {
  /** The parts of a concatenated key, or the one key. */
  key: (string | number)[];
  packets: number;
  bytes: number;
  /** Seconds until it goes; null: never. */
  expires: number | null;
}

/** Named counters of a table: name, packets, bytes. */
export async function listCounters(
  nftables: Nft,
  table: string,
): Promise<{ name: string; packets: number; bytes: number }[]> {
  const counters: { name: string; packets: number; bytes: number }[] = [];
  for (const item of objects(await nftables(['-j', 'list', 'counters', 'table', ...table.split(' ')]))) {
    const { counter } = item;
    if (isRecord(counter)) {
      counters.push({ name: String(counter.name), packets: Number(counter.packets), bytes: Number(counter.bytes) });
    }
  }
  return counters;
}

/** The elements of several sets of a table, in the order of `names`. One run each: nft 1.0.6 finds only the last of several. */
export function listElements(nftables: Nft, table: string, names: readonly string[]): Promise<NftElement[][]> {
  return Promise.all(
    names.map(async name => {
      const listed = objects(await nftables(['-j', '-n', 'list', 'set', ...table.split(' '), name]));
      return listed.flatMap(({ set }) => (isRecord(set) && Array.isArray(set.elem) ? set.elem.map(parseElement) : []));
    }),
  );
}

function parseElement(raw: unknown): NftElement {
  const elem = isRecord(raw) && isRecord(raw.elem) ? raw.elem : { val: raw };
  const value = isRecord(elem.val) && Array.isArray(elem.val.concat) ? elem.val.concat : [elem.val];
  const counter = isRecord(elem.counter) ? elem.counter : {};
  return {
    key: value.map(part => (typeof part === 'number' ? part : String(part))),
    packets: Number(counter.packets ?? 0),
    bytes: Number(counter.bytes ?? 0),
    expires: typeof elem.expires === 'number' ? elem.expires : null,
  };
}

function objects(json: string): Record<string, unknown>[] {
  const document: unknown = JSON.parse(json);
  const list = isRecord(document) ? document.nftables : undefined;
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
