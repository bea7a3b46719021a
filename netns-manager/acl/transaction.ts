import type { Chain, NamedSet, Ruleset, Table } from './table.ts';

/**
 * Renders the one script for `nft -f -` that turns `present` into `wanted`; empty when nothing is to be done. Chains that did not
 * change, counters and the elements that others added stay as they are. `present` null: unknown or gone, everything is made anew.
 */
export function renderTransaction(wanted: Ruleset, present: Ruleset | null): string {
  const steps = wanted.tables.map(table => {
    const before = present?.tables.find(({ family, name }) => family === table.family && name === table.name);
    return before && canChange(before, table) ? changeTable(table, before) : makeTable(table);
  });
  const gone = (present?.tables ?? [])
    .filter(({ family, name }) => !wanted.tables.some(table => table.family === family && table.name === name))
    .map(({ family, name }) => `delete table ${family} ${name}\n`);
  return [...gone, ...steps].join('');
}

function makeTable(table: Table): string {
  const id = `${table.family} ${table.name}`;
  return `add table ${id}\ndelete table ${id}\n${block(table, table.counters, table.sets, table.chains)}`;
}

/** Hooks and set definitions can't be changed in place. */
function canChange(before: Table, after: Table): boolean {
  const hooks = new Map(before.chains.map(chain => [chain.name, chain.hook]));
  const definitions = new Map(before.sets.map(set => [set.name, definitionText(set)]));
  return (
    after.chains.every(chain => !hooks.has(chain.name) || hooks.get(chain.name) === chain.hook) &&
    after.sets.every(set => (definitions.get(set.name) ?? definitionText(set)) === definitionText(set))
  );
}

function changeTable(after: Table, before: Table): string {
  const id = `${after.family} ${after.name}`;
  const wantedRules = new Map(after.chains.map(chain => [chain.name, chain.rules.join('\n')]));
  const presentRules = new Map(before.chains.map(chain => [chain.name, chain.rules.join('\n')]));
  const presentSets = new Map(before.sets.map(set => [set.name, set]));
  const goneChains = before.chains.filter(chain => !wantedRules.has(chain.name));
  const changed = after.chains.filter(chain => presentRules.get(chain.name) !== wantedRules.get(chain.name));
  const flushed = [...changed.filter(chain => presentRules.has(chain.name)), ...goneChains];
  const goneSets = missing(before.sets, after.sets);
  const newCounters = after.counters.filter(name => !before.counters.includes(name));
  const newSets = after.sets.filter(set => !presentSets.has(set.name));

  // Rules go first, then what they referred to; the new rules come last.
  const lines = [
    ...flushed.map(chain => `flush chain ${id} ${chain.name}`),
    ...goneChains.map(chain => `delete chain ${id} ${chain.name}`),
    ...goneSets.map(set => `delete set ${id} ${set.name}`),
    ...before.counters.filter(name => !after.counters.includes(name)).map(name => `delete counter ${id} ${name}`),
    ...after.sets.flatMap(set => changeElements(id, set, presentSets.get(set.name))),
  ];
  const script = lines.map(line => `${line}\n`).join('');
  return newCounters.length + newSets.length + changed.length === 0
    ? script
    : script + block(after, newCounters, newSets, changed);
}

/** Deleting an element that is gone already would fail the whole transaction, so it is added first. */
function changeElements(id: string, after: NamedSet, before: NamedSet | undefined): string[] {
  if (!before) return [];
  const gone = before.elements.filter(element => !after.elements.includes(element)).join(', ');
  const added = after.elements.filter(element => !before.elements.includes(element)).join(', ');
  return [
    ...(gone ? [`add element ${id} ${after.name} { ${gone} }`, `delete element ${id} ${after.name} { ${gone} }`] : []),
    ...(added ? [`add element ${id} ${after.name} { ${added} }`] : []),
  ];
}

/** Chains are declared before any has rules, so that they may refer to each other in any order. */
function block(table: Table, counters: string[], sets: NamedSet[], chains: Chain[]): string {
  const lines = [
    ...counters.map(name => `  counter ${name} {\n  }`),
    ...sets.map(set => `  set ${set.name} {\n${indent(setBody(set))}\n  }`),
    ...chains.map(
      chain => `  chain ${chain.name} {\n${indent([...(chain.hook ? [chain.hook] : []), ...chain.rules])}\n  }`,
    ),
  ];
  return `table ${table.family} ${table.name} {\n${lines.join('\n')}\n}\n`;
}

function setBody(set: NamedSet): string[] {
  return [...set.definition, ...(set.elements.length === 0 ? [] : [`elements = { ${set.elements.join(', ')} }`])];
}

function indent(lines: readonly string[]): string {
  return lines.map(line => `    ${line}`).join('\n');
}

function definitionText(set: NamedSet): string {
  return set.definition.join('; ');
}

function missing(before: NamedSet[], after: NamedSet[]): NamedSet[] {
  const names = new Set(after.map(set => set.name));
  return before.filter(set => !names.has(set.name));
}
