import type { Ace } from '../../shared/proto/messages.ts';
import { AceAction } from '../../shared/proto/messages.ts';
import { aceBoxes, type Sense } from './ace-boxes.ts';
import { type Box, boxesOverlap, type PortRange } from './box.ts';
import { type Entry, type Group, layer } from './layers.ts';
import { markText, userMark } from './mark.ts';
import type { Family } from './prefix.ts';

/** The rules that judge a first packet by an ACL: they set the packet's mark to the decision and go on in chain `next`. */
export function matchRules(vif: number, acl: readonly Ace[], family: Family, sense: Sense, next: string): string[] {
  return layer(entries(vif, acl, family, sense)).map(group => rule(group, family, sense, next));
}

function entries(vif: number, acl: readonly Ace[], family: Family, sense: Sense): Entry[] {
  const list = acl.flatMap(ace => {
    const mark = userMark(vif, ace.id, ace.action === AceAction.DROP);
    return aceBoxes(vif, ace, family, sense).map(box => ({ box, mark }));
  });
  if (sense !== 'mapped') return list;
  // Only packets to ports that are mapped get here: the rest of a long ACL would be dead weight.
  const maps = list.filter(entry => entry.box.portmap !== null).map(entry => ({ ...entry.box, portmap: null }));
  return list.filter(entry => maps.some(map => boxesOverlap(map, entry.box)));
}

interface Field {
  expression: string;
  text(box: Box): string | null;
}

function fields(family: Family, sense: Sense): Field[] {
  return [
    { expression: remoteExpression(family, sense), text: box => box.remote?.text ?? null },
    { expression: 'meta l4proto', text: box => box.protocol?.toString() ?? null },
    { expression: 'th sport', text: box => portsText(box.source) },
    { expression: 'th dport', text: box => portsText(box.destination) },
    { expression: 'meta mark', text: box => (box.portmap === null ? null : markText(box.portmap)) },
  ];
}

function rule({ entries: [first, ...others] }: Group, family: Family, sense: Sense, next: string): string {
  const remote = remoteExpression(family, sense);
  const inSets = first!.box.sets.map(name => `${remote} @${name} `).join('');
  const keys = fields(family, sense).filter(field => field.text(first!.box) !== null);
  if (others.length === 0 || keys.length === 0) {
    const matches = keys.map(field => `${field.expression} ${field.text(first!.box)} `).join('');
    return `${inSets}${matches}meta mark set ${markText(first!.mark)} goto ${next}`;
  }
  const elements = [first!, ...others].map(
    ({ box, mark }) => `${keys.map(field => field.text(box)).join(' . ')} : ${markText(mark)}`,
  );
  const key = keys.map(field => field.expression).join(' . ');
  return `${inSets}meta mark set ${key} map { ${elements.join(', ')} } goto ${next}`;
}

function remoteExpression(family: Family, sense: Sense): string {
  return `${family === 4 ? 'ip' : 'ip6'} ${sense === 'outbound' ? 'daddr' : 'saddr'}`;
}

function portsText(ports: PortRange | null): string | null {
  if (ports === null) return null;
  return ports.low === ports.high ? `${ports.low}` : `${ports.low}-${ports.high}`;
}
