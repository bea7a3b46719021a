import { AceAction } from '../../shared/proto/messages.ts';
import { PORT_PROTOCOLS } from './ace-boxes.ts';
import { DROP_BIT, defaultDropMark, markText, VIF_MASK } from './mark.ts';
import { type Chain, type NamedSet, namedMap } from './table.ts';
import { aceCounter, acesWith, defaultCounter, type Vif } from './vif.ts';

/** How long a denied flow is remembered after its last packet, seconds. */
const DENIED_TIMEOUT = 300;
/** How many denied flows are remembered per family; more are dropped all the same, but only counted. */
const DENIED_SIZE = 4096;

/** By the mark of a decision: the counters of ACEs that allow, those of ACEs and defaults that deny, the chains that limit. */
const MAPS = { allowed: 'allowed', dropped: 'dropped', limits: 'limits' } as const;
/** The marks of LIMIT ACEs. */
const LIMITING_SET = 'limiting';

export const DENIED_SETS = { 4: 'denied4', 6: 'denied6' } as const;
/** Counts every denied packet, listed or not. */
export const DENIED_COUNTER = 'denied';
/** Counts the packets that exceeded a LIMIT ACE. */
export const LIMITED_COUNTER = 'limited';

const UNITS = ['second', 'minute', 'hour', 'day'];
/** What nft takes when no burst is given. */
const DEFAULT_BURST = 5;

/** The end of a chain in which nobody's ACL but the NI itself says no. */
export const REFUSE_BY_NI = `meta mark set ${markText(defaultDropMark(0))} goto refused`;

/**
 * Denied flows: the deciding mark and the flow. Without ports (ICMP and others) the port is 0. The kernel keeps a key's types in 32
 * bits, six for each: the sixth part would be lost, so the sender's MAC is not in it (it follows from the mark's VIF).
 */
export function deniedSets(): NamedSet[] {
  return ([4, 6] as const).map(family => ({
    name: DENIED_SETS[family],
    definition: [
      `type mark . ipv${family}_addr . ipv${family}_addr . inet_proto . inet_service`,
      `size ${DENIED_SIZE}`,
      'flags dynamic,timeout',
      `timeout ${DENIED_TIMEOUT}s`,
      'counter',
    ],
    elements: [],
    dynamic: true,
  }));
}

/** The start of a rule for packets that the ACL denied. */
export const IS_DROP = `meta mark & ${markText(DROP_BIT)} != 0 goto`;
/** Makes the mark of a decision one of the receiver's side. */
export const AS_RECEIVER = `meta mark set meta mark and ${markText(~DROP_BIT >>> 0)}`;

/** Lists the denied flow and drops the packet. */
export function recordChain(): Chain {
  return { name: 'record', rules: [...recordDenied(), 'drop'] };
}

/** What is done with an allowed packet or flow, by the mark of the ACE that allowed it: limit, count, accept. */
export function settleBy(key: 'ct mark' | 'meta mark', vifs: readonly Vif[]): string[] {
  const counts = acesWith(vifs, AceAction.ALLOW, AceAction.PORTMAP).length > 0;
  return [...limitDispatch(vifs, key), ...(counts ? [`counter name ${key} map @${MAPS.allowed}`] : []), 'accept'];
}

/** What the verdicts look up by mark; maps without elements are left out, as are the rules that would ask them. */
export function verdictSets(vifs: readonly Vif[]): NamedSet[] {
  const counter = ({ vif, ace, mark }: ReturnType<typeof acesWith>[number]) =>
    `${markText(mark)} : "${aceCounter(vif.number, ace.id)}"`;
  const limits = acesWith(vifs, AceAction.LIMIT);
  const defaults = vifs.map(vif => `${markText(defaultDropMark(vif.number))} : "${defaultCounter(vif.number)}"`);
  const buckets = limits.map(({ vif, ace, mark }) => `${markText(mark)} : goto ${limitChain(vif.number, ace.id)}`);
  return [
    namedMap(MAPS.allowed, ['mark', 'counter'], acesWith(vifs, AceAction.ALLOW, AceAction.PORTMAP).map(counter)),
    namedMap(MAPS.dropped, ['mark', 'counter'], [...acesWith(vifs, AceAction.DROP).map(counter), ...defaults]),
    namedMap(MAPS.limits, ['mark', 'verdict'], buckets),
    {
      name: LIMITING_SET,
      definition: ['type mark'],
      elements: limits.map(({ mark }) => markText(mark)),
      dynamic: false,
    },
  ].filter(({ elements }) => elements.length > 0);
}

