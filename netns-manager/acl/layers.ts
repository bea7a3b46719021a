import { type Box, containsBox } from './box.ts';
import { BoxIndex } from './box-index.ts';

/** First packets in `box` get `mark`, if no earlier entry matches. */
export interface Entry {
  box: Box;
  mark: number;
}

/** Entries of one shape without overlap: one map can hold them, and their order does not matter. */
export interface Group {
  /** Groups of a smaller depth come first. */
  depth: number;
  entries: Entry[];
}

/**
 * Turns an ordered list (first match wins) into few groups with the same meaning. An entry's layer is one deeper than the deepest
 * layer of the earlier entries that it overlaps, so entries of one layer are disjoint; layers are tried in order. Entries that an
 * earlier one covers can never match and are left out.
 */
export function layer(list: readonly Entry[]): Group[] {
  const kept = new BoxIndex<number>();
  const layers: Map<string, Group>[] = [];
  for (const entry of list) {
    let depth = 0;
    const isCovered = kept.someOverlapping(entry.box, (box, its) => {
      depth = Math.max(depth, its + 1);
      return containsBox(box, entry.box);
    });
    if (isCovered) continue;
    kept.add(entry.box, depth);
    layers[depth] ??= new Map();
    const groups = layers[depth]!;
    const shape = shapeOf(entry.box);
    const group = groups.get(shape);
    if (group) group.entries.push(entry);
    else groups.set(shape, { depth, entries: [entry] });
  }
  return layers.flatMap(groups => [...groups.values()]);
}

/** Which fields a box restricts, and by which sets: boxes of one shape can be keys of one map. */
function shapeOf(box: Box): string {
  const fields = [box.remote, box.protocol, box.source, box.destination, box.portmap];
  return [...fields.map(field => (field === null ? '-' : '+')), ...box.sets].join(' ');
}
