import { addressBits, formatAddress, formatCidr, parsePrefix } from '../../net/address.ts';
import type { AceDraft, MatchDraft } from '../draft.ts';
import type { Reporter } from '../issue.ts';
import type { Ace, AceAction, NetworkInstance, UplinkConfig } from '../model.ts';
import { canonicalHostName } from '../names.ts';
import { didYouMean } from '../suggest.ts';
import { uplinksOf } from '../uplinks.ts';
import { readAction } from './ace-action.ts';
import { canonicalProtocol, hasPorts, parsePorts } from './protocol.ts';

/** The connection mark has 22 bits for it, and all ones stands for the default drop. */
const MAX_ACE_ID = 4194302;

const MATCH_TYPES = ['ip', 'host', 'eidset', 'protocol', 'lport', 'fport', 'adapter'];

/** What an ACE's correctness depends on beside itself. */
export interface AceContext {
  /** Absent: the NI is unknown, so nothing can be said about what suits it. */
  ni?: NetworkInstance | undefined;
  uplinks: readonly UplinkConfig[];
}

/** The ACEs of one interface, with ids given to those that have none: their position, or the next one that is free. */
export function buildAcl(drafts: AceDraft[], context: AceContext, report: Reporter): Ace[] {
  const taken = new Set<number>();
  for (const { id } of drafts) {
    if (!id.value) continue;
    const remedy = `use 1 to ${MAX_ACE_ID}, each once in an interface, or leave it out`;
    if (!Number.isInteger(id.value) || id.value < 1 || id.value > MAX_ACE_ID) {
      report.refuse(id, 'is not an id of an ACE', remedy);
    } else if (taken.has(id.value)) report.refuse(id, 'another ACE of this interface has the same id', remedy);
    taken.add(id.value);
  }
  let lastGiven = 0;
  return drafts.map((draft, index) => {
    let id = draft.id.value;
    if (!id) {
      id = Math.max(index, lastGiven) + 1;
      while (taken.has(id)) id++;
      lastGiven = id;
    }
    return { id, name: draft.name, direction: draft.direction, ...readEffect(draft, context, report) };
  });
}

type Effect = Pick<Ace, 'match' | 'action'>;

/** Of drafts that are right in any context. A draft is known again when the next config has it too. */
const rightAnywhere = new WeakMap<AceDraft, Effect>();

function readEffect(draft: AceDraft, context: AceContext, report: Reporter): Effect {
  const known = rightAnywhere.get(draft);
  if (known) return known;
  let isRight = true;
  const told: Reporter = {
    refuse(...args) {
      isRight = false;
      report.refuse(...args);
    },
    warn(...args) {
      isRight = false;
      report.warn(...args);
    },
  };
  const match = readMatches(draft, context, told);
  const action = readAction(draft, told);
  checkTogether(draft, match, action, context, told);
  const effect = { match, action };
  const { host, eidset, adapter } = match;
  const dependsOnContext = [host, eidset, adapter].some(value => value !== undefined) || action.kind === 'portmap';
  if (isRight && !dependsOnContext) rightAnywhere.set(draft, effect);
  return effect;
}

function readMatches(draft: AceDraft, context: AceContext, report: Reporter): Ace['match'] {
  const match: Ace['match'] = {};
  for (const entry of draft.matches) {
    const read = readMatch(entry, report);
    if (!read) continue;
    const [key, value] = read;
    if (match[key] !== undefined && match[key] !== value) {
      report.refuse(entry.value, `this ACE already has a match of type ${key}`, 'use one ACE for each of them');
    }
    Object.assign(match, { [key]: value });
    if (context.ni?.type === 'switch' && (key === 'host' || key === 'eidset')) {
      const reason = `a match of type ${key} does not work on a switch network instance`;
      report.refuse(entry.value, reason, 'use ip instead, or a local network instance');
    }
  }
  return match;
}

type MatchKey = keyof Ace['match'];

