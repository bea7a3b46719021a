import type { Chain, NamedSet, Ruleset, Table } from './table.ts';

/**
 * Renders the one script for `nft -f -` that turns `present` into `wanted`; empty when nothing is to be done. Chains that did not
 * change, counters and the elements that others added stay as they are. `present` null: unknown or gone, everything is made anew.
 */
export function renderTransaction(wanted: Ruleset, present: Ruleset | null): string {
  const steps = wanted.tables.map(table => {
    const before = present && tableOf(present, table);
    return before && canChange(before, table) ? changeTable(table, before) : makeTable(table);
  });
  const gone = (present?.tables ?? [])
    .filter(table => !tableOf(wanted, table))
    .map(({ family, name }) => `delete table ${family} ${name}\n`);
  return [...gone, ...steps].join('');
}

function makeTable(table: Table): string {
  const id = idOf(table);
  return `add table ${id}\ndelete table ${id}\n${block(table, table.counters, table.sets, table.chains)}`;
}

/** The table of the same family and name. */
export function tableOf({ tables }: Ruleset, like: Table): Table | undefined {
  return tables.find(({ family, name }) => family === like.family && name === like.name);
}

/** Whether one becomes the other without making a table anew. */
export function canChangeAll(before: Ruleset, after: Ruleset): boolean {
  if (before.tables.length !== after.tables.length) return false;
  return after.tables.every(table => {
    const present = tableOf(before, table);
    return present !== undefined && canChange(present, table);
  });
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

/** What turns one state of a table into another, in the order in which it may be done. */
interface Difference {
  flushed: Chain[];
  /** Elements of sets that stay, before anything new is made and after. */
  elements: ElementChange[];
  goneSets: NamedSet[];
  goneChains: Chain[];
  goneCounters: string[];
  newCounters: string[];
  newSets: NamedSet[];
  /** New ones too. */
  changed: Chain[];
}

function differenceOf(after: Table, before: Table): Difference {
  const id = idOf(after);
  const wantedRules = new Map(after.chains.map(chain => [chain.name, chain.rules.join('\n')]));
  const presentRules = new Map(before.chains.map(chain => [chain.name, chain.rules.join('\n')]));
  const presentSets = new Map(before.sets.map(set => [set.name, set]));
  const presentCounters = new Set(before.counters);
  const wantedCounters = new Set(after.counters);
  const goneChains = before.chains.filter(chain => !wantedRules.has(chain.name));
  const changed = after.chains.filter(chain => presentRules.get(chain.name) !== wantedRules.get(chain.name));
  return {
    flushed: [...changed.filter(chain => presentRules.has(chain.name)), ...goneChains],
    elements: after.sets.map(set => changeElements(id, set, presentSets.get(set.name))),
    goneSets: missing(before.sets, after.sets),
    goneChains,
    goneCounters: before.counters.filter(name => !wantedCounters.has(name)),
    newCounters: after.counters.filter(name => !presentCounters.has(name)),
    newSets: after.sets.filter(set => !presentSets.has(set.name)),
    changed,
  };
}

/** Rules go first, then what they referred to. */
function removals(id: string, { flushed, elements, goneSets, goneChains, goneCounters }: Difference): string[] {
  return [
    ...flushed.map(chain => `flush chain ${id} ${chain.name}`),
    ...elements.flatMap(change => change.before),
    ...goneSets.map(set => `delete ${kindOf(set)} ${id} ${set.name}`),
    ...goneChains.map(chain => `delete chain ${id} ${chain.name}`),
    ...goneCounters.map(name => `delete counter ${id} ${name}`),
  ];
}

function changeTable(after: Table, before: Table): string {
  const difference = differenceOf(after, before);
  const { newCounters, newSets, changed, elements } = difference;
  const isMore = newCounters.length + newSets.length + changed.length > 0;
  return [
    ...removals(idOf(after), difference).map(line => `${line}\n`),
    ...(isMore ? [block(after, newCounters, newSets, changed)] : []),
    ...elements.flatMap(change => change.after).map(line => `${line}\n`),
  ].join('');
}

/**
 * The same as a list of commands, which may be cut anywhere: what a command needs is made by those before it. Elements come last, since
 * those of maps may name chains.
 */
export function listCommands(after: Table, before: Table): string[] {
  const id = idOf(after);
  const difference = differenceOf(after, before);
  const { newCounters, newSets, changed, elements } = difference;
  const isNew = (chain: Chain) => !before.chains.some(({ name }) => name === chain.name);
  return [
    ...removals(id, difference),
    ...newCounters.map(name => `add counter ${id} ${name}`),
    ...newSets.map(set => `add ${kindOf(set)} ${id} ${set.name} { ${set.definition.join('; ')}; }`),
    ...changed.filter(isNew).map(chain => `add chain ${id} ${chain.name}`),
    ...changed.flatMap(chain => chain.rules.map(rule => `add rule ${id} ${chain.name} ${rule}`)),
    ...newSets.flatMap(set => elementCommands('add', id, set.name, set.elements)),
    ...elements.flatMap(change => change.after),
  ];
}

/** One command of several lines for each chain whose rules are others now. */
export function chainCommands(after: Table, before: Table): string[] {
  const id = idOf(after);
  return differenceOf(after, before).changed.map(({ name, rules }) =>
    [`flush chain ${id} ${name}`, ...rules.map(rule => `add rule ${id} ${name} ${rule}`)].join('\n'),
  );
}

/** Before new counters and chains are made, and after. */
interface ElementChange {
  before: string[];
  after: string[];
}

/**
 * Deleting an element that is gone already would fail the whole transaction: where others have a hand in the set it is added first.
 */
function changeElements(id: string, after: NamedSet, before: NamedSet | undefined): ElementChange {
  if (!before) return { before: [], after: [] };
  const [wanted, present] = [new Set(after.elements), new Set(before.elements)];
  const gone = before.elements.filter(element => !wanted.has(element));
  const added = after.elements.filter(element => !present.has(element));
  const adding = elementCommands('add', id, after.name, added);
  const deleting = elementCommands('delete', id, after.name, gone);
  if (after.isMap) return { before: deleting, after: adding };
  return { before: [...elementCommands('add', id, after.name, gone), ...deleting, ...adding], after: [] };
}

/** A command for each so many elements, lest one of them be too long to be loaded in pieces. */
const ELEMENTS_PER_COMMAND = 200;

function elementCommands(verb: 'add' | 'delete', id: string, set: string, elements: readonly string[]): string[] {
  const commands: string[] = [];
  for (let from = 0; from < elements.length; from += ELEMENTS_PER_COMMAND) {
    const some = elements.slice(from, from + ELEMENTS_PER_COMMAND);
    commands.push(`${verb} element ${id} ${set} { ${some.join(', ')} }`);
  }
  return commands;
}

/** Chains are declared before any has rules, so that they may refer to each other in any order. */
function block(table: Table, counters: string[], sets: NamedSet[], chains: Chain[]): string {
  const lines = [
    ...counters.map(name => `  counter ${name} {\n  }`),
    ...sets.map(set => `  ${kindOf(set)} ${set.name} {\n${indent(setBody(set))}\n  }`),
    ...chains.map(
      chain => `  chain ${chain.name} {\n${indent([...(chain.hook ? [chain.hook] : []), ...chain.rules])}\n  }`,
    ),
  ];
  return `table ${table.family} ${table.name} {\n${lines.join('\n')}\n}\n`;
}

function idOf({ family, name }: Table): string {
  return `${family} ${name}`;
}

function kindOf(set: NamedSet): 'map' | 'set' {
  return set.isMap ? 'map' : 'set';
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
