/** Where in a document something stands, in the document's own words: `apps[2].interfaces[0].mac`. */

/** The path of a key or list element below another path; '' is the whole document. */
export function below(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** The path without its list positions: all elements of one list are of the same kind. */
export function kindOfPath(path: string): string {
  return path.replace(/\[\d+\]/g, '[]');
}

/** Sorts by where the paths stand in a document, keeping the order of those that stand at the same place. */
export function inDocumentOrder<T extends { path: string }>(items: readonly T[], document: unknown): T[] {
  const positions = keyPositions();
  return items
    .map(item => ({ item, rank: rankOf(item.path, document, positions) }))
    .sort((a, b) => compareRanks(a.rank, b.rank))
    .map(({ item }) => item);
}

type KeyPosition = (holder: object, key: string) => number;

/** Positions of keys in their mappings, remembered: mappings may be big and have many issues. */
function keyPositions(): KeyPosition {
  const known = new WeakMap<object, Map<string, number>>();
  return (holder, key) => {
    let positions = known.get(holder);
    if (!positions) {
      positions = new Map(Object.keys(holder).map((name, index) => [name, index]));
      known.set(holder, positions);
    }
    // What is missing stands after what is there.
    return positions.get(key) ?? positions.size;
  };
}

function rankOf(path: string, document: unknown, positionOf: KeyPosition): number[] {
  const rank: number[] = [];
  let here = document;
  for (const [token] of path.matchAll(/\[\d+\]|\["(?:[^"\\]|\\.)*"\]|[^.[\]]+/g)) {
    if (here === null || typeof here !== 'object') break;
    const key = token.startsWith('[') ? String(JSON.parse(token.slice(1, -1))) : token;
    rank.push(Array.isArray(here) ? Number(key) : positionOf(here, key));
    here = Object.hasOwn(here, key) ? (here as Record<string, unknown>)[key] : undefined;
  }
  return rank;
}

function compareRanks(a: number[], b: number[]): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const difference = a[index]! - b[index]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