function readMatch({ type, value }: MatchDraft, report: Reporter): [MatchKey, string | true] | undefined {
  const wrong = (reason: string, remedy: string) => void report.refuse(value, reason, remedy);
  switch (type.value) {
    case 'eidset':
      return ['eidset', true];
    case 'ip': {
      const ip = canonicalPrefix(value.value);
      return ip ? ['ip', ip] : wrong('is neither an IP address nor a subnet', 'write 192.0.2.7 or 192.0.2.0/24');
    }
    case 'host': {
      const ip = canonicalPrefix(value.value);
      if (ip) return ['ip', ip];
      const host = canonicalHostName(value.value);
      const remedy = value.value.startsWith('*.')
        ? `write ${value.value.slice(2)}: subdomains are included`
        : 'write a name without protocol or path, for example github.com';
      return host ? ['host', host] : wrong('is not a host name', remedy);
    }
    case 'protocol': {
      const protocol = canonicalProtocol(value.value);
      if (protocol === 'any') return undefined;
      const remedy = 'use tcp, udp, icmp, icmpv6, sctp or a number from 1 to 255';
      return protocol ? ['protocol', protocol] : wrong('is not a known protocol', remedy);
    }
    case 'lport':
    case 'fport': {
      const ports = parsePorts(value.value);
      return ports
        ? [type.value, ports]
        : wrong('is neither a port nor a range', 'write 80 or 80-90, within 1 to 65535');
    }
    case 'adapter':
      return value.value === '' ? wrong('the label is empty', 'name an uplink') : ['adapter', value.value];
    default: {
      const near = didYouMean(type.value, MATCH_TYPES);
      const remedy = near ? `did you mean ${near}?` : `use one of ${MATCH_TYPES.join(', ')}`;
      return void report.refuse(type, 'is not a type of match', remedy);
    }
  }
}

function canonicalPrefix(text: string): string | undefined {
  const prefix = parsePrefix(text);
  if (!prefix) return undefined;
  return prefix.prefixLength === addressBits(prefix.family) ? formatAddress(prefix) : formatCidr(prefix);
}

/** What depends on more than one part of the ACE, or on the network instance. */
function checkTogether(draft: AceDraft, match: Ace['match'], action: AceAction, context: AceContext, report: Reporter) {
  const find = (...types: string[]) => draft.matches.find(({ type }) => types.includes(type.value));
  if (match.eidset && (match.host !== undefined || match.ip !== undefined) && find('host')) {
    report.refuse(find('host')!.value, 'host and eidset exclude each other', 'use one ACE for each of them');
  } else if (match.host !== undefined && match.ip !== undefined) {
    report.refuse(find('host')!.value, 'host and ip exclude each other', 'use one ACE for each of them');
  }
  const port = find('lport', 'fport');
  if (port && !hasPorts(match.protocol) && (match.protocol !== undefined || !hasUnreadable(draft, match, 'protocol'))) {
    const reason = match.protocol ? `protocol ${match.protocol} has no ports` : 'a port needs a protocol';
    report.refuse(port.value, reason, 'add protocol tcp, udp or sctp');
  }
  if (action.kind === 'portmap') return checkPortmap(draft, match, context, report);
  const adapter = find('adapter');
  if (adapter) report.refuse(adapter.value, 'adapter is for port maps only', 'remove it, or make this a port map');
}

/** Whether the document has such a match, but with a value that was refused already. */
function hasUnreadable(draft: AceDraft, match: Ace['match'], key: MatchKey): boolean {
  return match[key] === undefined && draft.matches.some(({ type, value }) => type.value === key && !isAny(value.value));
}

function isAny(protocol: string): boolean {
  return canonicalProtocol(protocol) === 'any';
}

function checkPortmap(draft: AceDraft, match: Ace['match'], { ni, uplinks }: AceContext, report: Reporter): void {
  const action = draft.actions[0]!;
  const at = { path: action.path, value: action.kind === 'portmap' ? action.appPort.value : undefined };
  const lport = draft.matches.find(({ type }) => type.value === 'lport');
  if (!lport) report.refuse(at, 'a port map needs lport', "add lport, the uplink's port, and a protocol");
  else if (match.lport?.includes('-'))
    report.refuse(lport.value, 'a port map takes one port', 'use one ACE for each port');
  if (!ni) return;
  if (ni.type === 'switch') {
    report.refuse(at, 'port maps do not work on a switch network instance', 'use a local network instance');
  } else if (ni.port === '') {
    report.refuse(at, 'a network instance without a port has no port maps', 'give the network instance a port');
  } else if (match.adapter !== undefined && ni.issues.length === 0) {
    const reachable = uplinksOf(ni.port, uplinks);
    if (!uplinksOf(match.adapter, uplinks).some(uplink => reachable.includes(uplink))) {
      const adapter = draft.matches.find(({ type }) => type.value === 'adapter')!;
      const labels = reachable.map(uplink => uplink.label).join(', ');
      report.refuse(adapter.value, `network instance ${ni.name} uses no uplink of this label`, `use ${labels}`);
    }
  }
}
