import { type Ace, AceAction, type AppInterfaceConfig } from '../../shared/proto/messages.ts';
import { aceBoxes, type Sense } from './ace-boxes.ts';
import { type Box, boxesOverlap, containsBox } from './box.ts';
import { IMPLICIT_ACE, implicitMark, userMark } from './mark.ts';
import type { Family } from './prefix.ts';
import { type RulesetInput, renderSets } from './ruleset.ts';

/** The connections that a change no longer allows. */
export interface EndedFlows {
  /** Of ACEs that went or narrowed. */
  marks: number[];
  /**
   * Addresses of apps whose ACL lets in less than before. Flows between apps carry the sender's mark, so those are found by where
   * they go; one that is still allowed is judged anew at its next packet and goes on.
   */
  destinations: string[];
}

/** Finds what must end when `before` becomes `after`. Flows of ACEs that did not change or that got wider are not in it. */
export function endedFlows(before: RulesetInput, after: RulesetInput): EndedFlows {
  const shrunk = shrunkSets(before, after);
  const marks = new Set<number>();
  const destinations = new Set<string>();
  for (const vif of before.vifs) {
    const now = after.vifs.find(other => isSame(vif, other));
    const addresses = [vif.ipv4, vif.ipv6].filter(address => address !== '');
    const later = now && compareAcls(vif.acl, now.acl);
    if (!now) {
      for (const address of addresses) destinations.add(address);
      marks.add(implicitMark(vif.vifNumber, IMPLICIT_ACE.outAll));
    }
    for (const [index, ace] of vif.acl.entries()) {
      if (ace.action === AceAction.DROP) continue;
      const ends = (sense: Sense) =>
        !later || ([4, 6] as const).some(family => isNarrower(vif, index, later, sense, family, shrunk));
      const isLimit = ace.action === AceAction.LIMIT;
      if (ends('outbound') || ends('mapped') || (isLimit && ends('inbound'))) {
        marks.add(userMark(vif.vifNumber, ace.id, false));
      }
      if (now && ends('inbound')) for (const address of addresses) destinations.add(address);
    }
  }
  return { marks: [...marks].sort((a, b) => a - b), destinations: [...destinations].sort() };
}

/** The marks of endedFlows. */
export function endedMarks(before: RulesetInput, after: RulesetInput): number[] {
  return endedFlows(before, after).marks;
}

function isSame(a: AppInterfaceConfig, b: AppInterfaceConfig): boolean {
  return a.vifNumber === b.vifNumber && a.mac === b.mac && a.ipv4 === b.ipv4 && a.ipv6 === b.ipv6;
}

interface Place {
  position: number;
  ace: Ace;
}

/** The ACL that comes after another one, for questions about many ACEs of that. */
interface LaterAcl {
  places: ReadonlyMap<number, Place>;
  /** The ACEs that can take something from the one that stood at `index` before and stands at `position` now: those that it did not stand behind. */
  takersBefore(position: number, index: number): readonly Place[];
}

function compareAcls(before: readonly Ace[], after: readonly Ace[]): LaterAcl {
  const placed = after.map((ace, position) => ({ position, ace }));
  // Of several with one id the first counts.
  const places = new Map([...placed].reverse().map(place => [place.ace.id, place]));
  const former = new Map([...before.entries()].reverse().map(([position, ace]) => [ace.id, { position, ace }]));
  const fresh: Place[] = [];
  /** Those that did not change, by position, with the last place that one up to here had before. */
  const kept: (Place & { was: number; latest: number })[] = [];
  let latest = -1;
  for (const place of placed) {
    if (place.ace.action !== AceAction.DROP && place.ace.action !== AceAction.LIMIT) continue;
    const was = former.get(place.ace.id);
    if (!was || was.ace.action !== place.ace.action || !matchesSame(was.ace, place.ace)) fresh.push(place);
    else {
      latest = Math.max(latest, was.position);
      kept.push({ ...place, was: was.position, latest });
    }
  }
  return {
    places,
    takersBefore(position, index) {
      const changed = fresh.filter(place => place.position < position);
      const isMoved = (kept[countBefore(kept, position) - 1]?.latest ?? -1) > index;
      return isMoved ? [...changed, ...kept.filter(place => place.position < position && place.was > index)] : changed;
    },
  };
}

/** How many of a list in the order of their positions stand before this one. */
function countBefore(places: readonly Place[], position: number): number {
  let [from, to] = [0, places.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (places[middle]!.position < position) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Whether the two match the same packets, in every sense. */
function matchesSame(a: Ace, b: Ace): boolean {
  const fields = ['id', 'direction', 'ip', 'host', 'eidset', 'protocol', 'lport', 'fport', 'appPort'] as const;
  return (
    fields.every(field => a[field] === b[field]) &&
    (a.action === AceAction.PORTMAP) === (b.action === AceAction.PORTMAP)
  );
}

/** Whether the ACE at `index` lets through less than before in this sense, by itself or because of what now stands before it. */
function isNarrower(
  before: AppInterfaceConfig,
  index: number,
  after: LaterAcl,
  sense: Sense,
  family: Family,
  shrunk: ReadonlySet<string>,
): boolean {
  const was = before.acl[index]!;
  const { ace: is, position = -1 } = after.places.get(was.id) ?? {};
  const isSame = is !== undefined && is.action !== AceAction.DROP && matchesSame(was, is);
  const takers = after.takersBefore(position, index);
  if (isSame && takers.length === 0 && shrunk.size === 0) return false;
  const boxes = (ace: Ace) => aceBoxes(before.vifNumber, ace, family, sense);
  const wasBoxes = boxes(was);
  if (wasBoxes.length === 0) return false;
  if (wasBoxes.some(box => box.sets.some(name => shrunk.has(name)))) return true;
  if (!is || is.action === AceAction.DROP || isOtherPortmap(was, is)) return true;
  if (!isSame && !covers(boxes(is), wasBoxes)) return true;

  return takers.some(({ ace }) => {
    const now = boxes(ace).filter(box => wasBoxes.some(other => boxesOverlap(box, other)));
    if (now.length === 0) return false;
    const same = before.acl.slice(0, index).find(({ id, action }) => id === ace.id && action === ace.action);
    return !(same && covers(boxes(same), now));
  });
}

function isOtherPortmap(a: Ace, b: Ace): boolean {
  if (a.action !== AceAction.PORTMAP && b.action !== AceAction.PORTMAP) return false;
  return a.action !== b.action || a.lport !== b.lport || a.appPort !== b.appPort;
}

function covers(outer: readonly Box[], inner: readonly Box[]): boolean {
  return inner.every(box => outer.some(other => containsBox(other, box)));
}

/** The sets from which the manager takes addresses out. That a DNS answer gets old ends no flow. */
function shrunkSets(before: RulesetInput, after: RulesetInput): Set<string> {
  const now = new Map(renderSets(after).map(set => [set.name, new Set(set.elements)]));
  const shrunk = renderSets(before).filter(set =>
    set.elements.some(element => now.get(set.name)?.has(element) === false),
  );
  return new Set(shrunk.map(set => set.name));
}
