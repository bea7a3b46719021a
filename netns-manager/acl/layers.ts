import { type Box, boxesOverlap, containsBox } from './box.ts';

/** First packets in `box` get `mark`, if no earlier entry matches. */
export interface Entry {
  box: Box;
  mark: number;
}

/** Entries of one shape without overlap: one map can hold them, and their order does not matter. */
export interface Group {
  entries: Entry[];
}

/**
 * Turns an ordered list (first match wins) into few groups with the same meaning. An entry's layer is one deeper than the deepest
 * layer of the earlier entries that it overlaps, so entries of one layer are disjoint; layers are tried in order. Entries that an
 * earlier one covers can never match and are left out.
 */
export function layer(list: readonly Entry[]): Group[] {
  const kept: (Entry & { depth: number })[] = [];
  const layers: Map<string, Group>[] = [];
  for (const entry of list) {
    let depth = 0;
    let covered = false;
    for (const earlier of kept) {
      if (!boxesOverlap(earlier.box, entry.box)) continue;
      if (containsBox(earlier.box, entry.box)) {
        covered = true;
        break;
      }
      depth = Math.max(depth, earlier.depth + 1);
    }
    if (covered) continue;
    kept.push({ ...entry, depth });
    layers[depth] ??= new Map();
    const groups = layers[depth]!;
    const shape = shapeOf(entry.box);
    const group = groups.get(shape);
    if (group) group.entries.push(entry);
    else groups.set(shape, { entries: [entry] });
  }
  return layers.flatMap(groups => [...groups.values()]);
}

/** Which fields a box restricts, and by which sets: boxes of one shape can be keys of one map. */
function shapeOf(box: Box): string {
  const fields = [box.remote, box.protocol, box.source, box.destination, box.portmap];
  return [...fields.map(field => (field === null ? '-' : '+')), ...box.sets].join(' ');
}
