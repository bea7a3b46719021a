import { hidden, type Reporter } from '../../issue.ts';
import { kindOfPath } from '../../path.ts';
import { HIDDEN } from '../../secrets.ts';
import { didYouMean } from '../../suggest.ts';

/** What a field of the opaque JSON holds. A key is text that no message shows. */
type FieldKind = 'text' | 'key' | 'flag' | 'number' | 'texts' | 'objects' | 'object' | 'unused';
export type Fields = Record<string, FieldKind>;

/** The fields of EVE's `StrongSwanConfig`, and nibox's own: IkeVersion, IkeProposals, EspProposals, LocalBreakout. */
export const SETTINGS = {
  VpnRole: 'text',
  PolicyBased: 'flag',
  IsClient: 'unused',
  VpnGatewayIpAddr: 'text',
  VpnSubnetBlock: 'text',
  VpnLocalIpAddr: 'text',
  VpnRemoteIpAddr: 'text',
  PreSharedKey: 'key',
  LocalSubnetBlock: 'text',
  ClientConfigList: 'objects',
  IkeVersion: 'number',
  IkeProposals: 'texts',
  EspProposals: 'texts',
  LocalBreakout: 'flag',
} as const satisfies Fields;

export const CLIENT = {
  IpAddr: 'text',
  SubnetBlock: 'text',
  PreSharedKey: 'key',
  TunnelConfig: 'object',
} as const satisfies Fields;

/** EVE overwrites all but the addresses. */
export const TUNNEL = {
  Name: 'unused',
  Key: 'unused',
  Mtu: 'unused',
  Metric: 'unused',
  LocalIpAddr: 'text',
  RemoteIpAddr: 'text',
} as const satisfies Fields;

type JsonObject = Record<string, unknown>;
interface ValueOf {
  text: string;
  key: string;
  flag: boolean;
  number: number | undefined;
  texts: string[];
  objects: JsonObject[];
  object: JsonObject;
  unused: undefined;
}
type Values<F extends Fields> = { [K in keyof F]: ValueOf[F[K]] };

/** Reports with the path of the opaque text; `refused` tells whether something was. */
export interface FieldReport {
  refuse(value: unknown, reason: string, remedy: string): void;
  /** Warns of a field that is not used: without its value, and once for each kind of place. */
  unknown(place: string, key: string, known: readonly string[]): void;
  readonly refused: boolean;
}

/** More would hide what matters. */
const MAX_UNKNOWN = 20;

export function fieldReport(path: string, report: Reporter): FieldReport {
  let refused = false;
  const told = new Set<string>();
  return {
    refuse(value, reason, remedy) {
      refused = true;
      report.refuse({ path, value }, reason, remedy);
    },
    unknown(place, key, known) {
      const kind = `${kindOfPath(place)}${key.toLowerCase()}`;
      if (told.size >= MAX_UNKNOWN || told.has(kind)) return;
      told.add(kind);
      const near = didYouMean(key, known);
      const remedy = near ? `did you mean ${near}?` : `remove it; known are ${known.join(', ')}`;
      const reason = `${place}${JSON.stringify(key.slice(0, 40))} is not a known field, so it is not used`;
      report.warn({ path, value: undefined }, reason, remedy);
    },
    get refused() {
      return refused;
    },
  };
}

const EXPECTED: Record<FieldKind, string> = {
  text: 'text',
  key: 'text',
  flag: 'true or false',
  number: 'a number',
  texts: 'text or a list of texts',
  objects: 'a list of objects',
  object: 'an object',
  unused: 'anything',
};

/**
 * Reads one object of the opaque JSON: names in any case, as Go does, the last one winning. What is absent or null is empty. Fields
 * that nobody knows are warnings, without their values.
 */
export function readFields<F extends Fields>(
  object: JsonObject,
  known: F,
  place: string,
  report: FieldReport,
): Values<F> {
  const names = new Map(Object.keys(known).map(name => [name.toLowerCase(), name]));
  const given = new Map<string, unknown>();
  for (const [key, value] of Object.entries(object)) {
    const name = names.get(key.toLowerCase());
    if (name !== undefined) given.set(name, value);
    else report.unknown(place, key, [...names.values()]);
  }
  return Object.fromEntries(
    Object.entries(known).map(([name, kind]) => [name, readValue(given.get(name), kind, `${place}${name}`, report)]),
  ) as Values<F>;
}

function readValue(value: unknown, kind: FieldKind, place: string, report: FieldReport): ValueOf[FieldKind] {
  if (kind === 'unused') return undefined;
  if (value !== undefined && value !== null) {
    const read = typed(value, kind);
    if (read !== undefined) return read;
    const shown = kind === 'key' ? HIDDEN : hiddenUnlessScalar(value);
    report.refuse(shown, `${place} is not ${EXPECTED[kind]}`, `write ${EXPECTED[kind]}, or leave it out`);
  }
  return emptyOf(kind);
}

function typed(value: unknown, kind: FieldKind): ValueOf[FieldKind] {
  const isObject = (one: unknown): one is JsonObject => typeof one === 'object' && one !== null && !Array.isArray(one);
  switch (kind) {
    case 'text':
    case 'key':
      return typeof value === 'string' ? value : undefined;
    case 'flag':
      return typeof value === 'boolean' ? value : undefined;
    case 'number':
      return typeof value === 'number' ? value : undefined;
    case 'texts':
      if (typeof value === 'string') return value.split(',').map(one => one.trim());
      return Array.isArray(value) && value.every(one => typeof one === 'string') ? value : undefined;
    case 'objects':
      return Array.isArray(value) && value.every(isObject) ? value : undefined;
    case 'object':
      return isObject(value) ? value : undefined;
    case 'unused':
      return undefined;
  }
}

function emptyOf(kind: FieldKind): ValueOf[FieldKind] {
  const empty: ValueOf = {
    ...{ text: '', key: '', flag: false, number: undefined, texts: [], objects: [], object: {}, unused: undefined },
  };
  return empty[kind];
}

function hiddenUnlessScalar(value: unknown): unknown {
  return typeof value === 'object' ? hidden({ path: '', value }).value : value;
}
