import type { Actual, ActualRule } from './actual.ts';
import { connected, type RootIntent } from './intent.ts';
import { isNiboxTable, type TableNumbers } from './tables.ts';

const fromInstance = 1000;
const toInstance = 2000;
const movedLocal = 10_000;

/** Commands for the policy rules. */
export function planRules(intent: RootIntent, { rules }: Actual, tables: TableNumbers): string[] {
  const wanted = connected(intent).flatMap(({ device, uplink, number }) => [
    `priority ${fromInstance} iif ${device} lookup ${tables.ofUplink(uplink)}`,
    `priority ${toInstance} oif ${device} lookup ${tables.ofInstance(number)}`,
  ]);
  const has = rules.filter(rule => tables.owns(Number(rule.table))).map(ruleText);
  const kept = new Set<string>();
  const stale = has.filter(rule => {
    if (!wanted.includes(rule) || kept.has(rule)) return true;
    kept.add(rule);
    return false;
  });
  return [
    ...wanted.filter(rule => !kept.has(rule)).map(rule => `rule add ${rule}`),
    ...stale.map(rule => `rule delete ${rule}`),
    ...moveLocal(rules, 0, movedLocal),
  ];
}

/** Commands that take our rules away, and put `local` first again when no other nibox needs it elsewhere. */
export function planRuleRemoval({ rules }: Actual, tables: TableNumbers): string[] {
  const ours = rules.filter(rule => tables.owns(Number(rule.table))).map(rule => `rule delete ${ruleText(rule)}`);
  return othersAreHere(rules, tables) ? ours : [...moveLocal(rules, movedLocal, 0), ...ours];
}

/** Whether rules of a nibox under another prefix are in this namespace. */
export function othersAreHere(rules: readonly ActualRule[], tables: TableNumbers): boolean {
  return rules.some(
    ({ priority, table }) =>
      (priority === fromInstance || priority === toInstance) &&
      isNiboxTable(Number(table)) &&
      !tables.owns(Number(table)),
  );
}

/** Adds before it deletes: without any `local` rule the device is deaf. */
function moveLocal(rules: readonly ActualRule[], from: number, to: number): string[] {
  const at = (priority: number) => rules.filter(rule => rule.table === 'local' && rule.priority === priority);
  return [
    ...(at(to).length > 0 ? [] : [`rule add priority ${to} from all lookup local`]),
    ...at(from).map(() => `rule delete priority ${from} from all lookup local`),
  ];
}

export function ruleText({ priority, iif, oif, table }: ActualRule): string {
  return `priority ${priority}${iif ? ` iif ${iif}` : ''}${oif ? ` oif ${oif}` : ''} lookup ${table}`;
}