/** What follows once an ACL has decided; the packet's mark carries the decision. */
export function verdictChains(vifs: readonly Vif[], flowLog: boolean): Chain[] {
  const settle = settleBy('ct mark', vifs);
  const byNi = markText(defaultDropMark(0));
  return [
    ...limitChains(vifs),
    recordChain(),
    // By the sender's ACL; by the NI whatever that says; by the receiver's side. Where the sender's mark may have been kept on
    // the connection already it is taken back: the connection may be older than the ruleset, and must not pass as known.
    { name: 'denied', rules: [...countDenied(vifs), 'goto record'] },
    {
      name: 'overruled',
      rules: [`meta mark set ct mark and ${markText(VIF_MASK)} or ${byNi}`, 'ct mark set 0', 'goto denied'],
    },
    {
      name: 'refused',
      rules: ['ct mark set 0', ...countDenied(vifs), ...(flowLog ? [AS_RECEIVER, 'goto record'] : ['drop'])],
    },
    { name: 'agree', rules: [`${IS_DROP} refused`, ...keepReceiversLimit(vifs)] },
    {
      name: 'allow',
      // A flow that began while there were no rules can't be translated any more: it keeps mark 0, by which it is forgotten.
      rules: [
        `${IS_DROP} denied`,
        'ct state new ct status confirmed drop',
        'ct mark set meta mark',
        'jump receiver',
        ...settle,
      ],
    },
    { name: 'enter', rules: [`${IS_DROP} refused`, 'ct mark set meta mark', ...settle] },
  ];
}

/** Sends packets of flows that a LIMIT ACE decided to its buckets; no rule when there is no such ACE. */
export function limitDispatch(vifs: readonly Vif[], key: 'ct mark' | 'meta mark' = 'ct mark'): string[] {
  return acesWith(vifs, AceAction.LIMIT).length === 0 ? [] : [`${key} vmap @${MAPS.limits}`];
}

/** Per LIMIT ACE a chain with one bucket for what comes from the app and one for what goes to it. */
export function limitChains(vifs: readonly Vif[]): Chain[] {
  const chains = acesWith(vifs, AceAction.LIMIT).map(({ vif, ace }): Chain => {
    const unit = UNITS.includes(ace.limitUnit) ? ace.limitUnit : UNITS[0];
    const burst = ace.limitBurst === 0 ? DEFAULT_BURST : ace.limitBurst;
    const exceeds = `limit rate over ${ace.limitRate}/${unit} burst ${burst} packets goto limited`;
    const pass = `counter name "${aceCounter(vif.number, ace.id)}" accept`;
    const fromApp = `ether saddr ${vif.mac}`;
    const rules = [`${fromApp} ${exceeds}`, `${fromApp} ${pass}`, exceeds, pass];
    return { name: limitChain(vif.number, ace.id), rules: ace.limitRate === 0 ? ['goto limited'] : rules };
  });
  return chains.length === 0 ? [] : [{ name: 'limited', rules: [`counter name "${LIMITED_COUNTER}" drop`] }, ...chains];
}

/**
 * Between two apps the sender's mark is the one that stays. If only the receiver limits, its mark replaces the sender's, since a
 * limit that saw no packet after the first would be none.
 */
function keepReceiversLimit(vifs: readonly Vif[]): string[] {
  if (acesWith(vifs, AceAction.LIMIT).length === 0) return [];
  return [`meta mark @${LIMITING_SET} ct mark != @${LIMITING_SET} ct mark set meta mark`];
}

function limitChain(vif: number, ace: number): string {
  return `limit_${vif}_${ace}`;
}

/** Counts a denied packet: in all, and for the ACE or the default that denied it. */
export function countDenied(vifs: readonly Vif[]): string[] {
  // A mark that is not in the map just goes on to the next rule.
  return [
    `counter name "${DENIED_COUNTER}"`,
    ...(vifs.length === 0 ? [] : [`counter name meta mark map @${MAPS.dropped}`]),
  ];
}

/** The update fails when the set is full; that ends its rule only, the packet goes on to the `drop`. */
function recordDenied(): string[] {
  const withPorts = `{ ${PORT_PROTOCOLS.join(', ')} }`;
  return ([4, 6] as const).flatMap(family => {
    const ip = family === 4 ? 'ip' : 'ip6';
    const flow = `meta mark . ${ip} saddr . ${ip} daddr . meta l4proto`;
    return [
      `meta l4proto ${withPorts} update @${DENIED_SETS[family]} { ${flow} . th dport }`,
      `meta l4proto != ${withPorts} update @${DENIED_SETS[family]} { ${flow} . 0 }`,
    ];
  });
}
