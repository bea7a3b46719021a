import { type Box, boxesOverlap } from './box.ts';
import { prefixStart } from './prefix.ts';

/** Boxes with a value each, all of one family, for finding those that overlap another one without looking at all of them. */
export class BoxIndex<T> {
  /** By remote prefix. Of two prefixes that overlap one contains the other. */
  readonly #nodes = new Map<string, Node<T>>();
  /** By first address, then by length. */
  readonly #inOrder: Node<T>[] = [];
  readonly #lengths = new Set<number>();

  add(box: Box, value: T): void {
    const { low, high, length } = box.remote ?? EVERYWHERE;
    const key = keyOf(low, length);
    let node = this.#nodes.get(key);
    if (!node) {
      node = { low, high, length, byProtocol: new Map() };
      this.#nodes.set(key, node);
      this.#lengths.add(length);
      this.#inOrder.splice(this.#firstFrom(low, length), 0, node);
    }
    let places = node.byProtocol.get(box.protocol);
    if (!places) {
      places = { byPort: new Map(), others: [] };
      node.byProtocol.set(box.protocol, places);
    }
    const port = onePort(box);
    const place = port === null ? places.others : places.byPort.get(port);
    if (place) place.push({ box, value });
    else places.byPort.set(port!, [{ box, value }]);
  }

  /** Whether `test` holds for one of the boxes that overlap this one; asks no more of them than it must. */
  someOverlapping(box: Box, test: (box: Box, value: T) => boolean): boolean {
    const holds = (item: Item<T>) => boxesOverlap(item.box, box) && test(item.box, item.value);
    const { remote } = box;
    if (remote === null) return this.#inOrder.some(node => someIn(node, box, holds));
    for (const length of this.#lengths) {
      if (length > remote.length) continue;
      const around = length < 0 ? EVERYWHERE.low : prefixStart(remote, length);
      const node = this.#nodes.get(keyOf(around, length));
      if (node && someIn(node, box, holds)) return true;
    }
    for (let at = this.#firstFrom(remote.low, remote.length + 1); at < this.#inOrder.length; at++) {
      const node = this.#inOrder[at]!;
      if (node.low > remote.high) break;
      if (node.length > remote.length && someIn(node, box, holds)) return true;
    }
    return false;
  }

  /** The place of the first node that does not stand before this one. */
  #firstFrom(low: string, length: number): number {
    let [from, to] = [0, this.#inOrder.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const node = this.#inOrder[middle]!;
      if (node.low < low || (node.low === low && node.length < length)) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

interface Node<T> {
  low: string;
  high: string;
  length: number;
  byProtocol: Map<number | null, Places<T>>;
}

/** Boxes for one destination port are found by it. */
interface Places<T> {
  byPort: Map<number, Item<T>[]>;
  others: Item<T>[];
}

interface Item<T> {
  box: Box;
  value: T;
}

/** Of a box without a remote prefix: around all prefixes. */
const EVERYWHERE = { low: '', high: '', length: -1 };

function keyOf(low: string, length: number): string {
  return `${low}/${length}`;
}

function onePort({ destination }: Box): number | null {
  return destination !== null && destination.low === destination.high ? destination.low : null;
}

/** No generators here: managers interpret this, for each ACE of each ACL. */
function someIn<T>(node: Node<T>, box: Box, holds: (item: Item<T>) => boolean): boolean {
  const port = onePort(box);
  const protocols = box.protocol === null ? node.byProtocol.keys() : [box.protocol, null];
  for (const protocol of protocols) {
    const places = node.byProtocol.get(protocol);
    if (!places) continue;
    if (places.others.some(holds)) return true;
    if (port !== null) {
      if (places.byPort.get(port)?.some(holds)) return true;
    } else {
      for (const place of places.byPort.values()) if (place.some(holds)) return true;
    }
  }
  return false;
}
