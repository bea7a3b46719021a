import type { Chain, NamedSet, Ruleset, Table } from './table.ts';
import { canChangeAll, chainCommands, listCommands, renderTransaction, tableOf } from './transaction.ts';

/**
 * A transaction has to fit into the send buffer of nft's socket, and who is not root of the machine can't make that bigger than
 * `net.core.wmem_default` (212 992 bytes unless somebody changed it). What does not fit is loaded by several scripts, so that no packet
 * is ever judged by half an ACL:
 *
 *     shut    gates to ACLs that will change drop; when all is made anew: all gates
 *     fill    what no packet reaches now, in pieces
 *     turn    everything else that packets reach, in one transaction
 *     open    the gates, one or some at a time
 *     clear   what nobody refers to any more, in pieces
 *
 * For that time new flows of these VIFs get no answer; known flows go on. `shutAll`: no packet passes meanwhile. That is for what is too
 * long otherwise (hundreds of VIFs or port maps), as nothing but the hooks has to be in one transaction then.
 */
export function stagedScripts(wanted: Ruleset, present: Ruleset | null, shutAll = false): string[] {
  const before = !shutAll && present !== null && canChangeAll(present, wanted) ? present : null;
  const shell = shutAll ? hooksOf : shellOf;
  const shut = each(wanted, table => (before ? shutGates(table, tableOf(before, table)!) : shell(table)));
  const filled = each(wanted, table => fill(table, tableOf(shut, table)!));
  const open = each(wanted, table => union(table, tableOf(filled, table)!));
  const turned = each(open, table => withGatesOf(table, tableOf(filled, table)!));
  return [
    renderTransaction(shut, before),
    ...inPieces(commands(filled, shut)),
    renderTransaction(turned, filled),
    // A gate that is half open is none.
    ...inPieces(open.tables.flatMap(table => chainCommands(table, tableOf(turned, table)!))),
    ...inPieces(commands(wanted, open)),
  ].filter(script => script !== '');
}

/** Estimated bytes of netlink in one piece. */
const PIECE_BYTES = 180 * 1024;
const SHUT = ['drop'];

function each(ruleset: Ruleset, make: (table: Table) => Table): Ruleset {
  return { tables: ruleset.tables.map(make) };
}

function commands(after: Ruleset, before: Ruleset): string[] {
  return after.tables.flatMap(table => listCommands(table, tableOf(before, table)!));
}

function inPieces(commands: readonly string[]): string[] {
  const pieces: string[] = [];
  let piece = '';
  let bytes = 0;
  for (const command of commands) {
    const more = command.split('\n').reduce((sum, line) => sum + estimate(line), 0);
    if (bytes + more > PIECE_BYTES && piece !== '') {
      pieces.push(piece);
      [piece, bytes] = ['', 0];
    }
    piece += `${command}\n`;
    bytes += more;
  }
  return [...pieces, piece];
}

/** How long a command is in netlink at most. A rule's expressions take much more than its text, elements up to twice theirs. */
function estimate(command: string): number {
  if (command.startsWith('add rule')) return 100 + 8 * command.length;
  return 90 + (command.includes(' element ') ? 2.5 * command.length : 0);
}

/** The table's hooks, which let nothing pass. A hook for NAT can't stop packets, and translates none. */
function hooksOf(table: Table): Table {
  const hooks = table.chains.filter(({ hook }) => hook !== undefined);
  const chains = hooks.map(chain => ({ ...chain, rules: chain.hook!.startsWith('type nat') ? [] : SHUT }));
  return { ...table, counters: [], sets: [], chains };
}

/** The table's hooks and what they reach with all gates shut. */
function shellOf(table: Table): Table {
  const gates = table.chains.map(chain => (chain.isGate ? { ...chain, rules: SHUT } : chain));
  const empty = table.sets.map(set => (set.isMap ? { ...set, elements: [] } : set));
  const { chains: live, sets } = reachedFrom(
    { ...table, chains: gates, sets: empty },
    gates.filter(chain => chain.hook !== undefined),
  );
  const chains = gates.filter(chain => live.has(chain.name));
  const rules = chains.flatMap(chain => chain.rules).join('\n');
  return {
    ...table,
    counters: table.counters.filter(name => rules.includes(`counter name "${name}"`)),
    sets: empty.filter(({ name }) => sets.has(name)),
    chains,
  };
}

