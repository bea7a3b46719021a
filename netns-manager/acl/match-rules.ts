import type { Ace } from '../../shared/proto/messages.ts';
import { AceAction } from '../../shared/proto/messages.ts';
import { aceBoxes, type Sense } from './ace-boxes.ts';
import { type Box, boxesOverlap, type PortRange } from './box.ts';
import { type Entry, type Group, layer } from './layers.ts';
import { markText, userMark } from './mark.ts';
import type { Family } from './prefix.ts';
import { type NamedSet, namedMap } from './table.ts';

/** What judges first packets by an ACL. */
export interface Judgement {
  /** They set the packet's mark to the decision and go on in the chain that follows. */
  rules: string[];
  /** What the rules look up. */
  maps: NamedSet[];
}

/**
 * Judges by an ACL, and goes on in chain `next`. A group of ACEs is a map with a name, so that an ACE is added by adding elements, and
 * that a long ACL can be loaded in pieces.
 */
export function matchRules(vif: number, acl: readonly Ace[], family: Family, sense: Sense, next: string): Judgement {
  const judgement: Judgement = { rules: [], maps: [] };
  for (const group of layer(entries(vif, acl, family, sense))) {
    const { rule, map } = judge(group, { vif, family, sense }, next);
    judgement.rules.push(rule);
    if (map) judgement.maps.push(map);
  }
  return judgement;
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

/** Whose ACL is read, and how. */
interface Reading {
  vif: number;
  family: Family;
  sense: Sense;
}

interface Field {
  /** In the names of maps. */
  letter: string;
  expression: string;
  type: string;
  text(box: Box): string | null;
}

function fields({ family, sense }: Reading): Field[] {
  return [
    {
      letter: 'a',
      expression: remoteExpression(family, sense),
      type: `ipv${family}_addr`,
      text: box => box.remote?.text ?? null,
    },
    {
      letter: 'p',
      expression: 'meta l4proto',
      type: 'inet_proto',
      text: box => box.protocol?.toString() ?? null,
    },
    { letter: 's', expression: 'th sport', type: 'inet_service', text: box => portsText(box.source) },
    { letter: 'd', expression: 'th dport', type: 'inet_service', text: box => portsText(box.destination) },
    {
      letter: 'm',
      expression: 'meta mark',
      type: 'mark',
      text: box => (box.portmap === null ? null : markText(box.portmap)),
    },
  ];
}

function judge({ depth, entries }: Group, reading: Reading, next: string): { rule: string; map?: NamedSet } {
  const [first, ...others] = entries as [Entry, ...Entry[]];
  const { family, sense } = reading;
  const remote = remoteExpression(family, sense);
  const inSets = first.box.sets.map(name => `${remote} @${name} `).join('');
  const keys = fields(reading).filter(field => field.text(first.box) !== null);
  if (others.length === 0 || keys.length === 0) {
    const matches = keys.map(field => `${field.expression} ${field.text(first.box)} `).join('');
    return { rule: `${inSets}${matches}meta mark set ${markText(first.mark)} goto ${next}` };
  }
  const elements = entries.map(
    ({ box, mark }) => `${keys.map(field => field.text(box)).join(' . ')} : ${markText(mark)}`,
  );
  // Of what decides the definition, so that it never changes under one name; the rest tells the VIF's maps from each other.
  const isInterval = entries.some(({ box }) => hasRange(box));
  const shape = keys.map(field => field.letter).join('') + (isInterval ? '_ranges' : '');
  const name = [`${sense}${family}`, reading.vif, depth, shape, ...first.box.sets].join('_');
  const types = [keys.map(field => field.type).join(' . '), 'mark'] as const;
  const key = keys.map(field => field.expression).join(' . ');
  return {
    rule: `${inSets}meta mark set ${key} map @${name} goto ${next}`,
    map: namedMap(name, types, elements, isInterval),
  };
}

function hasRange({ remote, source, destination }: Box): boolean {
  const isRange = (ports: PortRange | null) => ports !== null && ports.low !== ports.high;
  return (remote !== null && remote.low !== remote.high) || isRange(source) || isRange(destination);
}

function remoteExpression(family: Family, sense: Sense): string {
  return `${family === 4 ? 'ip' : 'ip6'} ${sense === 'outbound' ? 'daddr' : 'saddr'}`;
}

function portsText(ports: PortRange | null): string | null {
  if (ports === null) return null;
  return ports.low === ports.high ? `${ports.low}` : `${ports.low}-${ports.high}`;
}
