import { canonicalCidr, parseCidr } from '../../net/address.ts';
import type { AppDraft, DocumentDraft } from '../draft.ts';
import { type Reporter, reporter, type Told } from '../issue.ts';
import type { App, DeviceConfig, Issue, NetworkInstance, UplinkConfig } from '../model.ts';
import { suggester } from '../suggest.ts';
import { impliedUplinks, labelsOf } from '../uplinks.ts';
import { WORDS } from '../vpn/words.ts';
import { Claims } from './claims.ts';
import { buildInterface } from './interface.ts';
import { buildNetworkInstance } from './network-instance.ts';
import { refuseSharedSwitchPorts } from './switch-ports.ts';
import { warnOfSameCallers } from './vpn/callers.ts';
import { assignServers } from './vpn/servers.ts';

const DEFAULT_TRANSIT_POOL = '169.254.64.0/18';
/** Below lie the uids of people and services. */
const MIN_UID_BASE = 65536;
const DEFAULT_UID_BASE = 200000;
/** Room for 1000 NIs of 65536 uids below the end of uids. */
const MAX_UID_BASE = 4_000_000_000;

/** Makes the model of a draft: defaults filled in, everything checked. Adds to the issues whatever is wrong. */
export function buildConfig(draft: DocumentDraft, issues: Issue[]): DeviceConfig {
  const report = reporter('document', issues);
  const uplinks = draft.uplinks ?? impliedUplinks(draft.networkInstances.map(ni => ni.port.value ?? ''));
  const transitPool = readTransitPool(draft.transitPool, draft.networkInstances.length, report);
  const labels = labelsOf(uplinks);
  const suggestWord = suggester([...WORDS.keys()]);
  const context = { uplinks, labels, suggestLabel: suggester(labels), suggestWord, transitPool, issues };
  const pairs = draft.networkInstances.map(niDraft => ({
    draft: niDraft,
    ni: buildNetworkInstance(niDraft, context),
  }));
  refuseSharedSwitchPorts(pairs, uplinks, issues);
  const servers = assignServers(pairs, uplinks, issues);
  warnOfSameCallers(pairs, uplinks, issues);
  const unclear = new Set(pairs.filter(pair => pair.draft.isPartial).map(pair => pair.ni));
  const nis = pairs.map(pair => pair.ni);
  return {
    device: draft.device,
    uplinks,
    networkInstances: nis,
    apps: buildApps(draft.apps, nis, unclear, new Claims(uplinks, servers, issues), issues, uplinks),
    transitPool,
    uidBase: readUidBase(draft.uidBase, report),
    userNamespaces: draft.userNamespaces,
    supervision: draft.supervision,
    resources: draft.resources,
    forwardBetweenUplinks: draft.forwardBetweenUplinks,
  };
}

function buildApps(
  drafts: AppDraft[],
  networkInstances: NetworkInstance[],
  unclear: Set<NetworkInstance>,
  claims: Claims,
  issues: Issue[],
  uplinks: readonly UplinkConfig[],
): App[] {
  const nis = new Map(networkInstances.map(ni => [ni.name, ni]));
  return drafts.map(draft => {
    const { name, uuid, activate, attach } = draft;
    const interfaces = draft.interfaces.map(interfaceDraft => {
      const known = nis.get(interfaceDraft.networkInstance);
      const ni = known && unclear.has(known) ? undefined : known;
      const built = buildInterface(interfaceDraft, { ni, uplinks, issues });
      if (ni && activate) claims.take(name, interfaceDraft, built, ni);
      return built;
    });
    return { name, uuid, activate, attach, interfaces };
  });
}

function readTransitPool(given: Told<string> | undefined, count: number, report: Reporter): string {
  const told = given ?? { path: 'transitPool', value: undefined };
  const text = told.value ?? DEFAULT_TRANSIT_POOL;
  const pool = parseCidr(text);
  const remedy = `use an unused IPv4 network, for example ${DEFAULT_TRANSIT_POOL}`;
  if (pool?.family !== 4) report.refuse(told, 'is not an IPv4 network', remedy);
  else if (pool.prefixLength < 8 || pool.prefixLength > 30) {
    report.refuse(told, 'the prefix length of the transit pool is not between 8 and 30', remedy);
  } else if (2 ** (30 - pool.prefixLength) < count) {
    const reason = `there is room for ${2 ** (30 - pool.prefixLength)} network instances, but there are ${count}`;
    report.refuse(told, reason, 'use a shorter prefix length: each network instance takes 4 addresses');
  } else return canonicalCidr(text)!;
  return DEFAULT_TRANSIT_POOL;
}

function readUidBase(told: Told<number> | undefined, report: Reporter): number {
  if (!told) return DEFAULT_UID_BASE;
  if (!Number.isInteger(told.value) || told.value < MIN_UID_BASE || told.value > MAX_UID_BASE) {
    const remedy = `use a number from ${MIN_UID_BASE} to ${MAX_UID_BASE}, or leave it out to get ${DEFAULT_UID_BASE}`;
    report.refuse(told, 'is not a first uid for network instances', remedy);
  }
  return told.value;
}