/** The present table, but with the gates shut through which alone something is reached that will be another. */
function shutGates(wanted: Table, present: Table): Table {
  const isGate = new Set(wanted.chains.filter(chain => chain.isGate).map(chain => chain.name));
  const behind = [behindGates(wanted, isGate), behindGates(present, isGate)];
  const differs = differing(wanted, present);
  const chains = present.chains.map(chain => {
    const changes = behind.some(gates => [...(gates.get(chain.name) ?? [])].some(name => differs.has(name)));
    return changes ? { ...chain, rules: SHUT } : chain;
  });
  return { ...present, chains };
}

/** Per gate the names of the chains and sets that are reached through it alone. */
function behindGates(table: Table, isGate: ReadonlySet<string>): Map<string, Set<string>> {
  const gates = table.chains.filter(({ name }) => isGate.has(name));
  const others = table.chains.map(chain => (isGate.has(chain.name) ? { ...chain, rules: SHUT } : chain));
  const reached = gates.map(gate => {
    const { chains, sets } = reachedFrom({ ...table, chains: others }, [gate]);
    return new Set([...chains, ...sets]);
  });
  const elsewhere = reachedFrom(
    { ...table, chains: others },
    others.filter(chain => chain.hook !== undefined),
  );
  const times = new Map<string, number>();
  for (const name of reached.flatMap(names => [...names])) times.set(name, (times.get(name) ?? 0) + 1);
  const isAlone = (name: string) => times.get(name) === 1 && !elsewhere.chains.has(name) && !elsewhere.sets.has(name);
  return new Map(gates.map((gate, index) => [gate.name, new Set([...reached[index]!].filter(isAlone))]));
}

/** The names of chains and sets that are not the same in both. */
function differing(a: Table, b: Table): Set<string> {
  const texts = ({ chains, sets }: Table) =>
    new Map([
      ...chains.map(({ name, rules }): [string, string] => [name, rules.join('\n')]),
      ...sets.map(({ name, elements }): [string, string] => [name, elements.join()]),
    ]);
  const [ofA, ofB] = [texts(a), texts(b)];
  return new Set([...ofA.keys(), ...ofB.keys()].filter(name => ofA.get(name) !== ofB.get(name)));
}

/** All that is wanted but for what packets reach; that and what is not wanted any more stays as it is. */
function fill(wanted: Table, present: Table): Table {
  const live = reachedFrom(
    present,
    present.chains.filter(chain => chain.hook !== undefined),
  );
  const chains = wanted.chains.filter(chain => !live.chains.has(chain.name) && chain.hook === undefined);
  const sets = wanted.sets.filter(set => !live.sets.has(set.name) || isHarmless(set));
  return union({ ...wanted, chains, sets }, present);
}

function withGatesOf(table: Table, other: Table): Table {
  const rules = new Map(other.chains.map(chain => [chain.name, chain.rules]));
  const chains = table.chains.map(chain =>
    chain.isGate ? { ...chain, rules: rules.get(chain.name) ?? chain.rules } : chain,
  );
  return { ...table, chains };
}

/** Maps that only count and limit may be incomplete for a moment. */
function isHarmless({ isMap, definition }: NamedSet): boolean {
  return isMap === true && !definition[0]!.endsWith(': mark');
}

/** All of the first, and what only the second has. */
function union(first: Table, second: Table): Table {
  const more = <T extends { name: string }>(of: T[], and: T[]) => {
    const names = new Set(of.map(({ name }) => name));
    return [...of, ...and.filter(({ name }) => !names.has(name))];
  };
  return {
    ...first,
    counters: [...new Set([...first.counters, ...second.counters])],
    sets: more(first.sets, second.sets),
    chains: more(first.chains, second.chains),
  };
}

/** The names of the chains that packets reach from some, those included, and of the sets that are looked up on the way. */
function reachedFrom(table: Table, starts: readonly Chain[]): { chains: Set<string>; sets: Set<string> } {
  const byName = new Map(table.chains.map(chain => [chain.name, chain]));
  const setByName = new Map(table.sets.map(set => [set.name, set]));
  const chains = new Set<string>();
  const sets = new Set<string>();
  const waiting = [...starts];
  for (let chain = waiting.pop(); chain; chain = waiting.pop()) {
    if (chains.has(chain.name)) continue;
    chains.add(chain.name);
    const texts = [...chain.rules];
    for (const [, name] of chain.rules.join('\n').matchAll(/@(\w+)/g)) {
      if (sets.has(name!)) continue;
      sets.add(name!);
      texts.push(...(setByName.get(name!)?.elements ?? []));
    }
    for (const [, name] of texts.join('\n').matchAll(/\b(?:goto|jump) (\w+)/g)) {
      const next = byName.get(name!);
      if (next) waiting.push(next);
    }
  }
  return { chains, sets };
}
