import type { run } from '../../shared/kernel/run.ts';
import type { Actual, ActualRule } from '../routing/actual.ts';
import { ruleText } from '../routing/rules.ts';
import type { TableNumbers } from '../routing/tables.ts';
import type { Finding } from './finding.ts';
import { ownsTransit } from './links.ts';
import type { Owned } from './owned.ts';

/**
 * Policy rules and routing tables in our ranges that lead from, to or over nothing. What is wrong inside a table that has an owner is
 * drift: the next pass puts it right.
 */
export function findPolicy(
  owned: Owned,
  { rules, routes }: Actual,
  tables: TableNumbers,
  execute: typeof run,
): Finding[] {
  const known = new Map<number, string>();
  for (const uplink of owned.uplinks) {
    const index = tables.uplinks[uplink];
    if (index !== undefined) known.set(tables.ofUplink(uplink), `uplink ${uplink}`);
  }
  for (const { number, name } of owned.instances.values()) {
    if (number !== null) known.set(tables.ofInstance(number), name);
  }
  const seen = new Set<string>();
  const stale = rules.flatMap(rule => {
    const text = ruleText(rule);
    const why = seen.has(text) ? 'it is there twice' : whyRule(rule, owned, tables, known);
    if (tables.owns(Number(rule.table))) seen.add(text);
    return why === null ? [] : [ruleFinding(text, why, execute)];
  });
  const strange = new Set(
    routes.map(({ table }) => Number(table)).filter(table => tables.owns(table) && !known.has(table)),
  );
  return [...stale, ...[...strange].map(table => tableFinding(table, execute))];
}

function whyRule(
  { iif, oif, table }: ActualRule,
  owned: Owned,
  tables: TableNumbers,
  known: ReadonlyMap<number, string>,
): string | null {
  for (const device of [iif, oif]) {
    const number = device?.startsWith(owned.prefix) ? device.slice(owned.prefix.length) : '';
    if (/^[0-9]+$/.test(number) && !ownsTransit(owned, Number(number)))
      return `no network instance has the transit link ${device}`;
  }
  if (!tables.owns(Number(table))) return null;
  if (!known.has(Number(table))) return `no uplink and no network instance has the table ${table}`;
  return iif === undefined && oif === undefined
    ? `${known.get(Number(table))}'s table is asked by transit links alone`
    : null;
}

function ruleFinding(text: string, why: string, execute: typeof run): Finding {
  const remove = async () => void (await execute('ip', ['-4', 'rule', 'delete', ...text.split(' ')]));
  return { kind: 'rule', name: text, why, how: 'ip rule delete', remove };
}

function tableFinding(table: number, execute: typeof run): Finding {
  return {
    kind: 'route',
    name: `table ${table}`,
    why: 'no uplink and no network instance has this table',
    how: 'ip route flush table',
    remove: async () => void (await execute('ip', ['-4', 'route', 'flush', 'table', `${table}`])),
  };
}
